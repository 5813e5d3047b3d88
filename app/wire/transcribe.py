"""A transcribe as JSON (contract 4.5, tutorial; `engine`, `model` and refusals are our additions)."""

from app.domain.timestamps import format_timestamp
from app.domain.transcribe import Direction, ReferenceType, Transcribe, TranscribeRefusal, TranscribeStatus
from app.wire.forms import Body, Id, Timestamp, timestamp_or_never


class TranscribeBody(Body):
    """One transcribe."""

    id: Id
    customer_id: Id
    activeflow_id: Id
    on_end_flow_id: Id
    reference_type: ReferenceType
    reference_id: Id
    status: TranscribeStatus
    language: str
    direction: Direction
    provider: str
    engine: str
    model: str
    tm_create: Timestamp
    tm_update: Timestamp
    tm_delete: Timestamp


def transcribe_body(transcribe: Transcribe) -> TranscribeBody:
    """Return the JSON body of a transcribe."""
    return TranscribeBody(
        id=transcribe.id,
        customer_id=transcribe.customer_id,
        activeflow_id=transcribe.activeflow_id,
        on_end_flow_id=transcribe.on_end_flow_id,
        reference_type=transcribe.reference_type,
        reference_id=transcribe.reference_id,
        status=transcribe.status,
        language=transcribe.language,
        direction=transcribe.direction,
        provider=transcribe.provider,
        engine=transcribe.engine,
        model=transcribe.model,
        tm_create=format_timestamp(transcribe.tm_create),
        tm_update=format_timestamp(transcribe.tm_update),
        tm_delete=timestamp_or_never(transcribe.tm_delete),
    )


class TranscribeRefusalBody(Body):
    """A transcribe that could not be begun; the call, or the conference, goes on without its text."""

    id: Id
    customer_id: Id
    activeflow_id: Id
    reference_type: ReferenceType
    reference_id: Id
    transcribe_id: Id
    conferencecall_id: Id
    language: str
    direction: Direction
    reason: str
    message: str
    retried: bool
    tm_create: Timestamp


def refusal_body(refusal: TranscribeRefusal) -> TranscribeRefusalBody:
    """Return the JSON body of a refusal."""
    return TranscribeRefusalBody(
        id=refusal.id,
        customer_id=refusal.customer_id,
        activeflow_id=refusal.activeflow_id,
        reference_type=refusal.reference_type,
        reference_id=refusal.reference_id,
        transcribe_id=refusal.transcribe_id,
        conferencecall_id=refusal.conferencecall_id,
        language=refusal.language,
        direction=refusal.direction,
        reason=refusal.reason,
        message=refusal.message,
        retried=refusal.is_retried,
        tm_create=format_timestamp(refusal.tm_create),
    )
