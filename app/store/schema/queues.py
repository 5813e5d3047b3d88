"""Queues and the stays of calls in them."""

from sqlalchemy import Column, Index, Integer, Table

from app.domain.queue import QueuecallStatus, RoutingMethod
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

QUEUES = Table(
    "queues",
    METADATA,
    *owned_by_a_customer(),
    text_column("name"),
    text_column("detail"),
    Column("routing_method", Choice(RoutingMethod, 16), nullable=False),
    Column("tag_ids", TEXTS, nullable=False),
    id_column("wait_flow_id"),
    Column("wait_timeout", Integer, nullable=False),
    Column("service_timeout", Integer, nullable=False),
    *listed_by_customer(),
)

QUEUECALLS = Table(
    "queuecalls",
    METADATA,
    *owned_by_a_customer(),
    id_column("queue_id", to="queues.id"),
    text_column("reference_type"),
    id_column("reference_id"),
    Column("status", Choice(QueuecallStatus, 16), nullable=False),
    id_column("activeflow_id"),
    id_column("service_agent_id"),
    Column("timeout_wait", Integer, nullable=False),
    Column("timeout_service", Integer, nullable=False),
    Column("duration_waiting", Integer, nullable=False),
    Column("duration_service", Integer, nullable=False),
    moment_column("tm_service", is_optional=True),
    moment_column("tm_end", is_optional=True),
    *listed_by_customer(),
    Index(None, "queue_id", "tm_create"),
    Index(None, "status"),
)
