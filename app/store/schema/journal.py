"""What happened, in its order, and the webhook deliveries that tell of it (ADR 0021)."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, text

from app.domain.webhook import DeliveryStatus
from app.store.columns import Choice
from app.store.json_forms import TEXTS
from app.store.schema.parts import (
    METADATA,
    id_column,
    listed_by_customer,
    moment_column,
    owned_by_a_customer,
    text_column,
)

# SQLite counts up by itself only a column that is named INTEGER; that one holds 64 bits as well.
_BIG_KEY = BigInteger().with_variant(Integer, "sqlite")

EVENTS = Table(
    "events",
    METADATA,
    Column("seq", _BIG_KEY, primary_key=True, autoincrement=True),
    id_column("customer_id"),
    text_column("type"),
    text_column("body"),
    Column("topics", TEXTS, nullable=False),
    moment_column("tm_create"),
    Index(None, "customer_id", "seq"),
    # SQLite would otherwise give the numbers of pruned events again.
    sqlite_autoincrement=True,
)

_IS_PENDING = text(f"status = '{DeliveryStatus.PENDING.value}'")

WEBHOOK_DELIVERIES = Table(
    "webhook_deliveries",
    METADATA,
    *owned_by_a_customer(),
    Column("seq", BigInteger, nullable=False),
    Column("order_key", String(255), nullable=False),
    text_column("event_type"),
    text_column("uri"),
    text_column("method"),
    text_column("body"),
    Column("status", Choice(DeliveryStatus, 16), nullable=False),
    moment_column("tm_next"),
    Column("attempts", Integer, nullable=False),
    text_column("last_error"),
    moment_column("tm_delivered", is_optional=True),
    moment_column("tm_resend", is_optional=True),
    *listed_by_customer(),
    # The queue: only what waits is in it, so that finding the next ones does not depend on how many were delivered.
    Index(
        "ix_webhook_deliveries_queue",
        "uri",
        "order_key",
        "seq",
        "tm_next",
        sqlite_where=_IS_PENDING,
        postgresql_where=_IS_PENDING,
    ),
    Index(None, "customer_id", "status", "tm_create"),
    Index(None, "status", "tm_update"),
)
