"""Telling that something is not transcribed, and why: whoever waits for its text learns that none will come."""

from collections.abc import Sequence

from app.domain.events import Event, EventType
from app.domain.ids import ZERO_ID, new_id
from app.domain.timestamps import now
from app.domain.transcribe import Direction, ReferenceType, Transcribe, TranscribeRefusal
from app.errors import CallscribeError, Unavailable
from app.journal.journal import Write
from app.store.store import Transaction
from app.transcribe.ports import Telling


def refusal_of_call(
    call_id: str, customer_id: str, *, language: str, direction: Direction, activeflow_id: str, error: CallscribeError
) -> TranscribeRefusal:
    """Return the refusal of a flow's transcribe of a call; it is not tried again."""
    return TranscribeRefusal(
        id=new_id(),
        customer_id=customer_id,
        reference_type=ReferenceType.CALL,
        reference_id=call_id,
        language=language,
        direction=direction,
        reason=error.code,
        message=error.message,
        tm_create=now(),
        activeflow_id=activeflow_id,
    )


def refusal_of_member(transcribe: Transcribe, conferencecall_id: str, error: Exception) -> TranscribeRefusal:
    """Return the refusal of one member's sound in a conference that is transcribed; it is tried again."""
    known = error if isinstance(error, CallscribeError) else Unavailable(f"the member could not be tapped: {error}")
    return TranscribeRefusal(
        id=new_id(),
        customer_id=transcribe.customer_id,
        reference_type=transcribe.reference_type,
        reference_id=transcribe.reference_id,
        language=transcribe.language,
        direction=Direction.IN,
        reason=known.code,
        message=known.message,
        tm_create=now(),
        activeflow_id=transcribe.activeflow_id or ZERO_ID,
        transcribe_id=transcribe.id,
        conferencecall_id=conferencecall_id,
        is_retried=True,
    )


async def tell_refusal(journal: Telling, refusal: TranscribeRefusal) -> None:
    """Store the event and tell it; there is no row of a transcribe behind it."""

    async def write(_tx: Transaction) -> Sequence[Event]:
        return [Event(EventType.TRANSCRIBE_REFUSED, refusal, about=refusal.reference_id)]

    commit: Write = write
    await journal.commit(commit)
