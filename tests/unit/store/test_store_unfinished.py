"""What a killed process left open is closed at the next start, and its end is told."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from app.domain.call import CallStatus, HangupBy, HangupReason
from app.domain.conference import ConferencecallStatus, ConferenceStatus
from app.domain.customer import AgentStatus, Customer
from app.domain.events import Event, EventType
from app.domain.flow import ActiveflowStatus
from app.domain.groupcall import GroupcallStatus
from app.domain.ids import ZERO_ID, new_id
from app.domain.queue import QueuecallStatus
from app.domain.recording import RecordingStatus
from app.domain.transcribe import TranscribeStatus
from app.event_bus import EventBus
from app.journal.journal import Journal
from app.store import Store, Transaction, close_unfinished
from app.wire.event import render_event


async def _close(store: Store, moment: datetime) -> Sequence[Event]:
    """Close as the start does it: through the journal."""
    return await Journal(store, EventBus(), render_event).commit(lambda tx: close_unfinished(tx, moment))


async def test_calls_end_by_what_they_were_doing(
    store: Store, customer: Customer, stranger: Customer, samples: Any
) -> None:
    expected = {
        CallStatus.DIALING: HangupReason.FAILED,
        CallStatus.RINGING: HangupReason.FAILED,
        CallStatus.PROGRESSING: HangupReason.NORMAL,
        CallStatus.TERMINATING: HangupReason.NORMAL,
        CallStatus.CANCELING: HangupReason.CANCEL,
    }
    for status in expected:
        await store.calls.insert(samples.call(stranger.id, status=status, recording_id=new_id()))
    ended = await store.calls.insert(samples.call(customer.id, status=CallStatus.HANGUP))
    moment = samples.moment()

    events = await _close(store, moment)

    assert [event.type for event in events] == [EventType.CALL_HANGUP] * len(expected)
    calls = [event.data for event in events]
    assert [call.hangup_reason for call in calls] == list(expected.values())  # type: ignore[union-attr]
    for event in events:
        call = await store.calls.get_by_id(event.data.id)
        assert call == event.data
        assert call is not None
        assert (call.status, call.hangup_by, call.tm_hangup) == (CallStatus.HANGUP, HangupBy.LOCAL, moment)
        assert call.recording_id == ZERO_ID
    assert await store.calls.get_by_id(ended.id) == ended


async def test_everything_that_was_going_on_ends_and_is_told(store: Store, customer: Customer, samples: Any) -> None:
    own = customer.id
    call = await store.calls.insert(samples.call(own))
    groupcall = await store.groupcalls.insert(samples.groupcall(own, call_count=2, groupcall_count=1))
    flow = await store.activeflows.insert(samples.activeflow(own, reference_id=call.id))
    transcribe = await store.transcribes.insert(samples.transcribe(own, reference_id=call.id))
    recording = await store.recordings.insert(samples.recording(own, reference_id=call.id))
    room = await store.conferences.insert(samples.conference(own))
    stay = await store.conferencecalls.insert(samples.conferencecall(room, reference_id=call.id))
    room = replace(room, conferencecall_ids=(stay.id,), recording_id=recording.id, recording_ids=(recording.id,))
    await store.conferences.update(replace(room, transcribe_id=transcribe.id))
    moment = samples.moment()

    events = await _close(store, moment)

    hung_up = replace(call, status=CallStatus.HANGUP, hangup_by=HangupBy.LOCAL, hangup_reason=HangupReason.NORMAL)
    expected: list[tuple[EventType, Any]] = [
        (EventType.CALL_HANGUP, replace(hung_up, tm_hangup=moment)),
        (
            EventType.GROUPCALL_HANGUP,
            replace(groupcall, status=GroupcallStatus.HANGUP, call_count=0, groupcall_count=0),
        ),
        (EventType.ACTIVEFLOW_UPDATED, replace(flow, status=ActiveflowStatus.ENDED)),
        (EventType.TRANSCRIBE_DONE, replace(transcribe, status=TranscribeStatus.DONE)),
        (EventType.RECORDING_FINISHED, replace(recording, status=RecordingStatus.ENDED, tm_end=moment)),
        (EventType.CONFERENCECALL_LEAVED, replace(stay, status=ConferencecallStatus.LEAVED)),
        (EventType.CONFERENCE_UPDATED, replace(room, conferencecall_ids=(), recording_id=ZERO_ID)),
    ]
    assert [(event.type, event.data) for event in events] == [
        (event_type, replace(item, tm_update=moment)) for event_type, item in expected
    ]
    for event in events:
        assert await store.table_of(event.data).get_by_id(event.data.id) == event.data
    stored = await store.events.since(own, 0, 100)
    assert [record.type for record in stored] == [event_type.value for event_type, _ in expected]
    assert await _close(store, samples.moment()) == ()


async def test_rooms_go_on_unless_they_were_being_closed(store: Store, customer: Customer, samples: Any) -> None:
    empty = await store.conferences.insert(samples.conference(customer.id))
    closing = await store.conferences.insert(samples.conference(customer.id, status=ConferenceStatus.TERMINATING))
    moment = samples.moment()
    (told,) = await _close(store, moment)
    ends = {"status": ConferenceStatus.TERMINATED, "tm_end": moment, "tm_update": moment, "tm_delete": moment}
    assert told.type is EventType.CONFERENCE_DELETED
    assert told.data == replace(closing, **ends)
    assert await store.conferences.get_by_id(closing.id) == told.data
    assert await store.conferences.get_by_id(empty.id) == empty


async def test_all_or_nothing(store: Store, customer: Customer, samples: Any) -> None:
    call = await store.calls.insert(samples.call(customer.id))

    async def fail(tx: Transaction) -> Sequence[Event]:
        await close_unfinished(tx, samples.moment())
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await Journal(store, EventBus(), render_event).commit(fail)
    assert await store.calls.get_by_id(call.id) == call
    assert await store.events.last_seq() == 0


async def test_who_waited_in_a_queue_has_left_it_and_its_agent_is_free(
    store: Store, customer: Customer, samples: Any
) -> None:
    ringing, away = [
        await store.agents.insert(samples.agent(customer.id, status=status))
        for status in (AgentStatus.RINGING, AgentStatus.AWAY)
    ]
    queue = await store.queues.insert(samples.queue(customer.id))
    await store.queuecalls.insert(samples.queuecall(queue, service_agent_id=ringing.id))
    served = {"status": QueuecallStatus.SERVICE, "tm_service": samples.moment(), "service_agent_id": away.id}
    await store.queuecalls.insert(samples.queuecall(queue, **served))
    await store.queuecalls.insert(samples.queuecall(queue, status=QueuecallStatus.DONE))
    moment = samples.moment()

    events = await _close(store, moment)

    assert [event.type for event in events] == [
        EventType.AGENT_STATUS_UPDATED,
        EventType.QUEUECALL_ABANDONED,
        EventType.QUEUECALL_DONE,
    ]
    assert (await store.agents.get_by_id(ringing.id)).status is AgentStatus.AVAILABLE  # type: ignore[union-attr]
    assert (await store.agents.get_by_id(away.id)).status is AgentStatus.AWAY  # type: ignore[union-attr]
    assert await store.queuecalls.list_live() == ()
