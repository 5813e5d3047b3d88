"""`/v1.0/agents`: people who log in, and who can be called (contract 5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated

from aiohttp import web
from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from app.api.addresses import AddressField
from app.api.agent_rights import check_is_not_last_admin, check_may_handle, is_admin
from app.api.keys import CONTEXT, IDENTITY, PASSWORDS
from app.api.ownership import own_present
from app.api.request_body import BodyId, RequestBody, read_body
from app.api.request_query import PATH_ID, page_query, path_id
from app.api.resource_writes import change
from app.api.responses import one
from app.api.responses import page as answer_page
from app.api.route import Route, delete, get, page, post, put
from app.api.texts import Detail, Name
from app.domain.customer import Agent, AgentStatus, Permission, RingMethod
from app.domain.events import EventType
from app.domain.ids import new_id
from app.domain.timestamps import now
from app.errors import AlreadyExists
from app.store import StoreConflict, Transaction
from app.wire.customer import AgentBody, agent_body

_CUSTOMER_BITS = 0xF0
_RING_METHODS = {"ringall": RingMethod.RING_ALL, "ring_all": RingMethod.RING_ALL, "linear": RingMethod.LINEAR}


def _read_ring_method(value: object) -> object:
    if value == "":
        return RingMethod.RING_ALL
    if not isinstance(value, str) or value not in _RING_METHODS:
        raise ValueError("expected ringall or linear")
    return _RING_METHODS[value]


def _check_bits(value: int) -> int:
    if value & ~_CUSTOMER_BITS:
        raise ValueError("expected a sum of 16 (agent), 32 (admin) and 64 (manager)")
    return value


Username = Annotated[Name, Field(min_length=1)]
Password = Annotated[str, Field(min_length=1, max_length=1024)]
PermissionBits = Annotated[
    int,
    Field(ge=0, le=_CUSTOMER_BITS, description="Sum of 16 (agent), 32 (admin), 64 (manager)"),
    AfterValidator(_check_bits),
]
AgentRingMethod = Annotated[
    RingMethod,
    BeforeValidator(_read_ring_method),
    WithJsonSchema({"type": "string", "enum": ["ringall", "linear"]}),
]
TagIds = Annotated[tuple[BodyId, ...], Field(max_length=100)]
Addresses = Annotated[tuple[AddressField, ...], Field(max_length=20)]


class AgentOrder(RequestBody):
    """The body of POST /v1.0/agents."""

    username: Username
    password: Password
    name: Name = ""
    detail: Detail = ""
    ring_method: AgentRingMethod = Field(RingMethod.RING_ALL, json_schema_extra={"default": "ringall"})
    permission: PermissionBits = int(Permission.CUSTOMER_AGENT)
    tag_ids: TagIds = ()
    addresses: Addresses = ()


class AgentChange(RequestBody):
    """The body of PUT /v1.0/agents/{id}; what is not sent stays as it is."""

    name: Name | None = None
    detail: Detail | None = None
    ring_method: AgentRingMethod | None = None


class AgentAddresses(RequestBody):
    """The body of PUT /v1.0/agents/{id}/addresses."""

    addresses: Addresses


class AgentPassword(RequestBody):
    """The body of PUT /v1.0/agents/{id}/password."""

    password: Password


class AgentPermission(RequestBody):
    """The body of PUT /v1.0/agents/{id}/permission."""

    permission: PermissionBits


class AgentStatusChange(RequestBody):
    """The body of PUT /v1.0/agents/{id}/status."""

    status: AgentStatus


class AgentTags(RequestBody):
    """The body of PUT /v1.0/agents/{id}/tag_ids."""

    tag_ids: TagIds


def routes() -> list[Route]:
    """Return the routes of agents."""
    root = f"/v1.0/agents/{PATH_ID}"
    return [
        page("/v1.0/agents", list_agents, AgentBody),
        post("/v1.0/agents", create_agent, AgentBody, AgentOrder),
        get(root, get_agent, AgentBody),
        put(root, change_agent, AgentBody, AgentChange),
        delete(root, delete_agent, AgentBody),
        put(f"{root}/addresses", change_addresses, AgentBody, AgentAddresses),
        put(f"{root}/password", change_password, AgentBody, AgentPassword),
        put(f"{root}/permission", change_permission, AgentBody, AgentPermission),
        put(f"{root}/status", change_status, AgentBody, AgentStatusChange),
        put(f"{root}/tag_ids", change_tags, AgentBody, AgentTags),
    ]


async def list_agents(request: web.Request) -> web.Response:
    """List the agents of your customer."""
    wanted = page_query(request)
    table = request.app[CONTEXT].store.agents
    rows = await table.list(request[IDENTITY].customer_id, page_size=wanted.size, before=wanted.before)
    return answer_page(rows, agent_body)


async def create_agent(request: web.Request) -> web.Response:
    """Make an agent, who can log in from now on. Only an admin makes admins.

    A username exists once in the whole instance, because a log-in names no customer.
    """
    asked = await read_body(request, AgentOrder)
    context, identity, moment = request.app[CONTEXT], request[IDENTITY], now()
    permission = Permission(asked.permission)
    check_may_handle(identity, permission)
    taken = AlreadyExists("username: an agent of this name is there already", field="username")
    namesake = await context.store.agents.get_by_username(asked.username)
    if namesake is not None and namesake.tm_delete is None:  # a deleted agent's name is free again
        raise taken
    agent = Agent(
        id=new_id(),
        customer_id=identity.customer_id,
        username=asked.username,
        password_hash=await request.app[PASSWORDS].hash(asked.password),
        name=asked.name,
        permission=permission,
        tm_create=moment,
        tm_update=moment,
        detail=asked.detail,
        ring_method=asked.ring_method,
        tag_ids=asked.tag_ids,
        addresses=asked.addresses,
    )
    try:
        return one(agent_body(await context.journal.create(agent, EventType.AGENT_CREATED)))
    except StoreConflict:
        raise taken from None


async def get_agent(request: web.Request) -> web.Response:
    """Show an agent."""
    table = request.app[CONTEXT].store.agents
    return one(agent_body(await own_present(table, path_id(request), request[IDENTITY])))


async def change_agent(request: web.Request) -> web.Response:
    """Change an agent's name, detail, ring method; what is not sent stays as it is."""
    asked = await read_body(request, AgentChange)
    return await _change(request, lambda agent: replace(agent, **asked.sent()))


