"""`/v1.0/calls` (contract 3.2)."""

from __future__ import annotations

from aiohttp import web

from app.api.keys import CONTEXT, IDENTITY
from app.api.ownership import own
from app.api.request_query import PATH_ID, page_query, path_id
from app.api.responses import one, page
from app.domain.call import Call, CallStatus
from app.errors import StateInvalid
from app.wire.call import call_body

_ENDING = (CallStatus.TERMINATING, CallStatus.CANCELING, CallStatus.HANGUP)


def routes() -> list[web.RouteDef]:
    """Return the routes of calls."""
    return [
        web.get("/v1.0/calls", list_calls),
        web.get(f"/v1.0/calls/{PATH_ID}", get_call),
        web.post(f"/v1.0/calls/{PATH_ID}/hangup", hang_up_call),
    ]


async def list_calls(request: web.Request) -> web.Response:
    """Answer a page of the customer's calls, ended ones too."""
    wanted = page_query(request)
    calls = request.app[CONTEXT].store.calls
    rows = await calls.list(request[IDENTITY].customer_id, page_size=wanted.size, before=wanted.before)
    return page(rows, call_body)


async def get_call(request: web.Request) -> web.Response:
    """Answer one call; STATE_INVALID when it was deleted."""
    return one(call_body(await _own_call(request)))


async def hang_up_call(request: web.Request) -> web.Response:
    """End a live call; one that ends or has ended is answered as it is."""
    call = await _own_call(request)
    if call.status not in _ENDING:
        call = await request.app[CONTEXT].calls.hang_up(call.customer_id, call.id)
    return one(call_body(call))


async def _own_call(request: web.Request) -> Call:
    call = await own(request.app[CONTEXT].store.calls, path_id(request), request[IDENTITY])
    if call.tm_delete is not None:
        raise StateInvalid("this call was deleted")
    return call
