"""Conferences and their members' stays."""

from sqlalchemy import Column, Index, Integer, String, Table

from app.domain.conference import ConferencecallStatus, ConferenceStatus, ConferenceType
from app.store.columns import Choice
from app.store.json_forms import OBJECT, TEXTS
from app.store.schema.parts import (
    METADATA,
    id_column,
    listed_by_customer,
    moment_column,
    owned_by_a_customer,
    text_column,
)

CONFERENCES = Table(
    "conferences",
    METADATA,
    *owned_by_a_customer(),
    Column("type", Choice(ConferenceType, 16), nullable=False),
    Column("status", Choice(ConferenceStatus, 16), nullable=False),
    text_column("name"),
    text_column("detail"),
    Column("data", OBJECT, nullable=False),
    Column("timeout", Integer, nullable=False),
    id_column("pre_flow_id"),
    id_column("post_flow_id"),
    Column("conferencecall_ids", TEXTS, nullable=False),
    id_column("recording_id"),
    Column("recording_ids", TEXTS, nullable=False),
    id_column("transcribe_id"),
    Column("transcribe_ids", TEXTS, nullable=False),
    Column("direct_hash", String(64), nullable=False),
    moment_column("tm_end", is_optional=True),
    *listed_by_customer(),
    Index(None, "status"),
    Index(None, "direct_hash"),
)

CONFERENCECALLS = Table(
    "conferencecalls",
    METADATA,
    *owned_by_a_customer(),
    id_column("conference_id", to="conferences.id"),
    text_column("reference_type"),
    id_column("reference_id"),
    Column("status", Choice(ConferencecallStatus, 16), nullable=False),
    id_column("activeflow_id"),
    *listed_by_customer(),
    Index(None, "conference_id", "tm_create"),
    Index(None, "status"),
)
