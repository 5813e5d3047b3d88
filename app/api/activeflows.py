"""`/v1.0/activeflows`: executions of flows (contract 5)."""

from __future__ import annotations

from aiohttp import web
from pydantic import Field

from app.api.flow_fields import ActionsField, VariablesField
from app.api.keys import CONTEXT, IDENTITY
from app.api.ownership import own_present
from app.api.request_body import OptionalBodyId, RequestBody, read_body
from app.api.request_query import PATH_ID, page_query, path_id
from app.api.resource_writes import delete as delete_resource
from app.api.responses import one
from app.api.responses import page as answer_page
from app.api.route import Route, delete, get, page, post
from app.api.webhook_fields import WebhookMethod, WebhookUri
from app.domain.events import EventType
from app.domain.flow import Action, Activeflow
from app.domain.ids import ZERO_ID
from app.errors import InvalidArgument
from app.wire.activeflow import ActiveflowBody, activeflow_body


class ActiveflowOrder(RequestBody):
    """The body of POST /v1.0/activeflows: a flow, or actions in line; the flow counts where both are given."""

    id: OptionalBodyId = ZERO_ID
    flow_id: OptionalBodyId = ZERO_ID
    actions: ActionsField = None
    variables: VariablesField = Field(default_factory=dict)
    webhook_uri: WebhookUri = ""
    webhook_method: WebhookMethod = ""


def routes() -> list[Route]:
    """Return the routes of activeflows."""
    one_path = f"/v1.0/activeflows/{PATH_ID}"
    return [
        page("/v1.0/activeflows", list_activeflows, ActiveflowBody),
        post("/v1.0/activeflows", start_activeflow, ActiveflowBody, ActiveflowOrder, errors=(409, 503)),
        get(one_path, get_activeflow, ActiveflowBody),
        delete(one_path, delete_activeflow, ActiveflowBody),
        post(f"{one_path}/stop", stop_activeflow, ActiveflowBody, errors=(404,)),
    ]


async def list_activeflows(request: web.Request) -> web.Response:
    """List the executions of your flows, newest first, ended ones too."""
    wanted = page_query(request)
    table = request.app[CONTEXT].store.activeflows
    rows = await table.list(request[IDENTITY].customer_id, page_size=wanted.size, before=wanted.before)
    return answer_page(rows, activeflow_body)


async def start_activeflow(request: web.Request) -> web.Response:
    """Run a flow without a call; actions that need one are skipped. Its events go to `webhook_uri` too."""
    asked = await read_body(request, ActiveflowOrder)
    context, customer_id = request.app[CONTEXT], request[IDENTITY].customer_id
    actions: tuple[Action, ...] = ()
    if asked.flow_id != ZERO_ID:
        if await context.flows.find(customer_id, asked.flow_id) is None:
            raise InvalidArgument("flow_id", "expected the id of a flow of yours; there is none with this id")
    elif asked.actions is None:
        raise InvalidArgument("flow_id", "is required where no actions are given")
    else:
        actions = context.flows.check(asked.actions, "actions")
    activeflow = await context.activeflows.start(
        customer_id,
        flow_id=asked.flow_id,
        actions=actions,
        variables=asked.variables,
        webhook_uri=asked.webhook_uri,
        webhook_method=asked.webhook_method,
        activeflow_id="" if asked.id == ZERO_ID else asked.id,
    )
    return one(activeflow_body(activeflow))


async def get_activeflow(request: web.Request) -> web.Response:
    """Show an execution: the action that runs now, and those that ran, at most the last hundred."""
    return one(activeflow_body(await _own_activeflow(request)))


async def stop_activeflow(request: web.Request) -> web.Response:
    """End an execution; its call is hung up. One that has ended is shown as it is."""
    activeflow = await _own_activeflow(request)
    return one(activeflow_body(await request.app[CONTEXT].activeflows.stop(activeflow.customer_id, activeflow.id)))


async def delete_activeflow(request: web.Request) -> web.Response:
    """End an execution where it goes on, then delete it."""
    activeflow, context = await _own_activeflow(request), request.app[CONTEXT]
    await context.activeflows.stop(activeflow.customer_id, activeflow.id)
    deleted = await delete_resource(
        context.journal, lambda tx: tx.activeflows, activeflow.id, EventType.ACTIVEFLOW_DELETED
    )
    return one(activeflow_body(deleted))


async def _own_activeflow(request: web.Request) -> Activeflow:
    return await own_present(request.app[CONTEXT].store.activeflows, path_id(request), request[IDENTITY])
