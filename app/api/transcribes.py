"""`/v1.0/transcribes` (contract 4.5, 10 row 3, 11)."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from app.api.errors import InvalidReferenceFilter, InvalidRequestParameter
from app.api.flow_fields import check_flow_reference
from app.api.keys import CONTEXT, IDENTITY
from app.api.ownership import own, own_present
from app.api.ports import ApiContext
from app.api.request_body import BodyId, OptionalBodyId, RequestBody, read_body
from app.api.request_query import PATH_ID, page_query, path_id, query_id
from app.api.responses import one, page
from app.api.route import ID_SCHEMA, Query, Route, delete, get, post
from app.api.route import page as page_route
from app.api.texts import Name
from app.domain.call import CallStatus
from app.domain.conference import ConferenceStatus
from app.domain.customer import Identity
from app.domain.ids import ZERO_ID
from app.domain.language import parse_language
from app.domain.recording import RecordingStatus
from app.domain.transcribe import Direction, ReferenceType, Transcribe, TranscribeStatus
from app.errors import StateInvalid
from app.wire.transcribe import TranscribeBody, transcribe_body

REFERENCE_TYPES = {
    "call": ReferenceType.CALL,
    "confbridge": ReferenceType.CONFBRIDGE,
    "conference": ReferenceType.CONFBRIDGE,  # as VoIPBIN's gateway calls it; answered as confbridge
    "recording": ReferenceType.RECORDING,
}
_MAX_LANGUAGE = 35  # RFC 5646, 4.4.1
_EXPECTED_TYPE = "expected call, confbridge or recording"


def _read_reference_type(value: object) -> object:
    if not isinstance(value, str) or value not in REFERENCE_TYPES:
        raise ValueError(_EXPECTED_TYPE)
    return REFERENCE_TYPES[value]


def _read_direction(value: object) -> object:
    """Read a direction; an empty one is an absent one. The one place where we are stricter than VoIPBIN's code, which
    takes any word for both: a misspelt direction would double the work and the transcripts.
    """
    return Direction.BOTH if value == "" else value


def _read_language(text: str) -> str:
    if len(text) > _MAX_LANGUAGE:
        raise ValueError("expected a BCP 47 language code such as en-US or ko-KR")
    return parse_language(text).tag


class TranscribeStart(RequestBody):
    """The body of POST /v1.0/transcribes. `provider` is kept as it was sent; the engine is ours."""

    reference_type: Annotated[
        ReferenceType,
        BeforeValidator(_read_reference_type),
        WithJsonSchema({"type": "string", "enum": list(REFERENCE_TYPES)}),
    ]
    reference_id: BodyId
    language: Annotated[str, AfterValidator(_read_language), Field(description="BCP 47, such as en-US")]
    direction: Annotated[Direction, BeforeValidator(_read_direction)] = Direction.BOTH
    on_end_flow_id: OptionalBodyId = ZERO_ID
    provider: Name = ""
    end_of_silence_ms: Annotated[int | None, Field(ge=100, le=5000)] = None


_PAIR = (
    Query("reference_type", {"type": "string", "enum": list(REFERENCE_TYPES)}, "With reference_id: those of this."),
    Query("reference_id", ID_SCHEMA, "With reference_type."),
)


def routes() -> list[Route]:
    """Return the routes of transcribes."""
    one_path = f"/v1.0/transcribes/{PATH_ID}"
    return [
        page_route("/v1.0/transcribes", list_transcribes, TranscribeBody, *_PAIR),
        post("/v1.0/transcribes", start_transcribe, TranscribeBody, TranscribeStart, errors=(404,)),
        get(one_path, get_transcribe, TranscribeBody),
        post(f"{one_path}/stop", stop_transcribe, TranscribeBody),
        delete(one_path, delete_transcribe, TranscribeBody),
    ]


async def list_transcribes(request: web.Request) -> web.Response:
    """List your transcribes, all or those of one call, conference or recording."""
    wanted = page_query(request)
    reference_id = query_id(request, "reference_id")
    type_text = request.query.get("reference_type", "")
    if bool(type_text) is not (reference_id is not None):
        raise InvalidReferenceFilter("reference_type", "give reference_type and reference_id, both or neither")
    if type_text and type_text not in REFERENCE_TYPES:
        raise InvalidRequestParameter("reference_type", _EXPECTED_TYPE)
    rows = await request.app[CONTEXT].store.transcribes.list(
        request[IDENTITY].customer_id,
        page_size=wanted.size,
        before=wanted.before,
        reference_type=REFERENCE_TYPES.get(type_text),
        reference_id=reference_id,
    )
    return page(rows, transcribe_body)


async def start_transcribe(request: web.Request) -> web.Response:
    """Start to transcribe a call or a conference that is progressing, or a recording that has ended.

    It is answered when the transcribe listens: what is said from then on is transcribed. A recording is transcribed
    after the answer. `on_end_flow_id` is run when the transcribe is done.
    """
    asked = await read_body(request, TranscribeStart)
    context, identity = request.app[CONTEXT], request[IDENTITY]
    await _check_reference(context, identity, asked)
    await check_flow_reference(context, identity.customer_id, asked.on_end_flow_id, "on_end_flow_id")
    transcribe = await context.transcribes.start(
        customer_id=identity.customer_id,
        reference_type=asked.reference_type,
        reference_id=asked.reference_id,
        language=asked.language,
        direction=asked.direction,
        on_end_flow_id=asked.on_end_flow_id,
        provider=asked.provider,
        end_of_silence_ms=asked.end_of_silence_ms,
    )
    return one(transcribe_body(transcribe))


async def get_transcribe(request: web.Request) -> web.Response:
    """Show a transcribe."""
    return one(transcribe_body(await _own_transcribe(request)))


async def stop_transcribe(request: web.Request) -> web.Response:
    """End a transcribe, after its last words; one that is done is answered as it is."""
    transcribe = await _own_transcribe(request)
    if transcribe.status is TranscribeStatus.PROGRESSING:
        transcribe = await request.app[CONTEXT].transcribes.stop(transcribe.id)
    return one(transcribe_body(transcribe))


async def delete_transcribe(request: web.Request) -> web.Response:
    """Delete a transcribe with its transcripts; it is stopped first where it listens."""
    transcribe = await _own_transcribe(request)
    return one(transcribe_body(await request.app[CONTEXT].transcribes.delete(transcribe.id)))


async def _check_reference(context: ApiContext, identity: Identity, asked: TranscribeStart) -> None:
    match asked.reference_type:
        case ReferenceType.CALL:
            call = await own(context.store.calls, asked.reference_id, identity)
            status, is_fit = call.status.value, call.status is CallStatus.PROGRESSING and call.tm_delete is None
        case ReferenceType.CONFBRIDGE:
            conference = await own_present(context.store.conferences, asked.reference_id, identity)
            status, is_fit = conference.status.value, conference.status is ConferenceStatus.PROGRESSING
        case ReferenceType.RECORDING:
            recording = await own_present(context.store.recordings, asked.reference_id, identity)
            status, is_fit = recording.status.value, recording.status is RecordingStatus.ENDED
    if not is_fit:
        raise StateInvalid(
            "a call or conference can be transcribed while it is progressing, a recording when it has ended; "
            f"this one is {status}"
        )


async def _own_transcribe(request: web.Request) -> Transcribe:
    return await own_present(request.app[CONTEXT].store.transcribes, path_id(request), request[IDENTITY])
