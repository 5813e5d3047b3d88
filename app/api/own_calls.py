"""The call that a path names: the caller's own, and live where that is needed."""

from __future__ import annotations

from aiohttp import web

from app.api.keys import CONTEXT, IDENTITY
from app.api.ownership import own
from app.api.request_query import path_id
from app.domain.call import Call, CallDirection, CallStatus
from app.errors import CallAlreadyHangup, StateInvalid

ENDING = (CallStatus.TERMINATING, CallStatus.CANCELING, CallStatus.HANGUP)


async def own_call(request: web.Request) -> Call:
    """Return the call of the path; NotFound, PermissionDenied, StateInvalid when it was deleted."""
    call = await own(request.app[CONTEXT].store.calls, path_id(request), request[IDENTITY])
    if call.tm_delete is not None:
        raise StateInvalid("this call was deleted")
    return call


async def own_live_call(request: web.Request) -> Call:
    """Return the call of the path as `own_call` does; CallAlreadyHangup when it ends or has ended."""
    call = await own_call(request)
    if call.status in ENDING:
        raise CallAlreadyHangup(f"the call is {call.status}; this needs a live one")
    return call


async def own_reached_call(request: web.Request) -> Call:
    """Return the call of the path as `own_live_call` does; StateInvalid while it is on its way to the called party."""
    call = await own_live_call(request)
    if call.direction is CallDirection.OUTGOING and call.status is not CallStatus.PROGRESSING:
        raise StateInvalid(f"the call is {call.status}; this needs one that was answered")
    return call
