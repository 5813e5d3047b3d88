"""Calls, groupcalls and recordings."""

from sqlalchemy import Column, Index, Integer, Table

from app.domain.call import CallDirection, CallStatus, CallType, HangupBy, HangupReason, MuteDirection
from app.domain.customer import RingMethod
from app.domain.groupcall import GroupcallStatus
from app.domain.recording import RecordingStatus
from app.domain.transcribe import ReferenceType
from app.store.columns import Choice
from app.store.json_forms import ADDRESS, ADDRESSES, CALL_ACTION, TEXTS
from app.store.schema.parts import (
    METADATA,
    id_column,
    listed_by_customer,
    moment_column,
    owned_by_a_customer,
    text_column,
)

CALLS = Table(
    "calls",
    METADATA,
    *owned_by_a_customer(),
    Column("direction", Choice(CallDirection), nullable=False),
    Column("status", Choice(CallStatus, 16), nullable=False),
    Column("source", ADDRESS, nullable=False),
    Column("destination", ADDRESS, nullable=False),
    id_column("flow_id"),
    id_column("activeflow_id"),
    Column("type", Choice(CallType, 16), nullable=False),
    text_column("owner_type"),
    id_column("owner_id"),
    id_column("master_call_id"),
    Column("chained_call_ids", TEXTS, nullable=False),
    id_column("recording_id"),
    Column("recording_ids", TEXTS, nullable=False),
    id_column("groupcall_id"),
    Column("mute_direction", Choice(MuteDirection, 16), nullable=False),
    Column("action", CALL_ACTION, nullable=False),
    Column("hangup_by", Choice(HangupBy), nullable=False),
    Column("hangup_reason", Choice(HangupReason), nullable=False),
    moment_column("tm_ringing", is_optional=True),
    moment_column("tm_progressing", is_optional=True),
    moment_column("tm_hangup", is_optional=True),
    *listed_by_customer(),
    Index(None, "status"),
)

GROUPCALLS = Table(
    "groupcalls",
    METADATA,
    *owned_by_a_customer(),
    Column("status", Choice(GroupcallStatus, 16), nullable=False),
    Column("source", ADDRESS, nullable=False),
    Column("destinations", ADDRESSES, nullable=False),
    Column("ring_method", Choice(RingMethod, 16), nullable=False),
    text_column("answer_method"),
    id_column("flow_id"),
    text_column("owner_type"),
    id_column("owner_id"),
    id_column("master_call_id"),
    id_column("master_groupcall_id"),
    id_column("answer_call_id"),
    Column("call_ids", TEXTS, nullable=False),
    id_column("answer_groupcall_id"),
    Column("groupcall_ids", TEXTS, nullable=False),
    Column("call_count", Integer, nullable=False),
    Column("groupcall_count", Integer, nullable=False),
    Column("dial_index", Integer, nullable=False),
    *listed_by_customer(),
    Index(None, "status"),
)

RECORDINGS = Table(
    "recordings",
    METADATA,
    *owned_by_a_customer(),
    Column("reference_type", Choice(ReferenceType, 16), nullable=False),
    id_column("reference_id"),
    Column("status", Choice(RecordingStatus, 16), nullable=False),
    text_column("format"),
    text_column("owner_type"),
    id_column("owner_id"),
    id_column("activeflow_id"),
    id_column("on_end_flow_id"),
    Column("filenames", TEXTS, nullable=False),
    moment_column("tm_start", is_optional=True),
    moment_column("tm_end", is_optional=True),
    *listed_by_customer(),
    Index(None, "reference_id"),
    Index(None, "status"),
)
