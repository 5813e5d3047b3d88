"""A speaking as JSON (contract 5)."""

from app.domain.speaking import Speaking, SpeakingStatus
from app.domain.timestamps import format_timestamp
from app.wire.forms import Body, Id, Timestamp, timestamp_or_never


class SpeakingBody(Body):
    """A voice in a live call."""

    id: Id
    customer_id: Id
    reference_type: str
    reference_id: Id
    language: str
    provider: str
    voice_id: str
    direction: str
    status: SpeakingStatus
    tm_create: Timestamp
    tm_update: Timestamp
    tm_delete: Timestamp


def speaking_body(speaking: Speaking) -> SpeakingBody:
    """Return the JSON body of a speaking."""
    return SpeakingBody(
        id=speaking.id,
        customer_id=speaking.customer_id,
        reference_type=speaking.reference_type,
        reference_id=speaking.reference_id,
        language=speaking.language,
        provider=speaking.provider,
        voice_id=speaking.voice_id,
        direction=speaking.direction,
        status=speaking.status,
        tm_create=format_timestamp(speaking.tm_create),
        tm_update=format_timestamp(speaking.tm_update),
        tm_delete=timestamp_or_never(speaking.tm_delete),
    )
