import asyncio

import pytest

from app.call.ledger import CallLedger
from app.domain.call import ALLOWED_NEXT, CallDirection, CallStatus, HangupReason, MuteDirection
from app.domain.ids import ZERO_ID, new_id
from tests.unit.call.fakes import FakeJournal, make_call


def open_ledger(
    direction: CallDirection = CallDirection.OUTGOING, status: CallStatus = CallStatus.DIALING
) -> tuple[CallLedger, FakeJournal]:
    journal = FakeJournal()
    return CallLedger(make_call(direction, status), journal), journal


async def test_an_outgoing_call_goes_through_its_states_and_tells_each() -> None:
    ledger, journal = open_ledger()
    await ledger.advance(CallStatus.RINGING)
    await ledger.advance(CallStatus.PROGRESSING)
    await ledger.end(16)
    assert journal.types == ["call_ringing", "call_progressing", "call_hangup"]
    record = ledger.record
    assert record.tm_ringing is not None
    assert record.tm_progressing is not None
    assert record.tm_hangup is not None
    assert record.tm_ringing <= record.tm_progressing <= record.tm_hangup
    assert (record.hangup_by, record.hangup_reason) == ("remote", "normal")


@pytest.mark.parametrize("status", list(CallStatus))
@pytest.mark.parametrize("wanted", list(CallStatus))
async def test_only_allowed_steps_are_taken(status: CallStatus, wanted: CallStatus) -> None:
    ledger, journal = open_ledger(status=status)
    await ledger.advance(wanted)
    is_allowed = wanted in ALLOWED_NEXT[status]
    assert ledger.record.status is (wanted if is_allowed else status)
    assert len(journal.events) == is_allowed


async def test_an_unanswered_outgoing_call_that_we_end_is_cancelled() -> None:
    ledger, journal = open_ledger()
    assert await ledger.begin_end(HangupReason.NORMAL)
    assert not await ledger.begin_end(HangupReason.NORMAL)
    await ledger.end(0)
    await ledger.end(0)
    assert journal.types == ["call_canceling", "call_hangup"]
    assert (ledger.record.hangup_by, ledger.record.hangup_reason) == ("local", "cancel")


async def test_an_incoming_call_that_we_end_is_terminated() -> None:
    ledger, journal = open_ledger(direction=CallDirection.INCOMING, status=CallStatus.RINGING)
    await ledger.begin_end(HangupReason.TIMEOUT)
    await ledger.end(16)
    assert journal.types == ["call_terminating", "call_hangup"]
    assert ledger.record.hangup_reason is HangupReason.TIMEOUT


async def test_changes_at_once_lose_nothing() -> None:
    ledger, _ = open_ledger(status=CallStatus.PROGRESSING)
    chained = [new_id() for _ in range(5)]
    recording = new_id()
    await asyncio.gather(
        *(ledger.note_chained(each) for each in chained),
        ledger.note_recording(recording),
        ledger.note_mute(MuteDirection.IN, is_on=True),
    )
    record = ledger.record
    assert set(record.chained_call_ids) == set(chained)
    assert (record.recording_id, record.recording_ids, record.mute_direction) == (recording, (recording,), "in")
    await ledger.note_recording(ZERO_ID)
    assert (ledger.record.recording_id, ledger.record.recording_ids) == (ZERO_ID, (recording,))


@pytest.mark.parametrize(
    ("was", "change", "is_on", "expected"),
    [("", "both", True, "both"), ("in", "out", True, "both"), ("both", "in", False, "out"), ("in", "both", False, "")],
)
def test_mute_adds_and_takes_away(was: str, change: str, is_on: bool, expected: str) -> None:
    direction = MuteDirection(was)
    other = MuteDirection(change)
    assert (direction.plus(other) if is_on else direction.minus(other)) == expected
