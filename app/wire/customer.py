"""Customers, agents and access keys as JSON (contract 1.3, 2); hashes never get here."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from app.domain.customer import AccessKey, Agent, AgentStatus, Customer, RingMethod
from app.domain.ids import ZERO_ID
from app.domain.timestamps import NEVER, format_timestamp
from app.wire.address import AddressBody, address_body
from app.wire.forms import Body, Id, Timestamp, timestamp_or_never

AgentRingMethod = Literal["ringall", "linear"]

RING_METHOD_OF: Mapping[str, RingMethod] = {"ringall": RingMethod.RING_ALL, "linear": RingMethod.LINEAR}
"""What the words of an agent's `ring_method` mean; a groupcall writes `ring_all` (contract 3.7, 5)."""

_WORD_OF: Mapping[RingMethod, AgentRingMethod] = {RingMethod.RING_ALL: "ringall", RingMethod.LINEAR: "linear"}


class CustomerMetadataBody(Body):
    """Switches of a customer."""

    rtp_debug: bool = False


class CustomerBody(Body):
    """A customer as it sees itself: with its `webhook_secret`."""

    id: Id
    name: str
    detail: str
    email: str
    phone_number: str
    address: str
    webhook_method: str
    webhook_uri: str
    webhook_secret: str
    billing_account_id: Id = ZERO_ID
    metadata: CustomerMetadataBody
    email_verified: bool = False
    status: str = "active"
    identity_verification_status: str = "none"
    tm_deletion_scheduled: Timestamp = NEVER
    tm_create: Timestamp
    tm_update: Timestamp
    tm_delete: Timestamp


class AgentBody(Body):
    """A person who logs in."""

    id: Id
    customer_id: Id
    username: str
    name: str
    detail: str
    ring_method: AgentRingMethod
    status: AgentStatus
    permission: int
    tag_ids: tuple[Id, ...]
    addresses: tuple[AddressBody, ...]
    tm_create: Timestamp
    tm_update: Timestamp
    tm_delete: Timestamp


class AccessKeyBody(Body):
    """A key for programs; `token` is there once, in the answer that makes it."""

    id: Id
    customer_id: Id
    name: str
    detail: str
    token: Annotated[str | None, Field(exclude_if=lambda token: token is None)] = None
    token_prefix: str
    tm_expire: Timestamp
    tm_create: Timestamp
    tm_update: Timestamp
    tm_delete: Timestamp


def customer_body(customer: Customer) -> CustomerBody:
    """Return the JSON body of a customer."""
    return CustomerBody(
        id=customer.id,
        name=customer.name,
        detail=customer.detail,
        email=customer.email,
        phone_number=customer.phone_number,
        address=customer.address,
        webhook_method=customer.webhook_method,
        webhook_uri=customer.webhook_uri,
        webhook_secret=customer.webhook_secret,
        metadata=CustomerMetadataBody(rtp_debug=customer.is_rtp_debug),
        tm_create=format_timestamp(customer.tm_create),
        tm_update=format_timestamp(customer.tm_update),
        tm_delete=timestamp_or_never(customer.tm_delete),
    )


def agent_body(agent: Agent) -> AgentBody:
    """Return the JSON body of an agent."""
    return AgentBody(
        id=agent.id,
        customer_id=agent.customer_id,
        username=agent.username,
        name=agent.name,
        detail=agent.detail,
        ring_method=_WORD_OF[agent.ring_method],
        status=agent.status,
        permission=int(agent.permission),
        tag_ids=agent.tag_ids,
        addresses=tuple(address_body(address) for address in agent.addresses),
        tm_create=format_timestamp(agent.tm_create),
        tm_update=format_timestamp(agent.tm_update),
        tm_delete=timestamp_or_never(agent.tm_delete),
    )


def access_key_body(key: AccessKey, *, token: str | None = None) -> AccessKeyBody:
    """Return the JSON body of an access key; `token` only where it is shown, once."""
    return AccessKeyBody(
        id=key.id,
        customer_id=key.customer_id,
        name=key.name,
        detail=key.detail,
        token=token,
        token_prefix=key.token_prefix,
        tm_expire=timestamp_or_never(key.tm_expire),
        tm_create=format_timestamp(key.tm_create),
        tm_update=format_timestamp(key.tm_update),
        tm_delete=timestamp_or_never(key.tm_delete),
    )
