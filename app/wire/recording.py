"""A recording as JSON (contract 4.4)."""

from app.domain.recording import Recording, RecordingStatus
from app.domain.timestamps import format_timestamp
from app.domain.transcribe import ReferenceType
from app.wire.forms import Body, Id, Timestamp, UnsetTimestamp, timestamp_or_unset


class RecordingBody(Body):
    """A recording. The `tm_*` of what has not happened are absent."""

    id: Id
    customer_id: Id
    owner_type: str
    owner_id: Id
    activeflow_id: Id
    reference_type: ReferenceType
    reference_id: Id
    status: RecordingStatus
    format: str
    on_end_flow_id: Id
    tm_start: UnsetTimestamp = None
    tm_end: UnsetTimestamp = None
    tm_create: Timestamp
    tm_update: Timestamp
    tm_delete: UnsetTimestamp = None


def recording_body(recording: Recording) -> RecordingBody:
    """Return the JSON body of a recording."""
    return RecordingBody(
        id=recording.id,
        customer_id=recording.customer_id,
        owner_type=recording.owner_type,
        owner_id=recording.owner_id,
        activeflow_id=recording.activeflow_id,
        reference_type=recording.reference_type,
        reference_id=recording.reference_id,
        status=recording.status,
        format=recording.format,
        on_end_flow_id=recording.on_end_flow_id,
        tm_start=timestamp_or_unset(recording.tm_start),
        tm_end=timestamp_or_unset(recording.tm_end),
        tm_create=format_timestamp(recording.tm_create),
        tm_update=format_timestamp(recording.tm_update),
        tm_delete=timestamp_or_unset(recording.tm_delete),
    )
