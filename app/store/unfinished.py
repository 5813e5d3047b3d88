"""What a process that was killed left open is closed at the next start, and told like everything else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime

from app.domain.call import Call, CallStatus, HangupBy, HangupReason
from app.domain.conference import Conference, ConferencecallStatus, ConferenceStatus
from app.domain.customer import AgentStatus
from app.domain.events import Event, EventType
from app.domain.flow import ActiveflowStatus
from app.domain.groupcall import GroupcallStatus
from app.domain.ids import ZERO_ID
from app.domain.queue import QueuecallStatus
from app.domain.recording import RecordingStatus
from app.domain.transcribe import TranscribeStatus
from app.store.store import Transaction

_REASON_OF_THE_CUT = {
    CallStatus.PROGRESSING: HangupReason.NORMAL,
    CallStatus.TERMINATING: HangupReason.NORMAL,
    CallStatus.CANCELING: HangupReason.CANCEL,
}
_TAKEN = frozenset({AgentStatus.RINGING, AgentStatus.BUSY})


async def close_unfinished(tx: Transaction, moment: datetime) -> tuple[Event, ...]:
    """Close what an earlier process left open as of `moment`, and return the events that tell of it, in their order.

    Call it at the start, before the first call, by the only instance that uses this database, as what a journal
    commits: `await journal.commit(lambda tx: close_unfinished(tx, now()))`. Conferences are rooms: they go on, empty.
    """
    events = tuple([event async for event in _closed(tx, moment)])
    for event in events:
        await tx.table_of(event.data).update(event.data)
    return events


async def _closed(tx: Transaction, moment: datetime) -> AsyncIterator[Event]:
    for call in await tx.calls.list_live():
        yield Event(EventType.CALL_HANGUP, _hung_up(call, moment))
    for groupcall in await tx.groupcalls.list_live():
        ended = replace(groupcall, status=GroupcallStatus.HANGUP, call_count=0, groupcall_count=0, tm_update=moment)
        yield Event(EventType.GROUPCALL_HANGUP, ended)
    for flow in await tx.activeflows.list_running():
        yield Event(EventType.ACTIVEFLOW_UPDATED, replace(flow, status=ActiveflowStatus.ENDED, tm_update=moment))
    for transcribe in await tx.transcribes.list_progressing():
        yield Event(EventType.TRANSCRIBE_DONE, replace(transcribe, status=TranscribeStatus.DONE, tm_update=moment))
    for recording in await tx.recordings.list_live():
        cut = replace(recording, status=RecordingStatus.ENDED, tm_end=moment, tm_update=moment)
        yield Event(EventType.RECORDING_FINISHED, cut)
    for stay in await tx.conferencecalls.list_live():
        yield Event(
            EventType.CONFERENCECALL_LEAVED, replace(stay, status=ConferencecallStatus.LEAVED, tm_update=moment)
        )
    for queued in await tx.queuecalls.list_live():
        agent = await tx.agents.get_by_id(queued.service_agent_id)
        if agent is not None and agent.tm_delete is None and agent.status in _TAKEN:
            yield Event(EventType.AGENT_STATUS_UPDATED, replace(agent, status=AgentStatus.AVAILABLE, tm_update=moment))
        was_served = queued.tm_service is not None
        status = QueuecallStatus.DONE if was_served else QueuecallStatus.ABANDONED
        yield Event(
            EventType.QUEUECALL_DONE if was_served else EventType.QUEUECALL_ABANDONED,
            replace(queued, status=status, tm_end=moment, tm_update=moment),
        )
    for conference in await tx.conferences.list_live():
        emptied = replace(conference, conferencecall_ids=(), recording_id=ZERO_ID, transcribe_id=ZERO_ID)
        if conference.status is ConferenceStatus.TERMINATING:
            yield Event(EventType.CONFERENCE_DELETED, _terminated(emptied, moment))
        elif emptied != conference:
            yield Event(EventType.CONFERENCE_UPDATED, replace(emptied, tm_update=moment))


def _hung_up(call: Call, moment: datetime) -> Call:
    return replace(
        call,
        status=CallStatus.HANGUP,
        hangup_by=HangupBy.LOCAL,
        hangup_reason=_REASON_OF_THE_CUT.get(call.status, HangupReason.FAILED),
        recording_id=ZERO_ID,
        tm_hangup=moment,
        tm_update=moment,
    )


def _terminated(conference: Conference, moment: datetime) -> Conference:
    return replace(
        conference,
        status=ConferenceStatus.TERMINATED,
        tm_end=moment,
        tm_update=moment,
        tm_delete=conference.tm_delete or moment,
    )
