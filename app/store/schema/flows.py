"""Flows and their executions."""

from sqlalchemy import Column, Index, Integer, String, Table

from app.domain.flow import ActiveflowStatus
from app.store.columns import Choice
from app.store.json_forms import ACTION, ACTIONS
from app.store.schema.parts import (
    METADATA,
    flag_column,
    id_column,
    listed_by_customer,
    owned_by_a_customer,
    text_column,
)

FLOWS = Table(
    "flows",
    METADATA,
    *owned_by_a_customer(),
    text_column("name"),
    text_column("detail"),
    Column("actions", ACTIONS, nullable=False),
    Column("direct_hash", String(64), nullable=False),
    id_column("on_complete_flow_id"),
    flag_column("is_temporary"),
    *listed_by_customer(),
    Index(None, "direct_hash"),
    Index(None, "is_temporary", "tm_create"),
)

ACTIVEFLOWS = Table(
    "activeflows",
    METADATA,
    *owned_by_a_customer(),
    id_column("flow_id"),
    Column("status", Choice(ActiveflowStatus, 16), nullable=False),
    text_column("reference_type"),
    id_column("reference_id"),
    Column("current_action", ACTION, nullable=True),
    Column("executed_actions", ACTIONS, nullable=False),
    id_column("reference_activeflow_id"),
    id_column("on_complete_flow_id"),
    Column("complete_count", Integer, nullable=False),
    text_column("webhook_uri"),
    text_column("webhook_method"),
    *listed_by_customer(),
    Index(None, "status"),
)
