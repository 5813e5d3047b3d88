"""`/v1.0/groupcalls`: several destinations of which one is to answer (contract 3.7)."""

from __future__ import annotations

from typing import Annotated, Literal

from aiohttp import web
from pydantic import BeforeValidator

from app.api.call_orders import DialOrder, make_order
from app.api.keys import CONTEXT, IDENTITY
from app.api.ownership import own_present
from app.api.request_body import read_body
from app.api.request_query import PATH_ID, page_query, path_id
from app.api.responses import one
from app.api.responses import page as answer_page
from app.api.route import Route, delete, get, page, post
from app.domain.customer import RingMethod
from app.domain.groupcall import Groupcall, GroupcallStatus
from app.wire.groupcall import GroupcallBody, groupcall_body

_ONE = f"/v1.0/groupcalls/{PATH_ID}"


def _ring_all_when_empty(value: object) -> object:
    return RingMethod.RING_ALL if value == "" else value


class GroupcallOrder(DialOrder):
    """The body of POST /v1.0/groupcalls; variables reach the first leg only."""

    ring_method: Annotated[RingMethod, BeforeValidator(_ring_all_when_empty)] = RingMethod.RING_ALL
    answer_method: Literal["hangup_others", ""] = "hangup_others"


def routes() -> list[Route]:
    """Return the routes of groupcalls."""
    return [
        page("/v1.0/groupcalls", list_groupcalls, GroupcallBody),
        post("/v1.0/groupcalls", place_groupcall, GroupcallBody, GroupcallOrder, errors=(404, 409, 503)),
        get(_ONE, get_groupcall, GroupcallBody),
        delete(_ONE, delete_groupcall, GroupcallBody),
        post(f"{_ONE}/hangup", hang_up_groupcall, GroupcallBody, errors=(404,)),
    ]


async def list_groupcalls(request: web.Request) -> web.Response:
    """List your groupcalls, newest first, ended ones too."""
    wanted = page_query(request)
    table = request.app[CONTEXT].store.groupcalls
    rows = await table.list(request[IDENTITY].customer_id, page_size=wanted.size, before=wanted.before)
    return answer_page(rows, groupcall_body)


async def place_groupcall(request: web.Request) -> web.Response:
    """Call several destinations, all at once or one after the other; who answers first has the call."""
    asked = await read_body(request, GroupcallOrder)
    order = await make_order(request, asked)
    return one(groupcall_body(await request.app[CONTEXT].groupcalls.place(order, asked.ring_method)))


async def get_groupcall(request: web.Request) -> web.Response:
    """Show a groupcall and the ids of its calls."""
    return one(groupcall_body(await _own_groupcall(request)))


async def hang_up_groupcall(request: web.Request) -> web.Response:
    """End all calls of a groupcall; one that has ended is shown as it is."""
    groupcall = await _own_groupcall(request)
    if groupcall.status is not GroupcallStatus.HANGUP:
        groupcall = await request.app[CONTEXT].groupcalls.hang_up(groupcall.customer_id, groupcall.id)
    return one(groupcall_body(groupcall))


async def delete_groupcall(request: web.Request) -> web.Response:
    """End all calls of a groupcall, and delete it."""
    groupcall = await _own_groupcall(request)
    return one(groupcall_body(await request.app[CONTEXT].groupcalls.delete(groupcall.customer_id, groupcall.id)))


async def _own_groupcall(request: web.Request) -> Groupcall:
    return await own_present(request.app[CONTEXT].store.groupcalls, path_id(request), request[IDENTITY])
