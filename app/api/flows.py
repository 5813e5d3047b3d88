"""`/v1.0/flows` (contract 5): those made here, and those of the flow folder, which are only shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NoReturn

from aiohttp import web

from app.api.errors import denied, tell_finding
from app.api.flow_fields import ActionsField, check_flow_reference
from app.api.keys import CONTEXT, IDENTITY
from app.api.ownership import own_present
from app.api.ports import ApiContext
from app.api.request_body import OptionalBodyId, RequestBody, read_body
from app.api.request_query import PATH_ID, page_query, path_id
from app.api.resource_writes import change, create
from app.api.resource_writes import delete as delete_resource
from app.api.responses import one
from app.api.responses import page as answer_page
from app.api.route import Route, delete, get, page, post, put
from app.api.texts import Detail, Name
from app.domain.events import EventType
from app.domain.flow import StoredFlow
from app.domain.ids import ZERO_ID, new_direct_hash, new_id
from app.domain.timestamps import now
from app.errors import StateInvalid
from app.flow.finding import Finding
from app.store import Transaction
from app.wire.flow import FlowBody, SavedFlowBody, flow_body, saved_flow_body

MAX_FLOWS = 10_000
"""How many flows a customer can have (contract 8)."""


class FlowOrder(RequestBody):
    """The body of POST /v1.0/flows."""

    name: Name = ""
    detail: Detail = ""
    actions: ActionsField
    on_complete_flow_id: OptionalBodyId = ZERO_ID


class FlowChange(RequestBody):
    """The body of PUT /v1.0/flows/{id}; what is not sent stays as it is."""

    name: Name = ""
    detail: Detail = ""
    actions: ActionsField = None
    on_complete_flow_id: OptionalBodyId = ZERO_ID


def routes() -> list[Route]:
    """Return the routes of flows."""
    one_path = f"/v1.0/flows/{PATH_ID}"
    return [
        page("/v1.0/flows", list_flows, FlowBody),
        post("/v1.0/flows", create_flow, SavedFlowBody, FlowOrder, errors=(409,)),
        get(one_path, get_flow, FlowBody),
        put(one_path, change_flow, SavedFlowBody, FlowChange, errors=(404, 409)),
        delete(one_path, delete_flow, FlowBody, errors=(404, 409)),
        post(f"{one_path}/direct-hash-regenerate", regenerate_flow_hash, FlowBody, errors=(404, 409)),
    ]


async def list_flows(request: web.Request) -> web.Response:
    """List your flows, newest first: those made here, and those of the flow folder as made when they were loaded.

    Flows of calls with `actions` in line are not listed.
    """
    wanted = page_query(request)
    context, customer_id = request.app[CONTEXT], request[IDENTITY].customer_id
    stored = await context.store.flows.list(customer_id, page_size=wanted.size, before=wanted.before)
    files = [
        flow for flow in context.flows.files(customer_id) if wanted.before is None or flow.tm_create < wanted.before
    ]
    rows = sorted([*stored, *files], key=lambda flow: flow.tm_create, reverse=True)
    return answer_page(rows[: wanted.size], flow_body)


async def create_flow(request: web.Request) -> web.Response:
    """Make a flow. All its actions are checked: every fault is in `details` of the refusal, by its place.

    What is weak but no fault refuses nothing and is in `warnings`. Actions get ids where they have none. Keys of an
    `option` that its type does not know are kept and mean nothing.
    """
    asked = await read_body(request, FlowOrder)
    context, customer_id = request.app[CONTEXT], request[IDENTITY].customer_id
    checked = context.flows.inspect(asked.actions, "actions")
    await check_flow_reference(context, customer_id, asked.on_complete_flow_id, "on_complete_flow_id")

    async def make(tx: Transaction) -> StoredFlow:
        if await tx.flows.count(customer_id) >= MAX_FLOWS:
            raise StateInvalid(f"there are {MAX_FLOWS} flows, more cannot be made; delete some")
        moment = now()
        return StoredFlow(
            id=new_id(),
            customer_id=customer_id,
            name=asked.name,
            actions=checked.actions,
            tm_create=moment,
            tm_update=moment,
            detail=asked.detail,
            direct_hash=new_direct_hash(),
            on_complete_flow_id=asked.on_complete_flow_id,
        )

    made = await create(context.journal, lambda tx: tx.flows, make, EventType.FLOW_CREATED)
    return _saved(made, checked.warnings)


async def get_flow(request: web.Request) -> web.Response:
    """Show a flow: one made here, of the flow folder, or of a call's `actions` in line."""
    return one(flow_body(await _own_flow(request)))


async def change_flow(request: web.Request) -> web.Response:
    """Change a flow; calls that run it already go on with what it was. A flow of the folder is changed in its file.

    `actions` are checked as those of a new flow; without them `warnings` is empty.
    """
    asked = await read_body(request, FlowChange)
    context, flow = request.app[CONTEXT], await _own_flow(request)
    _check_changeable(context, flow)
    changes = asked.sent()
    warnings: tuple[Finding, ...] = ()
    if "actions" in changes:
        checked = context.flows.inspect(asked.actions, "actions")
        changes["actions"], warnings = checked.actions, checked.warnings
    await check_flow_reference(context, flow.customer_id, asked.on_complete_flow_id, "on_complete_flow_id")

    async def apply(_tx: Transaction, current: StoredFlow) -> StoredFlow:
        return replace(current, **changes)

    changed = await change(context.journal, lambda tx: tx.flows, flow.id, apply, EventType.FLOW_UPDATED)
    return _saved(changed, warnings)


async def delete_flow(request: web.Request) -> web.Response:
    """Delete a flow. A number that it answers stays, and answers calls with SIP 404 until it gets another flow."""
    context, flow = request.app[CONTEXT], await _own_flow(request)
    _check_changeable(context, flow)
    return one(flow_body(await delete_resource(context.journal, lambda tx: tx.flows, flow.id, EventType.FLOW_DELETED)))


async def regenerate_flow_hash(request: web.Request) -> web.Response:
    """Give a flow a new `direct_hash`: `sip:direct.HASH@...` calls it, the old hash no longer."""
    context, flow = request.app[CONTEXT], await _own_flow(request)
    _check_changeable(context, flow)

    async def apply(_tx: Transaction, current: StoredFlow) -> StoredFlow:
        return replace(current, direct_hash=new_direct_hash())

    return one(flow_body(await change(context.journal, lambda tx: tx.flows, flow.id, apply, EventType.FLOW_UPDATED)))


def _saved(flow: StoredFlow, warnings: Sequence[Finding]) -> web.Response:
    return one(saved_flow_body(flow, [tell_finding(each) for each in warnings]))


async def _own_flow(request: web.Request) -> StoredFlow:
    context, identity, flow_id = request.app[CONTEXT], request[IDENTITY], path_id(request)
    for flow in context.flows.files(identity.customer_id):
        if flow.id == flow_id:
            return flow
    if context.flows.name_of_file(flow_id) is not None:
        raise denied()
    return await own_present(context.store.flows, flow_id, identity)


def _check_changeable(context: ApiContext, flow: StoredFlow) -> None:
    if (file := context.flows.name_of_file(flow.id)) is not None:
        _refuse(f"this flow is the file {file} of the flow folder; edit that file, or take it away")
    if flow.is_temporary:
        _refuse("this flow came with the actions of a call; it cannot be changed and goes away by itself")


def _refuse(reason: str) -> NoReturn:
    raise StateInvalid(reason)
