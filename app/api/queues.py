"""`/v1.0/queues`: where callers wait for agents (contract 5; the routing method `longest_idle` is ours)."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from aiohttp import web
from pydantic import BeforeValidator, Field

from app.api.agents import TagIds
from app.api.flow_fields import check_flow_reference
from app.api.keys import CONTEXT, IDENTITY
from app.api.ownership import own_present
from app.api.request_body import OptionalBodyId, RequestBody, read_body
from app.api.request_query import PATH_ID, page_query, path_id
from app.api.resource_writes import change
from app.api.resource_writes import delete as delete_resource
from app.api.responses import one
from app.api.responses import page as answer_page
from app.api.route import Route, delete, get, page, post, put
from app.api.texts import Detail, Name
from app.domain.events import EventType
from app.domain.ids import ZERO_ID, new_id
from app.domain.queue import Queue, RoutingMethod
from app.domain.timestamps import now
from app.store import Transaction
from app.wire.queue import QueueBody, queue_body

_ONE = f"/v1.0/queues/{PATH_ID}"
_LONGEST_MS = 2**31 - 1


def _random_when_empty(value: object) -> object:
    return RoutingMethod.RANDOM if value == "" else value


Milliseconds = Annotated[int, Field(ge=0, le=_LONGEST_MS)]


class QueueForm(RequestBody):
    """The body of POST /v1.0/queues, and of PUT, where what is not sent stays as it is."""

    name: Name = ""
    detail: Detail = ""
    routing_method: Annotated[RoutingMethod, BeforeValidator(_random_when_empty)] = Field(
        RoutingMethod.RANDOM,
        description="Which free agent is rung: any, or the one who has been free for longest",
    )
    tag_ids: TagIds = Field((), description="Agents who have one of these tags serve it; none = all agents")
    wait_flow_id: OptionalBodyId = Field(
        ZERO_ID, description="What callers hear while they wait, again and again; none = music on hold"
    )
    wait_timeout: Milliseconds = Field(0, description="Milliseconds after which a caller's flow goes on, 0 = never")
    service_timeout: Milliseconds = Field(0, description="Milliseconds after which a talk is ended, 0 = never")


def routes() -> list[Route]:
    """Return the routes of queues."""
    return [
        page("/v1.0/queues", list_queues, QueueBody),
        post("/v1.0/queues", create_queue, QueueBody, QueueForm),
        get(_ONE, get_queue, QueueBody),
        put(_ONE, change_queue, QueueBody, QueueForm),
        delete(_ONE, delete_queue, QueueBody),
    ]


async def list_queues(request: web.Request) -> web.Response:
    """List your queues, newest first."""
    wanted = page_query(request)
    table = request.app[CONTEXT].store.queues
    rows = await table.list(request[IDENTITY].customer_id, page_size=wanted.size, before=wanted.before)
    return answer_page(rows, queue_body)


async def create_queue(request: web.Request) -> web.Response:
    """Make a queue; calls wait in it by the action queue_join."""
    asked = await read_body(request, QueueForm)
    await _check_flow(request, asked)
    moment = now()
    queue = Queue(
        id=new_id(), customer_id=request[IDENTITY].customer_id, tm_create=moment, tm_update=moment, **_fields(asked)
    )
    return one(queue_body(await request.app[CONTEXT].journal.create(queue, EventType.QUEUE_CREATED)))


async def get_queue(request: web.Request) -> web.Response:
    """Show a queue."""
    return one(queue_body(await _own_queue(request)))


async def change_queue(request: web.Request) -> web.Response:
    """Change a queue; what is not sent stays as it is. Callers who wait already keep its former settings."""
    queue, asked = await _own_queue(request), await read_body(request, QueueForm)
    await _check_flow(request, asked)
    sent = asked.sent()

    async def apply(_tx: Transaction, current: Queue) -> Queue:
        return replace(current, **sent)

    journal = request.app[CONTEXT].journal
    return one(queue_body(await change(journal, lambda tx: tx.queues, queue.id, apply, EventType.QUEUE_UPDATED)))


async def delete_queue(request: web.Request) -> web.Response:
    """Delete a queue. Callers who wait in it go on waiting; no other call can come in."""
    queue = await _own_queue(request)
    journal = request.app[CONTEXT].journal
    return one(queue_body(await delete_resource(journal, lambda tx: tx.queues, queue.id, EventType.QUEUE_DELETED)))


def _fields(asked: QueueForm) -> dict[str, Any]:
    return {name: getattr(asked, name) for name in QueueForm.model_fields}


async def _check_flow(request: web.Request, asked: QueueForm) -> None:
    context, customer_id = request.app[CONTEXT], request[IDENTITY].customer_id
    await check_flow_reference(context, customer_id, asked.wait_flow_id, "wait_flow_id")


async def _own_queue(request: web.Request) -> Queue:
    return await own_present(request.app[CONTEXT].store.queues, path_id(request), request[IDENTITY])
