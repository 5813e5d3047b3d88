"""What is stored of a conference and its members, and told as it changes: one change after the other."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from app.call.live_call import LiveCall
from app.call.ports import ConferenceJournal
from app.domain.conference import Conference, Conferencecall, ConferencecallStatus
from app.domain.events import Event, EventType
from app.domain.ids import ZERO_ID, new_id
from app.domain.timestamps import now
from app.store.store import Transaction

_EVENT_OF = {
    ConferencecallStatus.JOINED: EventType.CONFERENCECALL_JOINED,
    ConferencecallStatus.LEAVING: EventType.CONFERENCECALL_LEAVING,
    ConferencecallStatus.LEAVED: EventType.CONFERENCECALL_LEAVED,
}


@dataclass(slots=True, eq=False)
class Member:
    """One call's stay. `out` is set when it has to leave, `left` once it has; `is_joined` while it is in the room."""

    call: LiveCall
    record: Conferencecall
    out: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    is_stored: bool = False
    is_joined: bool = False


class ConferenceLedger:
    """The record of one live conference and those of its members."""

    def __init__(self, record: Conference, journal: ConferenceJournal) -> None:
        self.record = record
        self._journal = journal
        self._turn = asyncio.Lock()

    async def change(self, **fields: Any) -> Conference:
        """Change fields of the record and tell `conference_updated`."""
        async with self._turn:
            return await self._change(EventType.CONFERENCE_UPDATED, **fields)

    async def note_recording(self, recording_id: str) -> None:
        """Store which recording goes on, ZERO_ID for none any more."""
        async with self._turn:
            known = _with(self.record.recording_ids, recording_id)
            await self._change(EventType.CONFERENCE_UPDATED, recording_id=recording_id, recording_ids=known)

    async def note_transcribe(self, transcribe_id: str) -> None:
        """Store which transcribe goes on, ZERO_ID for none any more."""
        async with self._turn:
            known = _with(self.record.transcribe_ids, transcribe_id)
            await self._change(EventType.CONFERENCE_UPDATED, transcribe_id=transcribe_id, transcribe_ids=known)

    async def note_deleted(self) -> Conference:
        """Store that it is deleted, once."""
        async with self._turn:
            if self.record.tm_delete is None:
                await self._change(EventType.CONFERENCE_DELETED, tm_delete=now())
            return self.record

    def new_member(self, call: LiveCall, activeflow_id: str) -> Member:
        """Return a member that is about to join; nothing of it is stored yet."""
        moment = now()
        record = Conferencecall(
            id=new_id(),
            customer_id=self.record.customer_id,
            conference_id=self.record.id,
            reference_id=call.record.id,
            status=ConferencecallStatus.JOINING,
            tm_create=moment,
            tm_update=moment,
            activeflow_id=activeflow_id,
        )
        return Member(call, record)

    async def enter(self, member: Member) -> None:
        """Store a new member, joining."""

        async def write(tx: Transaction) -> Sequence[Event]:
            member.record = await tx.conferencecalls.insert(member.record)
            member.is_stored = True
            return [Event(EventType.CONFERENCECALL_JOINING, member.record)]

        await self._journal.commit(write)

    async def note_member(
        self, member: Member, status: ConferencecallStatus, joined: Iterable[str] | None = None
    ) -> None:
        """Store where a member is on its way; with `joined` who is in the room now too: both or neither."""
        async with self._turn:
            moment = now()
            member.record = replace(member.record, status=status, tm_update=moment)
            if joined is not None:
                self.record = replace(self.record, conferencecall_ids=tuple(joined), tm_update=moment)

            async def write(tx: Transaction) -> Sequence[Event]:
                await tx.conferencecalls.update(member.record)
                events = [Event(_EVENT_OF[status], member.record)]
                if joined is not None:
                    await tx.conferences.update(self.record)
                    events.append(Event(EventType.CONFERENCE_UPDATED, self.record))
                return events

            await self._journal.commit(write)

    async def _change(self, event_type: EventType, **fields: Any) -> Conference:
        self.record = replace(self.record, tm_update=now(), **fields)
        await self._journal.change(self.record, event_type)
        return self.record


def _with(known: tuple[str, ...], new: str) -> tuple[str, ...]:
    return known if new in {ZERO_ID, *known} else (*known, new)