async def delete_agent(request: web.Request) -> web.Response:
    """Delete an agent, who is logged out by that. The last admin of a customer stays."""
    return await _change(
        request, lambda agent: replace(agent, tm_delete=now()), EventType.AGENT_DELETED, is_taking_admin=True
    )


async def change_addresses(request: web.Request) -> web.Response:
    """Set where an agent is called: all addresses at once or one after the other, by its ring method."""
    asked = await read_body(request, AgentAddresses)
    return await _change(request, lambda agent: replace(agent, addresses=asked.addresses))


async def change_password(request: web.Request) -> web.Response:
    """Give an agent another password. Tokens that were given out stay good until they expire."""
    asked = await read_body(request, AgentPassword)
    agent = await own_present(request.app[CONTEXT].store.agents, path_id(request), request[IDENTITY])
    check_may_handle(request[IDENTITY], agent.permission)  # before the costly hash
    password_hash = await request.app[PASSWORDS].hash(asked.password)
    return await _change(request, lambda agent: replace(agent, password_hash=password_hash))


async def change_permission(request: web.Request) -> web.Response:
    """Set what an agent may do. Only an admin makes admins; the last admin of a customer stays one."""
    asked = await read_body(request, AgentPermission)
    permission = Permission(asked.permission)
    check_may_handle(request[IDENTITY], permission)
    return await _change(
        request, lambda agent: replace(agent, permission=permission), is_taking_admin=not is_admin(permission)
    )


async def change_status(request: web.Request) -> web.Response:
    """Set whether an agent takes calls."""
    asked = await read_body(request, AgentStatusChange)
    return await _change(request, lambda agent: replace(agent, status=asked.status), EventType.AGENT_STATUS_UPDATED)


async def change_tags(request: web.Request) -> web.Response:
    """Set the tags of an agent."""
    asked = await read_body(request, AgentTags)
    return await _change(request, lambda agent: replace(agent, tag_ids=asked.tag_ids))


async def _change(
    request: web.Request,
    apply: Callable[[Agent], Agent],
    event: EventType = EventType.AGENT_UPDATED,
    *,
    is_taking_admin: bool = False,
) -> web.Response:
    context, identity = request.app[CONTEXT], request[IDENTITY]
    agent_id = (await own_present(context.store.agents, path_id(request), identity)).id

    async def check_and_apply(tx: Transaction, agent: Agent) -> Agent:
        check_may_handle(identity, agent.permission)
        if is_taking_admin:
            await check_is_not_last_admin(tx, agent)
        return apply(agent)

    changed = await change(context.journal, lambda tx: tx.agents, agent_id, check_and_apply, event)
    context.live_feed.recheck()
    return one(agent_body(changed))
