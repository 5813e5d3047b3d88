"""`/v1.0/calls/{id}/...`: what can be done to a live call (contract 3.2). Done is answered with an empty body."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Annotated

from aiohttp import web

from app.api.flow_fields import check_flow_reference
from app.api.keys import CONTEXT
from app.api.live_fields import BothWhenEmpty, CallRecordingStart, Talk
from app.api.own_calls import own_call, own_live_call, own_reached_call
from app.api.request_body import RequestBody, read_body
from app.api.request_query import PATH_ID, query_choice
from app.api.responses import one
from app.api.route import Query, Route, delete, post
from app.domain.call import Call, MuteDirection
from app.domain.recording import RecordingRequest
from app.domain.transcribe import Direction, ReferenceType
from app.wire.call import CallBody, call_body

_ONE = f"/v1.0/calls/{PATH_ID}"
_LIVE = (404, 409, 503)

ENCAPSULATIONS = ("rtp", "sln", "audiosocket")
ENCAPSULATION = Query(
    "encapsulation",
    {"type": "string", "enum": list(ENCAPSULATIONS)},
    "Form of the binary messages, both ways; 8 kHz 16-bit little-endian mono in frames of 20 ms. rtp: a 12-byte RTP "
    "header (payload type 96) and 320 bytes; taken are payload types 0, 8, 10 and 11 too. sln, audiosocket: 320 bytes; "
    "audiosocket takes messages with AudioSocket's header (kind 0x10, length) too.",
    is_required=True,
)


class MuteChange(RequestBody):
    """The body of POST and DELETE /v1.0/calls/{id}/mute; both may come without one."""

    direction: Annotated[Direction, BothWhenEmpty] = Direction.BOTH


def routes() -> list[Route]:
    """Return the routes of call control."""
    return [
        post(f"{_ONE}/hold", hold, None, errors=_LIVE),
        delete(f"{_ONE}/hold", unhold, None, errors=_LIVE),
        post(f"{_ONE}/moh", start_music, None, errors=_LIVE),
        delete(f"{_ONE}/moh", stop_music, None, errors=_LIVE),
        post(f"{_ONE}/silence", start_silence, None, errors=_LIVE),
        delete(f"{_ONE}/silence", stop_silence, None, errors=_LIVE),
        post(f"{_ONE}/mute", mute, None, MuteChange, errors=_LIVE),
        delete(f"{_ONE}/mute", unmute, None, MuteChange, errors=_LIVE),
        post(f"{_ONE}/talk", talk, None, Talk, errors=_LIVE),
        post(f"{_ONE}/recording_start", start_recording, CallBody, CallRecordingStart, errors=_LIVE),
        post(f"{_ONE}/recording_stop", stop_recording, CallBody, errors=(404, 409)),
        Route("GET", f"{_ONE}/media_stream", stream_call, query=(ENCAPSULATION,), status=101, errors=_LIVE),
    ]


async def hold(request: web.Request) -> web.Response:
    """Put the party on hold: its telephone is told, and it hears music."""
    call = await own_reached_call(request)
    return await _done(request.app[CONTEXT].calls.hold(call.customer_id, call.id, is_on=True))


async def unhold(request: web.Request) -> web.Response:
    """Take the party back from hold."""
    call = await own_reached_call(request)
    return await _done(request.app[CONTEXT].calls.hold(call.customer_id, call.id, is_on=False))


async def start_music(request: web.Request) -> web.Response:
    """Play music on hold to the party."""
    call = await own_reached_call(request)
    return await _done(request.app[CONTEXT].calls.music(call.customer_id, call.id, is_on=True))


async def stop_music(request: web.Request) -> web.Response:
    """End the music on hold."""
    call = await own_reached_call(request)
    return await _done(request.app[CONTEXT].calls.music(call.customer_id, call.id, is_on=False))


async def start_silence(request: web.Request) -> web.Response:
    """Send silence to the party."""
    call = await own_reached_call(request)
    return await _done(request.app[CONTEXT].calls.silence(call.customer_id, call.id, is_on=True))


async def stop_silence(request: web.Request) -> web.Response:
    """Send no more silence."""
    call = await own_reached_call(request)
    return await _done(request.app[CONTEXT].calls.silence(call.customer_id, call.id, is_on=False))


async def mute(request: web.Request) -> web.Response:
    """Mute a call: `in` = the party is not heard, `out` = it hears nothing. Adds to what is muted."""
    call, asked = await own_reached_call(request), await read_body(request, MuteChange)
    direction = MuteDirection(asked.direction.value)
    return await _done(request.app[CONTEXT].calls.mute(call.customer_id, call.id, direction, is_on=True))


async def unmute(request: web.Request) -> web.Response:
    """Take a direction from what is muted; both minus in = out."""
    call, asked = await own_reached_call(request), await read_body(request, MuteChange)
    direction = MuteDirection(asked.direction.value)
    return await _done(request.app[CONTEXT].calls.mute(call.customer_id, call.id, direction, is_on=False))


async def talk(request: web.Request) -> web.Response:
    """Speak a text to the party over whatever runs; answered when it has begun. A ringing incoming call is answered."""
    call, asked = await own_live_call(request), await read_body(request, Talk)
    return await _done(request.app[CONTEXT].calls.talk(call.customer_id, call.id, asked.text, asked.language))


async def start_recording(request: web.Request) -> web.Response:
    """Record a call, both sides apart. `recording_id` of the answer is the recording."""
    call, asked = await own_live_call(request), await read_body(request, CallRecordingStart)
    context = request.app[CONTEXT]
    await check_flow_reference(context, call.customer_id, asked.on_end_flow_id, "on_end_flow_id")
    wanted = RecordingRequest(
        format=asked.format,
        end_of_silence=asked.end_of_silence,
        end_of_key=asked.end_of_key,
        duration=asked.duration,
        on_end_flow_id=asked.on_end_flow_id,
    )
    return _shown(await context.calls.start_recording(call.customer_id, call.id, wanted))


async def stop_recording(request: web.Request) -> web.Response:
    """End the call's recording; RECORDING_NOT_ACTIVE when there is none."""
    call = await own_call(request)
    return _shown(await request.app[CONTEXT].calls.stop_recording(call.customer_id, call.id))


async def stream_call(request: web.Request) -> web.StreamResponse:
    """Open a WebSocket with the call's sound: what the party says comes, what is sent the party hears."""
    call = await own_live_call(request)
    query_choice(request, ENCAPSULATION.name, ENCAPSULATIONS)
    return await request.app[CONTEXT].media_streams.serve(request, ReferenceType.CALL, call.id)


async def _done(work: Awaitable[None]) -> web.Response:
    await work
    return web.Response()


def _shown(call: Call) -> web.Response:
    return one(call_body(call))
