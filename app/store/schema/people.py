"""Who uses Callscribe: customers, agents, access keys."""

from sqlalchemy import Column, String, Table, UniqueConstraint

from app.domain.customer import AgentStatus, Permission, RingMethod
from app.store.columns import Choice, Flags
from app.store.json_forms import ADDRESSES, TEXTS
from app.store.schema.parts import (
    METADATA,
    flag_column,
    id_column,
    listed_by_customer,
    moment_column,
    owned_by_a_customer,
    text_column,
    tm_columns,
    unique_while_live,
)

CUSTOMERS = Table(
    "customers",
    METADATA,
    id_column(is_key=True),
    text_column("name"),
    text_column("detail"),
    text_column("email"),
    text_column("phone_number"),
    text_column("address"),
    text_column("webhook_method"),
    text_column("webhook_uri"),
    text_column("webhook_secret"),
    flag_column("is_rtp_debug"),
    *tm_columns(),
    UniqueConstraint("tm_create"),
)

AGENTS = Table(
    "agents",
    METADATA,
    *owned_by_a_customer(),
    Column("username", String(255), nullable=False),
    text_column("password_hash"),
    text_column("name"),
    text_column("detail"),
    Column("permission", Flags(Permission), nullable=False),
    Column("ring_method", Choice(RingMethod, 16), nullable=False),
    Column("status", Choice(AgentStatus, 16), nullable=False),
    Column("tag_ids", TEXTS, nullable=False),
    Column("addresses", ADDRESSES, nullable=False),
    *listed_by_customer(),
    unique_while_live("uq_agents_username_live", "username"),
)

ACCESS_KEYS = Table(
    "access_keys",
    METADATA,
    *owned_by_a_customer(),
    text_column("name"),
    text_column("detail"),
    Column("token_hash", String(64), nullable=False, unique=True),
    text_column("token_prefix"),
    moment_column("tm_expire", is_optional=True),
    *listed_by_customer(),
)
