"""What connects us with telephones: numbers, extensions, trunks, and what may be dialled."""

from sqlalchemy import Column, Index, Integer, String, Table

from app.domain.line import NumberType
from app.store.columns import Choice
from app.store.json_forms import AUTHS, TEXTS
from app.store.schema.parts import (
    METADATA,
    flag_column,
    id_column,
    listed_by_customer,
    moment_column,
    owned_by_a_customer,
    text_column,
    unique_while_live,
)

NUMBERS = Table(
    "numbers",
    METADATA,
    *owned_by_a_customer(),
    Column("number", String(255), nullable=False),
    Column("type", Choice(NumberType, 16), nullable=False),
    text_column("name"),
    text_column("detail"),
    id_column("call_flow_id"),
    id_column("message_flow_id"),
    flag_column("is_rtp_debug"),
    moment_column("tm_purchase", is_optional=True),
    moment_column("tm_renew", is_optional=True),
    *listed_by_customer(),
    unique_while_live("uq_numbers_number_live", "number"),
)

EXTENSIONS = Table(
    "extensions",
    METADATA,
    *owned_by_a_customer(),
    Column("extension", String(255), nullable=False),
    Column("username", String(255), nullable=False),
    text_column("password"),
    text_column("domain_name"),
    text_column("name"),
    text_column("detail"),
    Column("direct_hash", String(64), nullable=False),
    *listed_by_customer(),
    unique_while_live("uq_extensions_extension_live", "customer_id", "extension"),
    unique_while_live("uq_extensions_username_live", "username"),
    Index(None, "direct_hash"),
)

TRUNKS = Table(
    "trunks",
    METADATA,
    *owned_by_a_customer(),
    text_column("name"),
    Column("domain_name", String(255), nullable=False),
    text_column("detail"),
    Column("auth_types", AUTHS, nullable=False),
    text_column("username"),
    text_column("password"),
    Column("allowed_ips", TEXTS, nullable=False),
    text_column("hostname"),
    text_column("transport"),
    flag_column("is_registering"),
    Column("priority", Integer, nullable=False),
    Column("direct_hash", String(64), nullable=False),
    *listed_by_customer(),
    unique_while_live("uq_trunks_domain_name_live", "domain_name"),
    Index(None, "direct_hash"),
)

OUTBOUND_CONFIGS = Table(
    "outbound_configs",
    METADATA,
    *owned_by_a_customer(),
    text_column("name"),
    text_column("detail"),
    Column("destination_whitelist", TEXTS, nullable=False),
    text_column("codecs"),
    id_column("default_outgoing_source_number_id"),
    *listed_by_customer(),
    unique_while_live("uq_outbound_configs_customer_id_live", "customer_id"),
)
