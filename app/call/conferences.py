"""All conferences: made, changed and ended here, joined by calls, and opened again where they are only stored."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from app.ari.ari import Ari
from app.call.conference import LEAVE_SECONDS, LiveConference
from app.call.live_call import LiveCall
from app.call.ports import ConferenceJournal
from app.domain.conference import Conference, Conferencecall, ConferenceStatus, ConferenceType
from app.domain.events import EventType
from app.domain.ids import ZERO_ID, new_direct_hash, new_id
from app.domain.timestamps import now
from app.errors import AlreadyExists, CallscribeError, NotFound
from app.logs import get_log
from app.owned_tasks import OwnedTasks
from app.store.store import Store

log = get_log("conference")

SHORTEST_TIMEOUT_SECONDS = 60
DEFAULT_TIMEOUT_SECONDS = 86_400
RETRY_SECONDS = 60.0

OnLeft = Callable[[Conferencecall], Coroutine[Any, Any, None]]
"""Called after a member has left, in a task that nobody waits for: what runs the conference's post-flow."""


@dataclass(frozen=True, slots=True)
class ConferenceFields:
    """What a conference is made of and what can be changed; `type` only when it is made. `timeout` in seconds."""

    name: str = ""
    detail: str = ""
    type: ConferenceType = ConferenceType.CONFERENCE
    timeout: int = 0
    data: Mapping[str, object] = field(default_factory=dict)
    pre_flow_id: str = ZERO_ID
    post_flow_id: str = ZERO_ID


