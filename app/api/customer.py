"""`/v1.0/customer` and `/v1.0/me`: who the caller is (contract 2)."""

from __future__ import annotations

from aiohttp import web

from app.api.keys import CONTEXT, IDENTITY
from app.api.responses import one
from app.errors import NotFound
from app.wire.customer import access_key_body, agent_body, customer_body


def routes() -> list[web.RouteDef]:
    """Return the routes about the caller."""
    return [web.get("/v1.0/customer", get_customer), web.get("/v1.0/me", get_me)]


async def get_customer(request: web.Request) -> web.Response:
    """Answer the caller's customer."""
    customer_id = request[IDENTITY].customer_id
    customer = await request.app[CONTEXT].store.customers.get_by_id(customer_id)
    if customer is None:
        raise NotFound("customer", customer_id)
    return one(customer_body(customer))


async def get_me(request: web.Request) -> web.Response:
    """Answer the agent that is logged in; for an access key, the key."""
    identity, store = request[IDENTITY], request.app[CONTEXT].store
    if identity.agent_id is not None:
        agent = await store.agents.get(identity.customer_id, identity.agent_id)
        if agent is None:
            raise NotFound("agent", identity.agent_id)
        return one(agent_body(agent))
    key_id = identity.access_key_id or ""
    key = await store.access_keys.get(identity.customer_id, key_id)
    if key is None:
        raise NotFound("accesskey", key_id)
    return one(access_key_body(key))
