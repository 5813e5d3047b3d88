"""`/v1.0/conferences` (contract 4.1)."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import to_json

from app.api.call_controls import ENCAPSULATION, ENCAPSULATIONS
from app.api.flow_fields import check_flow_reference
from app.api.keys import CONTEXT, IDENTITY
from app.api.live_fields import ConferenceRecordingStart, ConferenceTranscribeStart
from app.api.ownership import own_present
from app.api.ports import ConferenceOrder
from app.api.request_body import OptionalBodyId, RequestBody, read_body
from app.api.request_query import PATH_ID, page_query, path_id, query_choice
from app.api.responses import one
from app.api.responses import page as answer_page
from app.api.route import Route, delete, get, page, post, put
from app.api.texts import Detail, Name
from app.domain.conference import Conference, ConferenceStatus, ConferenceType
from app.domain.ids import ZERO_ID
from app.domain.recording import RecordingRequest
from app.domain.transcribe import ReferenceType
from app.errors import StateInvalid
from app.wire.conference import ConferenceBody, conference_body

_ONE = f"/v1.0/conferences/{PATH_ID}"
_LIVE = (404, 409, 503)
_MAX_DATA_BYTES = 32 * 1024


def _conference_when_empty(value: object) -> object:
    return ConferenceType.CONFERENCE if value == "" else value


def _check_data(content: dict[str, object]) -> dict[str, object]:
    if len(to_json(content)) > _MAX_DATA_BYTES:
        raise ValueError(f"expected at most {_MAX_DATA_BYTES} bytes of JSON")
    return content


class ConferenceChange(RequestBody):
    """The body of PUT /v1.0/conferences/{id}; what is not sent stays as it is."""

    name: Name = ""
    detail: Detail = ""
    timeout: int = Field(
        0, ge=0, le=2**31 - 1, description="Seconds from its making after which it ends, 0 = never; 1 to 59 = a day"
    )
    data: Annotated[dict[str, object], AfterValidator(_check_data)] = Field(
        default_factory=dict, description="Anything of yours, kept and shown"
    )
    pre_flow_id: OptionalBodyId = ZERO_ID
    post_flow_id: OptionalBodyId = ZERO_ID


class ConferenceStart(ConferenceChange):
    """The body of POST /v1.0/conferences."""

    id: OptionalBodyId = ZERO_ID
    type: Annotated[ConferenceType, BeforeValidator(_conference_when_empty)] = ConferenceType.CONFERENCE


def routes() -> list[Route]:
    """Return the routes of conferences."""
    return [
        page("/v1.0/conferences", list_conferences, ConferenceBody),
        post("/v1.0/conferences", create_conference, ConferenceBody, ConferenceStart, errors=(409, 503)),
        get(_ONE, get_conference, ConferenceBody),
        put(_ONE, change_conference, ConferenceBody, ConferenceChange),
        delete(_ONE, delete_conference, ConferenceBody),
        post(f"{_ONE}/direct-hash-regenerate", regenerate_conference_hash, ConferenceBody, errors=(404,)),
        post(f"{_ONE}/recording_start", start_recording, ConferenceBody, ConferenceRecordingStart, errors=_LIVE),
        post(f"{_ONE}/recording_stop", stop_recording, ConferenceBody, errors=(404, 409)),
        post(f"{_ONE}/transcribe_start", start_transcribe, ConferenceBody, ConferenceTranscribeStart, errors=_LIVE),
        post(f"{_ONE}/transcribe_stop", stop_transcribe, ConferenceBody, errors=(404, 409)),
        Route("GET", f"{_ONE}/media_stream", stream_conference, query=(ENCAPSULATION,), status=101, errors=_LIVE),
    ]


async def list_conferences(request: web.Request) -> web.Response:
    """List your conferences, newest first."""
    wanted = page_query(request)
    table = request.app[CONTEXT].store.conferences
    rows = await table.list(request[IDENTITY].customer_id, page_size=wanted.size, before=wanted.before)
    return answer_page(rows, conference_body)


async def create_conference(request: web.Request) -> web.Response:
    """Make a conference. Calls join it by the action conference_join; `conference` stays when it is empty."""
    asked = await read_body(request, ConferenceStart)
    await _check_flows(request, asked)
    order = ConferenceOrder(
        name=asked.name,
        detail=asked.detail,
        type=asked.type,
        timeout=asked.timeout,
        data=asked.data,
        pre_flow_id=asked.pre_flow_id,
        post_flow_id=asked.post_flow_id,
        id="" if asked.id == ZERO_ID else asked.id,
    )
    created = await request.app[CONTEXT].conferences.create(request[IDENTITY].customer_id, order)
    return one(conference_body(created))


async def get_conference(request: web.Request) -> web.Response:
    """Show a conference."""
    return one(conference_body(await _own_conference(request)))


async def change_conference(request: web.Request) -> web.Response:
    """Change a conference; what is not sent stays as it is."""
    conference, asked = await _own_conference(request), await read_body(request, ConferenceChange)
    await _check_flows(request, asked)
    order = ConferenceOrder(
        **{
            "name": conference.name,
            "detail": conference.detail,
            "timeout": conference.timeout,
            "data": conference.data,
            "pre_flow_id": conference.pre_flow_id,
            "post_flow_id": conference.post_flow_id,
            **asked.sent(),
        },
        type=conference.type,
        id=conference.id,
    )
    port = request.app[CONTEXT].conferences
    return one(conference_body(await port.update(conference.customer_id, conference.id, order)))


async def delete_conference(request: web.Request) -> web.Response:
    """Send everybody out and delete the conference."""
    conference = await _own_conference(request)
    deleted = await request.app[CONTEXT].conferences.delete(conference.customer_id, conference.id)
    return one(conference_body(deleted))


async def regenerate_conference_hash(request: web.Request) -> web.Response:
    """Give a conference a new `direct_hash`: `sip:direct.HASH@...` calls it, the old hash no longer."""
    conference = await _own_conference(request)
    changed = await request.app[CONTEXT].conferences.regenerate_hash(conference.customer_id, conference.id)
    return one(conference_body(changed))


async def start_recording(request: web.Request) -> web.Response:
    """Record what all in the conference hear. `recording_id` of the answer is the recording."""
    conference, asked = await _own_open_conference(request), await read_body(request, ConferenceRecordingStart)
    context = request.app[CONTEXT]
    await check_flow_reference(context, conference.customer_id, asked.on_end_flow_id, "on_end_flow_id")
    wanted = RecordingRequest(format=asked.format, duration=asked.duration, on_end_flow_id=asked.on_end_flow_id)
    started = await context.conferences.start_recording(conference.customer_id, conference.id, wanted)
    return one(conference_body(started))


async def stop_recording(request: web.Request) -> web.Response:
    """End the conference's recording; RECORDING_NOT_ACTIVE when there is none."""
    conference = await _own_conference(request)
    stopped = await request.app[CONTEXT].conferences.stop_recording(conference.customer_id, conference.id)
    return one(conference_body(stopped))


