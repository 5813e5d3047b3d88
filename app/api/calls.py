"""`/v1.0/calls`: making, showing and ending calls (contract 3.2, 3.3)."""

from __future__ import annotations

from aiohttp import web
from pydantic import Field

from app.api import call_controls
from app.api.call_orders import Anonymous, DialOrder, make_order
from app.api.keys import CONTEXT, IDENTITY
from app.api.own_calls import ENDING, own_call
from app.api.request_body import read_body
from app.api.request_query import PATH_ID, page_query
from app.api.responses import one
from app.api.responses import page as answer_page
from app.api.route import Route, delete, get, page, post
from app.wire.call import CallBody, call_body
from app.wire.forms import Body
from app.wire.groupcall import GroupcallBody, groupcall_body

_ONE = f"/v1.0/calls/{PATH_ID}"


class CallsOrder(DialOrder):
    """The body of POST /v1.0/calls."""

    anonymous: Anonymous = ""
    early_execution: bool = Field(False, description="Run the flow when it rings, not when it is answered")


class PlacedCallsBody(Body):
    """What POST /v1.0/calls became: a call for each sip, tel or conference destination, a groupcall for others."""

    calls: tuple[CallBody, ...]
    groupcalls: tuple[GroupcallBody, ...]


def routes() -> list[Route]:
    """Return the routes of calls."""
    return [
        page("/v1.0/calls", list_calls, CallBody),
        post("/v1.0/calls", place_calls, PlacedCallsBody, CallsOrder, errors=(404, 409, 503)),
        get(_ONE, get_call, CallBody, errors=(404, 409)),
        delete(_ONE, delete_call, CallBody, errors=(404, 409)),
        post(f"{_ONE}/hangup", hang_up_call, CallBody, errors=(404, 409)),
        *call_controls.routes(),
    ]


async def list_calls(request: web.Request) -> web.Response:
    """List your calls, newest first, ended ones too."""
    wanted = page_query(request)
    calls = request.app[CONTEXT].store.calls
    rows = await calls.list(request[IDENTITY].customer_id, page_size=wanted.size, before=wanted.before)
    return answer_page(rows, call_body)


async def place_calls(request: web.Request) -> web.Response:
    """Call somebody: each destination becomes a call, an agent or extension a groupcall; the flow runs at the answer.

    Without `flow_id` and `actions` a call ends as soon as it is answered. A destination that cannot be called is left
    out; when none can be called, that is told.
    """
    asked = await read_body(request, CallsOrder)
    order = await make_order(request, asked, anonymous=asked.anonymous, is_early=asked.early_execution)
    placed = await request.app[CONTEXT].calls.place(order)
    return one(
        PlacedCallsBody(
            calls=tuple(call_body(each) for each in placed.calls),
            groupcalls=tuple(groupcall_body(each) for each in placed.groupcalls),
        )
    )


async def get_call(request: web.Request) -> web.Response:
    """Show a call, live or ended; STATE_INVALID when it was deleted."""
    return one(call_body(await own_call(request)))


async def delete_call(request: web.Request) -> web.Response:
    """Hang a call up where it lives, and delete it."""
    call = await own_call(request)
    return one(call_body(await request.app[CONTEXT].calls.delete(call.customer_id, call.id)))


async def hang_up_call(request: web.Request) -> web.Response:
    """End a live call; one that ends or has ended is shown as it is."""
    call = await own_call(request)
    if call.status not in ENDING:
        call = await request.app[CONTEXT].calls.hang_up(call.customer_id, call.id)
    return one(call_body(call))
