"""`/v1.0/conferencecalls`: the stays of calls in conferences (contract 4.2)."""

from __future__ import annotations

from aiohttp import web

from app.api.keys import CONTEXT, IDENTITY
from app.api.ownership import own_present
from app.api.request_query import PATH_ID, page_query, path_id, query_id
from app.api.responses import one
from app.api.responses import page as answer_page
from app.api.route import ID_SCHEMA, Query, Route, delete, get, page
from app.domain.conference import Conferencecall
from app.wire.conference import ConferencecallBody, conferencecall_body

_ONE = f"/v1.0/conferencecalls/{PATH_ID}"


def routes() -> list[Route]:
    """Return the routes of conferencecalls."""
    one_conference = Query("conference_id", ID_SCHEMA, "Those of this conference.")
    return [
        page("/v1.0/conferencecalls", list_conferencecalls, ConferencecallBody, one_conference, errors=(404,)),
        get(_ONE, get_conferencecall, ConferencecallBody),
        delete(_ONE, kick_conferencecall, ConferencecallBody),
    ]


async def list_conferencecalls(request: web.Request) -> web.Response:
    """List the stays of calls in your conferences, newest first, those that are over too."""
    wanted, conference_id = page_query(request), query_id(request, "conference_id")
    store, identity = request.app[CONTEXT].store, request[IDENTITY]
    if conference_id is not None:
        await own_present(store.conferences, conference_id, identity)
    rows = await store.conferencecalls.list(
        identity.customer_id, page_size=wanted.size, before=wanted.before, conference_id=conference_id
    )
    return answer_page(rows, conferencecall_body)


async def get_conferencecall(request: web.Request) -> web.Response:
    """Show a call's stay in a conference."""
    return one(conferencecall_body(await _own_conferencecall(request)))


async def kick_conferencecall(request: web.Request) -> web.Response:
    """Send a call out of its conference; its flow goes on with the next action."""
    stay = await _own_conferencecall(request)
    return one(conferencecall_body(await request.app[CONTEXT].conferences.kick(stay.customer_id, stay.id)))


async def _own_conferencecall(request: web.Request) -> Conferencecall:
    return await own_present(request.app[CONTEXT].store.conferencecalls, path_id(request), request[IDENTITY])
