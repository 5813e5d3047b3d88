"""Transcribes and transcripts."""

from sqlalchemy import Column, Float, Index, Table, UniqueConstraint

from app.domain.transcribe import Direction, ReferenceType, TranscribeStatus
from app.domain.transcript import TranscriptSource
from app.store.columns import Choice, Length
from app.store.json_forms import SPEAKER, WORDS
from app.store.schema.parts import (
    METADATA,
    flag_column,
    id_column,
    listed_by_customer,
    moment_column,
    owned_by_a_customer,
    text_column,
)

TRANSCRIBES = Table(
    "transcribes",
    METADATA,
    *owned_by_a_customer(),
    Column("reference_type", Choice(ReferenceType), nullable=False),
    id_column("reference_id"),
    Column("status", Choice(TranscribeStatus, 16), nullable=False),
    text_column("language"),
    Column("direction", Choice(Direction), nullable=False),
    text_column("engine"),
    text_column("model"),
    id_column("activeflow_id"),
    id_column("on_end_flow_id"),
    text_column("provider"),
    *listed_by_customer(),
    Index(None, "reference_id"),
    Index(None, "status"),
)

TRANSCRIPTS = Table(
    "transcripts",
    METADATA,
    id_column(is_key=True),
    id_column("customer_id", to="customers.id"),
    id_column("transcribe_id", to="transcribes.id"),
    Column("direction", Choice(Direction), nullable=False),
    text_column("message"),
    Column("offset_us", Length, nullable=False),
    Column("duration_us", Length, nullable=False),
    text_column("engine"),
    text_column("model"),
    Column("confidence", Float, nullable=True),
    Column("words", WORDS, nullable=True),
    Column("speaker", SPEAKER, nullable=True),
    flag_column("is_degraded"),
    Column("source", Choice(TranscriptSource, 16), nullable=False),
    moment_column("tm_create"),
    moment_column("tm_delete", is_optional=True),
    UniqueConstraint("transcribe_id", "tm_create"),
)