async def start_transcribe(request: web.Request) -> web.Response:
    """Transcribe every member of the conference. `transcribe_id` of the answer is the transcribe."""
    conference, asked = await _own_open_conference(request), await read_body(request, ConferenceTranscribeStart)
    port = request.app[CONTEXT].conferences
    return one(conference_body(await port.start_transcribe(conference.customer_id, conference.id, asked.language)))


async def stop_transcribe(request: web.Request) -> web.Response:
    """End the conference's transcribe, after its last words; STATE_INVALID when there is none."""
    conference = await _own_conference(request)
    stopped = await request.app[CONTEXT].conferences.stop_transcribe(conference.customer_id, conference.id)
    return one(conference_body(stopped))


async def stream_conference(request: web.Request) -> web.StreamResponse:
    """Open a WebSocket with the conference's sound: what all hear comes, what is sent all hear."""
    conference = await _own_open_conference(request)
    query_choice(request, ENCAPSULATION.name, ENCAPSULATIONS)
    return await request.app[CONTEXT].media_streams.serve(request, ReferenceType.CONFBRIDGE, conference.id)


async def _check_flows(request: web.Request, asked: ConferenceChange) -> None:
    context, customer_id = request.app[CONTEXT], request[IDENTITY].customer_id
    await check_flow_reference(context, customer_id, asked.pre_flow_id, "pre_flow_id")
    await check_flow_reference(context, customer_id, asked.post_flow_id, "post_flow_id")


async def _own_conference(request: web.Request) -> Conference:
    return await own_present(request.app[CONTEXT].store.conferences, path_id(request), request[IDENTITY])


async def _own_open_conference(request: web.Request) -> Conference:
    conference = await _own_conference(request)
    if conference.status is not ConferenceStatus.PROGRESSING:
        raise StateInvalid(f"the conference is {conference.status}; this needs one that is progressing")
    return conference
