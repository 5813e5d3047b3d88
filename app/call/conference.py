"""A conference while it lives: its room (a mixing bridge), its members, and what hangs on it."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import AbstractContextManager, AsyncExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from app.ari.ari import Ari
from app.ari.bridge import Bridge
from app.ari.release import finish
from app.call.attachments import Attachments
from app.call.conference_ledger import ConferenceLedger, Member
from app.call.live_call import LiveCall
from app.call.ports import Closer, ConferenceJournal
from app.call.room import Room, Start
from app.domain.conference import (
    Conference,
    Conferencecall,
    ConferencecallStatus,
    ConferenceStatus,
    ConferenceType,
)
from app.domain.ids import asterisk_id
from app.domain.timestamps import now
from app.errors import CallscribeError, LegGone, StateInvalid
from app.logs import get_log

log = get_log("conference")

MOST_STAY_SECONDS = 24 * 3600.0
"""How long a member may stay (contract 4.2)."""
HANG_UP_SECONDS = 0.5
"""How long a member that left the bridge by itself may take to turn out to have hung up."""
LEAVE_SECONDS = 5.0
CLOSE_SECONDS = 5.0

OnMember = Callable[[Member], None]


@dataclass(frozen=True, slots=True, eq=False)
class _Watcher:
    joined: OnMember
    left: OnMember


class LiveConference:
    """One conference that is used now. It ends with `close`; `Conferences` makes it and forgets it."""

    def __init__(
        self,
        record: Conference,
        ari: Ari,
        journal: ConferenceJournal,
        *,
        start: Start,
        on_left: Callable[[Conferencecall], Coroutine[Any, Any, None]] | None = None,
        on_idle: Callable[["LiveConference"], None] = lambda _: None,
    ) -> None:
        self.ledger = ConferenceLedger(record, journal)
        self.holders = 0
        """How many are at work with this object now, beside its members."""
        self.bridge_id = asterisk_id("conference", record.id)
        self.room = Room(
            ari,
            self.bridge_id,
            start,
            is_needed=lambda: self.is_used,
            on_left=self._note_lost,
            on_end=lambda: on_idle(self),
        )
        self._on_idle = on_idle
        self._start = start
        self._on_member_left = on_left
        self._closing = asyncio.Lock()
        self._everyone: dict[str, Member] = {}
        self._attachments = Attachments()
        self._watchers: list[_Watcher] = []

    @property
    def record(self) -> Conference:
        """The conference as it is now."""
        return self.ledger.record

    @property
    def is_open(self) -> bool:
        """Whether calls can join."""
        return self.record.status is ConferenceStatus.PROGRESSING

    @property
    def is_used(self) -> bool:
        """Whether somebody is in it, on the way in or out, listens to it or is at work with it."""
        return bool(self._everyone or self._attachments or self._watchers or self.holders)

    @property
    def members(self) -> Mapping[str, Member]:
        """Who is in the room now, by the id of the conferencecall."""
        return {each: member for each, member in self._everyone.items() if member.is_joined}

    def find_member(self, conferencecall_id: str) -> Member | None:
        """Return a member, also one that is just coming or going."""
        return self._everyone.get(conferencecall_id)

    async def stay(self, call: LiveCall, activeflow_id: str) -> Conferencecall:
        """Let a call in, and return when it is out again: sent out, or the room was closed.

        Raises LegGone when the party hung up, StateInvalid when the room is closed, AriError when it cannot be opened.
        """
        self._require_open()
        member = self.ledger.new_member(call, activeflow_id)
        self._everyone[member.record.id] = member
        bridge: Bridge | None = None
        try:
            await self.ledger.enter(member)
            await call.answer()
            if not member.out.is_set():
                bridge = await self.room.open()
                await call.make_way()
                await bridge.add(call.channel_id)
                await self._note_joined(member)
                await self._wait_out(member)
        finally:
            # To the end also when the party hung up, which cancels this.
            await finish(self._leave(member, bridge))
        if call.is_gone:
            raise LegGone("the party hung up in the conference")
        return member.record

    def send_out(self, member: Member) -> None:
        """Let a member leave; it is out when `member.left` is set."""
        member.out.set()

    @contextmanager
    def watch_members(self, joined: OnMember, left: OnMember) -> Iterator[None]:
        """Within this context `joined` is called for everybody who is in the room or comes, `left` for who goes.

        Called at once, on the event loop: they must not wait. `left` comes while the member's leg is still there,
        unless it hung up.
        """
        watcher = _Watcher(joined, left)
        self._watchers.append(watcher)
        try:
            for member in tuple(self.members.values()):
                joined(member)
            yield
        finally:
            self._watchers.remove(watcher)

    def attach(self, closer: Closer) -> AbstractContextManager[None]:
        """Within this context `closer` is awaited when the conference ends."""
        self._require_open()
        return self._attachments.attach(closer)

    async def close(self) -> Conference:
        """Send everybody out, end what is attached, give up the room: terminating, then terminated. Idempotent."""
        async with self._closing:
            if self.record.status is ConferenceStatus.TERMINATED:
                return self.record
            self.holders += 1  # it must not be forgotten before its end is stored
            try:
                await self.ledger.change(status=ConferenceStatus.TERMINATING)
                await self._empty()
                await self._attachments.close(CLOSE_SECONDS)
                await self.room.close()
                log.info("conference ended", conference_id=self.record.id)
                return await self.ledger.change(status=ConferenceStatus.TERMINATED, tm_end=now())
            finally:
                self.holders -= 1
                self._on_idle(self)

    async def delete(self) -> Conference:
        """Close it where it is open, and delete it."""
        await self.close()
        return await self.ledger.note_deleted()

    async def wait_room_ended(self) -> None:
        """Return when the bridge that is there now is gone: nothing that was put into it is heard any more."""
        await self.room.wait_ended()

    async def note_recording(self, recording_id: str) -> None:
        """Store which recording goes on, ZERO_ID for none any more."""
        await self.ledger.note_recording(recording_id)

    async def note_transcribe(self, transcribe_id: str) -> None:
        """Store which transcribe goes on, ZERO_ID for none any more."""
        await self.ledger.note_transcribe(transcribe_id)

    async def _note_joined(self, member: Member) -> None:
        member.is_joined = True
        for watcher in tuple(self._watchers):
            watcher.joined(member)
        log.info("member joined", conferencecall_id=member.record.id, members=len(self.members))
        await self.ledger.note_member(member, ConferencecallStatus.JOINED, self.members)

    async def _wait_out(self, member: Member) -> None:
        """Return when the member has to leave, has hung up, or has stayed as long as it may."""
        waits = [asyncio.ensure_future(member.out.wait()), asyncio.ensure_future(member.call.wait_gone())]
        try:
            await asyncio.wait(waits, timeout=MOST_STAY_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _leave(self, member: Member, bridge: Bridge | None) -> None:
        """Undo `stay`, whatever point it had come to; each step also when the one before failed."""
        was_joined, member.is_joined = member.is_joined, False
        try:
            async with AsyncExitStack() as last_steps:
                last_steps.push_async_callback(self._note_left, member, was_joined=was_joined)
                last_steps.push_async_callback(self._take_out, member, bridge)
                if was_joined:
                    for watcher in tuple(self._watchers):
                        watcher.left(member)
                if member.is_stored:
                    await self.ledger.note_member(member, ConferencecallStatus.LEAVING)
        finally:
            del self._everyone[member.record.id]
            member.left.set()
            self.room.touch()
        log.info("member left", conferencecall_id=member.record.id, members=len(self.members))
        if self._on_member_left is not None:
            self._start(self._on_member_left(member.record), f"after conferencecall {member.record.id}")
        if was_joined and self.record.type is ConferenceType.CONNECT and self.is_open and len(self.members) == 1:
            self._start(_closing(self), f"end of conference {self.record.id}")

    async def _note_left(self, member: Member, *, was_joined: bool) -> None:
        if member.is_stored:
            await self.ledger.note_member(member, ConferencecallStatus.LEAVED, self.members if was_joined else None)

    async def _take_out(self, member: Member, bridge: Bridge | None) -> None:
        if bridge is None:
            return
        try:
            if not member.call.is_gone:
                await member.call.make_way()
                await bridge.remove(member.call.channel_id)
        except CallscribeError as error:
            # A bridge that is gone holds nobody; one that cannot be reached goes with the room.
            log.info("a member was not taken out of the bridge", reason=error.message)

    async def _empty(self) -> None:
        """Send everybody out and wait, within a time-out: who does not go is cut off with the room."""
        members = list(self._everyone.values())
        for member in members:
            self.send_out(member)
        waits = [asyncio.ensure_future(member.left.wait()) for member in members]
        if waits:
            _, late = await asyncio.wait(waits, timeout=LEAVE_SECONDS)
            for wait in late:
                wait.cancel()
            if late:
                log.error("members did not leave in time", conference_id=self.record.id, late=len(late))

    def _note_lost(self, channel_id: str | None) -> None:
        """The bridge is gone, or one channel left it by itself: those members are out."""
        for member in tuple(self.members.values()):
            if channel_id is not None and member.call.channel_id != channel_id:
                continue
            if not member.out.is_set():
                self._start(self._settle_lost(member), f"lost conferencecall {member.record.id}")

    async def _settle_lost(self, member: Member) -> None:
        """Let a member go whose channel left the bridge: most often it has hung up, and its call tells so soon."""
        try:
            async with asyncio.timeout(HANG_UP_SECONDS):
                await member.call.wait_gone()
        except TimeoutError:
            log.warning("a member was taken out of the bridge by somebody else", conferencecall_id=member.record.id)
        self.send_out(member)

    def _require_open(self) -> None:
        if not self.is_open:
            raise StateInvalid(
                f"the conference {self.record.id} is {self.record.status}", status=str(self.record.status)
            )


async def _closing(conference: LiveConference) -> None:
    await conference.close()
