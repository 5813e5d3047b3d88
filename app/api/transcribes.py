"""`/v1.0/transcribes` (contract 4.5, 10 row 3, 11)."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import AfterValidator, BeforeValidator, Field

from app.api.errors import InvalidReferenceFilter, InvalidRequestParameter
from app.api.keys import CONTEXT, IDENTITY
from app.api.ownership import own
from app.api.ports import ApiContext
from app.api.request_body import BodyId, OptionalBodyId, RequestBody, read_body
from app.api.request_query import PATH_ID, page_query, path_id, query_id
from app.api.responses import one, page
from app.domain.call import CallStatus
from app.domain.customer import Identity
from app.domain.ids import ZERO_ID
from app.domain.language import parse_language
from app.domain.transcribe import Direction, ReferenceType, Transcribe, TranscribeStatus
from app.errors import NotFound, StateInvalid
from app.wire.transcribe import transcribe_body

REFERENCE_TYPES = {
    "call": ReferenceType.CALL,
    "confbridge": ReferenceType.CONFBRIDGE,
    "conference": ReferenceType.CONFBRIDGE,  # as VoIPBIN's gateway calls it; answered as confbridge
    "recording": ReferenceType.RECORDING,
}
_EXPECTED_TYPE = "expected call, confbridge or recording"


def _read_reference_type(value: object) -> object:
    if not isinstance(value, str) or value not in REFERENCE_TYPES:
        raise ValueError(_EXPECTED_TYPE)
    return REFERENCE_TYPES[value]


def _read_direction(value: object) -> object:
    """Read a direction; the contract takes an absent or unknown one for both."""
    if value is None:
        return Direction.BOTH
    if isinstance(value, str):
        return Direction(value) if value in {known.value for known in Direction} else Direction.BOTH
    return value


def _empty_when_null(value: object) -> object:
    return "" if value is None else value


def _check_printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must not hold control characters")
    return text


class TranscribeStart(RequestBody):
    """The body of POST /v1.0/transcribes. `provider` is kept as it was sent; the engine is ours."""

    reference_type: Annotated[ReferenceType, BeforeValidator(_read_reference_type)]
    reference_id: BodyId
    language: Annotated[str, AfterValidator(lambda text: parse_language(text).tag)]
    direction: Annotated[Direction, BeforeValidator(_read_direction)] = Direction.BOTH
    on_end_flow_id: OptionalBodyId = ZERO_ID
    provider: Annotated[
        str, Field(max_length=255), AfterValidator(_check_printable), BeforeValidator(_empty_when_null)
    ] = ""
    end_of_silence_ms: Annotated[int | None, Field(ge=100, le=5000)] = None


def routes() -> list[web.RouteDef]:
    """Return the routes of transcribes."""
    return [
        web.get("/v1.0/transcribes", list_transcribes),
        web.post("/v1.0/transcribes", start_transcribe),
        web.get(f"/v1.0/transcribes/{PATH_ID}", get_transcribe),
        web.post(f"/v1.0/transcribes/{PATH_ID}/stop", stop_transcribe),
    ]


async def list_transcribes(request: web.Request) -> web.Response:
    """Answer a page of the customer's transcribes, all or those of one reference."""
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
    """Start to transcribe what the body refers to."""
    asked = await read_body(request, TranscribeStart)
    context, identity = request.app[CONTEXT], request[IDENTITY]
    await _check_reference(context, identity, asked)
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
    """Answer one transcribe."""
    return one(transcribe_body(await _own_transcribe(request)))


async def stop_transcribe(request: web.Request) -> web.Response:
    """End a transcribe; one that is done is answered as it is."""
    transcribe = await _own_transcribe(request)
    if transcribe.status is TranscribeStatus.PROGRESSING:
        transcribe = await request.app[CONTEXT].transcribes.stop(transcribe.id)
    return one(transcribe_body(transcribe))


async def _check_reference(context: ApiContext, identity: Identity, asked: TranscribeStart) -> None:
    if asked.reference_type is ReferenceType.CONFBRIDGE:
        raise NotFound("conference", asked.reference_id)
    if asked.reference_type is ReferenceType.RECORDING:
        raise NotFound("recording", asked.reference_id)
    call = await own(context.store.calls, asked.reference_id, identity)
    if call.tm_delete is not None or call.status is not CallStatus.PROGRESSING:
        raise StateInvalid(f"a call can be transcribed while it is progressing; this one is {call.status.value}")


async def _own_transcribe(request: web.Request) -> Transcribe:
    transcribe = await own(request.app[CONTEXT].store.transcribes, path_id(request), request[IDENTITY])
    if transcribe.tm_delete is not None:
        raise NotFound("transcribe", transcribe.id)
    return transcribe
