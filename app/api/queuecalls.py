"""`/v1.0/queuecalls`: the stays of calls in queues (contract 5)."""

from __future__ import annotations

from aiohttp import web

from app.api.keys import CONTEXT, IDENTITY
from app.api.ownership import own_present
from app.api.request_query import PATH_ID, page_query, path_id, query_id
from app.api.responses import one
from app.api.responses import page as answer_page
from app.api.route import ID_SCHEMA, Query, Route, delete, get, page, post
from app.domain.queue import Queuecall
from app.wire.queue import QueuecallBody, queuecall_body

_ONE = f"/v1.0/queuecalls/{PATH_ID}"


def routes() -> list[Route]:
    """Return the routes of queuecalls."""
    one_queue = Query("queue_id", ID_SCHEMA, "Those of this queue.")
    return [
        page("/v1.0/queuecalls", list_queuecalls, QueuecallBody, one_queue, errors=(404,)),
        get(_ONE, get_queuecall, QueuecallBody),
        delete(_ONE, delete_queuecall, QueuecallBody),
        post(f"{_ONE}/kick", kick_queuecall, QueuecallBody, errors=(404,)),
    ]


async def list_queuecalls(request: web.Request) -> web.Response:
    """List the stays of calls in your queues, newest first, those that are over too."""
    wanted, queue_id = page_query(request), query_id(request, "queue_id")
    store, identity = request.app[CONTEXT].store, request[IDENTITY]
    if queue_id is not None:
        await own_present(store.queues, queue_id, identity)
    rows = await store.queuecalls.list(
        identity.customer_id, page_size=wanted.size, before=wanted.before, queue_id=queue_id
    )
    return answer_page(rows, queuecall_body)


async def get_queuecall(request: web.Request) -> web.Response:
    """Show a call's stay in a queue."""
    return one(queuecall_body(await _own_queuecall(request)))


async def delete_queuecall(request: web.Request) -> web.Response:
    """End a call's stay in a queue where it goes on, and delete it."""
    return one(queuecall_body(await request.app[CONTEXT].queues.delete(await _own_queuecall(request))))


async def kick_queuecall(request: web.Request) -> web.Response:
    """Send a caller out of its queue, or end its talk with the agent; its flow goes on with the next action."""
    return one(queuecall_body(await request.app[CONTEXT].queues.kick(await _own_queuecall(request))))


async def _own_queuecall(request: web.Request) -> Queuecall:
    return await own_present(request.app[CONTEXT].store.queuecalls, path_id(request), request[IDENTITY])