class Conferences:
    """The conferences; `run` owns their rooms and ends those whose time is over.

    What is progressing in the store is the truth; a live object is made when one is used and forgotten when it is not.
    """

    def __init__(self, ari: Ari, journal: ConferenceJournal, store: Store, *, on_left: OnLeft | None = None) -> None:
        self._ari = ari
        self._journal = journal
        self._store = store
        self._on_left = on_left
        self._live: dict[str, LiveConference] = {}
        self._loading = asyncio.Lock()
        self._ends: dict[str, datetime] = {}
        self._ends_changed = asyncio.Event()
        self._tasks = OwnedTasks("the program is ending")

    def __len__(self) -> int:
        return len(self._live)

    def __iter__(self) -> Iterator[LiveConference]:
        return iter(tuple(self._live.values()))

    async def run(self) -> None:
        """Own the rooms until cancelled, and end conferences in time; cancel only when no call lives."""
        for conference in await self._store.conferences.list_live():
            self._note_end(conference)
        async with self._tasks.open():
            await self._end_in_time()

    def owns(self, asterisk_object_id: str) -> bool:
        """Whether a bridge of ours is the room of a conference that is used."""
        return any(
            conference.bridge_id == asterisk_object_id and conference.room.is_open for conference in self._live.values()
        )

    async def create(self, customer_id: str, fields: ConferenceFields, *, conference_id: str = "") -> Conference:
        """Make a conference; its room opens with its first use. AlreadyExists when `conference_id` does."""
        if conference_id and await self._store.conferences.get_by_id(conference_id) is not None:
            raise AlreadyExists(f"there is a conference with the id {conference_id} already", id=conference_id)
        moment = now()
        record = Conference(
            id=conference_id or new_id(),
            customer_id=customer_id,
            type=fields.type,
            status=ConferenceStatus.PROGRESSING,
            name=fields.name,
            detail=fields.detail,
            data=fields.data,
            timeout=_timeout(fields.timeout),
            pre_flow_id=fields.pre_flow_id or ZERO_ID,
            post_flow_id=fields.post_flow_id or ZERO_ID,
            direct_hash=new_direct_hash(),
            tm_create=moment,
            tm_update=moment,
        )
        record = await self._journal.create(record, EventType.CONFERENCE_CREATED)
        self._note_end(record)
        return record

    async def update(self, conference_id: str, fields: ConferenceFields) -> Conference:
        """Change everything but the type; NotFound."""
        changed = await self.change(
            conference_id,
            name=fields.name,
            detail=fields.detail,
            timeout=_timeout(fields.timeout),
            data=fields.data,
            pre_flow_id=fields.pre_flow_id or ZERO_ID,
            post_flow_id=fields.post_flow_id or ZERO_ID,
        )
        self._note_end(changed)
        return changed

    async def change(self, conference_id: str, **fields: Any) -> Conference:
        """Change fields of a conference's record and tell `conference_updated`; NotFound."""
        async with self._held(conference_id) as conference:
            return await conference.ledger.change(**fields)

    async def delete(self, conference_id: str) -> Conference:
        """Send everybody out, close the room, delete the conference; returns when all that is done. NotFound."""
        async with self._held(conference_id) as conference:
            return await conference.delete()

    async def end(self, conference_id: str) -> Conference:
        """Send everybody out and close the room; the conference stays to be seen, terminated. NotFound."""
        async with self._held(conference_id) as conference:
            return await conference.close()

    async def find(self, conference_id: str) -> LiveConference | None:
        """Return a progressing conference with its room open, None when there is none; AriError when it cannot open."""
        try:
            async with self._held(conference_id) as conference:
                if not conference.is_open:
                    return None
                await conference.room.open()
                return conference
        except NotFound:
            return None

    async def join(self, call: LiveCall, conference_id: str, *, activeflow_id: str = ZERO_ID) -> Conferencecall:
        """Let a call into a conference of its customer; returns when it is out again and the call lives.

        Raises NotFound, StateInvalid (it has ended), LegGone when the party hung up, AriError when there is no room.
        """
        async with self._held(conference_id) as conference:
            if conference.record.customer_id != call.record.customer_id:
                raise NotFound("conference", conference_id)
            return await conference.stay(call, activeflow_id)

    async def kick(self, conferencecall_id: str) -> Conferencecall | None:
        """Send one member out and wait until it is; None when no such member is there (any more)."""
        for conference in self:
            member = conference.find_member(conferencecall_id)
            if member is not None:
                conference.send_out(member)
                try:
                    async with asyncio.timeout(LEAVE_SECONDS):
                        await member.left.wait()
                except TimeoutError:
                    log.error("a member did not leave in time", conferencecall_id=conferencecall_id)
                return member.record
        return None

    @asynccontextmanager
    async def _held(self, conference_id: str) -> AsyncIterator[LiveConference]:
        """Yield the one live object of a conference that is not deleted; NotFound. It stays the one while held."""
        # One at a time, so that nobody changes what was read before it is in the register.
        async with self._loading:
            conference = self._live.get(conference_id) or await self._load(conference_id)
            conference.holders += 1
        try:
            yield conference
        finally:
            conference.holders -= 1
            self._forget(conference)

    async def _load(self, conference_id: str) -> LiveConference:
        stored = await self._store.conferences.get_by_id(conference_id)
        if stored is None or stored.tm_delete is not None:
            raise NotFound("conference", conference_id)
        conference = LiveConference(
            stored, self._ari, self._journal, start=self._start, on_left=self._on_left, on_idle=self._forget
        )
        self._live[conference_id] = conference
        return conference

    def _forget(self, conference: LiveConference) -> None:
        """Drop the object of a conference that nobody uses; the store has all of it."""
        is_over = conference.record.status is ConferenceStatus.TERMINATED and conference.holders == 0
        if not conference.room.is_open and (is_over or not conference.is_used):
            self._live.pop(conference.record.id, None)
        if not conference.is_open:
            self._ends.pop(conference.record.id, None)

    def _start(self, work: Coroutine[Any, Any, None], name: str) -> "asyncio.Task[None] | None":
        if not self._tasks.is_open:
            work.close()
            return None
        return self._tasks.start(_isolated(work), name)

    def _note_end(self, conference: Conference) -> None:
        if conference.timeout and conference.status is ConferenceStatus.PROGRESSING:
            self._ends[conference.id] = conference.tm_create + timedelta(seconds=conference.timeout)
        else:
            self._ends.pop(conference.id, None)
        self._ends_changed.set()

    async def _end_in_time(self) -> None:
        """End every conference when its time is over, until cancelled."""
        while True:
            self._ends_changed.clear()
            moment = now()
            for conference_id in [each for each, end in self._ends.items() if end <= moment]:
                self._ends[conference_id] = moment + timedelta(seconds=RETRY_SECONDS)
                self._start(self._end_by_time(conference_id), f"time-out of conference {conference_id}")
            until_next = min(((end - moment).total_seconds() for end in self._ends.values()), default=None)
            try:
                async with asyncio.timeout(until_next):
                    await self._ends_changed.wait()
            except TimeoutError:
                continue

    async def _end_by_time(self, conference_id: str) -> None:
        log.info("a conference has reached its time-out", conference_id=conference_id)
        try:
            await self.end(conference_id)
        except NotFound:
            self._ends.pop(conference_id, None)


async def _isolated(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except CallscribeError as error:
        log.warning("something for a conference failed", reason=error.message)
    except Exception:
        # The isolation boundary between conferences: this one has lost something, the others go on.
        log.exception("something for a conference broke")


def _timeout(seconds: int) -> int:
    """Return the time-out that counts: contract 4.1 makes less than a minute a day, 0 is none."""
    return DEFAULT_TIMEOUT_SECONDS if 0 < seconds < SHORTEST_TIMEOUT_SECONDS else seconds
