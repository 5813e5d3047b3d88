"""`/v1.0/customer` and `/v1.0/me`: who the caller is, and where its events go (contract 2)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aiohttp import web
from pydantic import RootModel

from app.api.keys import CONTEXT, IDENTITY
from app.api.request_body import RequestBody, read_body
from app.api.resource_writes import change
from app.api.responses import one
from app.api.route import Need, Route, get, put
from app.api.texts import Detail, Name
from app.api.webhook_fields import WebhookMethod, WebhookUri
from app.domain.customer import Customer
from app.domain.events import EventType
from app.errors import NotFound
from app.store import Transaction
from app.wire.customer import AccessKeyBody, AgentBody, CustomerBody, access_key_body, agent_body, customer_body

_SECRET_BYTES = 32


class CustomerChange(RequestBody):
    """The body of PUT /v1.0/customer; what is not sent stays as it is."""

    name: Name | None = None
    detail: Detail | None = None
    email: Name | None = None
    phone_number: Name | None = None
    address: Detail | None = None
    webhook_method: WebhookMethod | None = None
    webhook_uri: WebhookUri | None = None


class CustomerMetadataChange(RequestBody):
    """The body of PUT /v1.0/customer/metadata."""

    rtp_debug: bool | None = None


class MeBody(RootModel[AgentBody | AccessKeyBody]):
    """The agent that is logged in, or the access key."""


def routes() -> list[Route]:
    """Return the routes about the caller."""
    return [
        get("/v1.0/customer", get_customer, CustomerBody),
        put("/v1.0/customer", change_customer, CustomerBody, CustomerChange, need=Need.ADMIN),
        put("/v1.0/customer/metadata", change_metadata, CustomerBody, CustomerMetadataChange, need=Need.ADMIN),
        get("/v1.0/me", get_me, MeBody, need=Need.AGENT),
    ]


async def get_customer(request: web.Request) -> web.Response:
    """Show your customer, with the secret that signs its webhooks."""
    customer_id = request[IDENTITY].customer_id
    customer = await request.app[CONTEXT].store.customers.get_by_id(customer_id)
    if customer is None:
        raise NotFound("customer", customer_id)
    return one(customer_body(customer))


async def change_customer(request: web.Request) -> web.Response:
    """Change your customer; what is not sent stays as it is.

    Every event is sent to `webhook_uri`, signed with the customer's `webhook_secret`; "" ends that.
    """
    asked = await read_body(request, CustomerChange)
    return await _change(request, asked.sent())


async def change_metadata(request: web.Request) -> web.Response:
    """Change the switches of your customer."""
    asked = await read_body(request, CustomerMetadataChange)
    return await _change(request, {"is_rtp_debug": asked.rtp_debug} if asked.rtp_debug is not None else {})


async def get_me(request: web.Request) -> web.Response:
    """Show the agent that is logged in; for an access key, the key."""
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


async def _change(request: web.Request, changes: Mapping[str, Any]) -> web.Response:
    async def apply(_tx: Transaction, customer: Customer) -> Customer:
        return replace(customer, **changes, webhook_secret=customer.webhook_secret or secrets.token_hex(_SECRET_BYTES))

    journal, customer_id = request.app[CONTEXT].journal, request[IDENTITY].customer_id
    changed = await change(journal, lambda tx: tx.customers, customer_id, apply, EventType.CUSTOMER_UPDATED)
    return one(customer_body(changed))
