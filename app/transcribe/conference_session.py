"""A transcribe of a conference: an ear for each member, who come and go during it; every word has its speaker."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from app.call.conference import LiveConference
from app.call.conference_ledger import Member
from app.domain.ids import ZERO_ID
from app.domain.transcribe import Direction, Transcribe
from app.errors import CallscribeError, LegGone
from app.logs import get_log
from app.transcribe.ear import EarPlan, open_ear, party_of
from app.transcribe.session import OPEN_SECONDS, Session, Totals, first_of
from app.transcribe.session_parts import SessionParts

log = get_log("transcribe")

RETRY_SECONDS = 5.0

ReservePorts = Callable[[str], bool]
ReleasePorts = Callable[[str], None]


@dataclass(slots=True, eq=False)
class _Listening:
    """What is known of the ear of one member: whether it was opened once (or failed to), and whether it has to end."""

    member: Member
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    end: asyncio.Event = field(default_factory=asyncio.Event)


class ConferenceSession(Session):
    """Listens to every member's own voice, so nothing is heard twice; it ends with the conference at the latest.

    A member that cannot be heard (no port, no recognizer) is tried again while it stays; the others are not touched.
    """

    def __init__(
        self,
        record: Transcribe,
        conference: LiveConference,
        parts: SessionParts,
        *,
        end_of_silence_ms: int | None,
        reserve_ports: ReservePorts,
        release_ports: ReleasePorts,
    ) -> None:
        super().__init__(record, parts, end_of_silence_ms=end_of_silence_ms)
        self.conference = conference
        self._reserve_ports = reserve_ports
        self._release_ports = release_ports
        self._listening: dict[str, _Listening] = {}
        self._totals = Totals()

    async def _live(self) -> None:
        with self.conference.attach(self.life.finish):
            await self._announce()
            try:
                await self.conference.note_transcribe(self.record.id)
                async with asyncio.TaskGroup() as ears:

                    def joined(member: Member) -> None:
                        listening = _Listening(member)
                        self._listening[member.record.id] = listening
                        ears.create_task(self._hear(listening), name=f"ear {member.record.id}")

                    with self.conference.watch_members(joined, self._note_left):
                        await self._settle()
                        self.life.be_ready(self.record)
                        await self.life.ending.wait()
                    for listening in self._listening.values():
                        listening.end.set()
            finally:
                await self._conclude(self._totals)
                if self.conference.record.transcribe_id == self.record.id:
                    await self.conference.note_transcribe(ZERO_ID)

    def _note_left(self, member: Member) -> None:
        if (listening := self._listening.get(member.record.id)) is not None:
            listening.end.set()

    async def _settle(self) -> None:
        """Wait until everybody who is there is heard, so that no word is lost to who asked for the transcribe."""
        waits = [asyncio.ensure_future(each.settled.wait()) for each in self._listening.values()]
        if waits:
            _, late = await asyncio.wait(waits, timeout=OPEN_SECONDS)
            for wait in late:
                wait.cancel()

    async def _hear(self, listening: _Listening) -> None:
        """Hear one member from now until it leaves or the session ends; a failure stays this member's own."""
        try:
            while not listening.end.is_set():
                if await self._hear_once(listening):
                    break
                listening.settled.set()
                try:
                    async with asyncio.timeout(RETRY_SECONDS):
                        await listening.end.wait()
                except TimeoutError:
                    continue
        finally:
            listening.settled.set()
            del self._listening[listening.member.record.id]

    async def _hear_once(self, listening: _Listening) -> bool:
        """Open an ear and hear to the end; False when it is worth trying again."""
        member = listening.member
        # Ids of its own, so that two ears of one session never share an object in Asterisk.
        owner_id = f"{self.record.id}-{member.record.id}"
        if not self._reserve_ports(owner_id):
            log.error(
                "a member is not heard: all ports of CALLSCRIBE_RTP_PORTS are in use",
                conferencecall_id=member.record.id,
            )
            return False
        try:
            return await self._listen_to(listening, owner_id)
        except LegGone:
            return True
        except (CallscribeError, TimeoutError) as error:
            log.error("a member is not heard", conferencecall_id=member.record.id, reason=str(error))
            return False
        except Exception:
            # The isolation boundary between members: the others are heard on.
            log.exception("a member's ear broke", conferencecall_id=member.record.id)
            return False
        finally:
            self._release_ports(owner_id)

    async def _listen_to(self, listening: _Listening, owner_id: str) -> bool:
        member = listening.member
        speaker = party_of(member.call, member.record.id)
        plan = EarPlan(member.call, Direction.IN, owner_id, lambda: speaker)
        opening = open_ear(self._parts, self.record, self._zero, plan, end_of_silence_ms=self._end_of_silence_ms)
        async with asyncio.timeout(OPEN_SECONDS) as limit, opening as ear:
            limit.reschedule(None)
            listening.settled.set()
            try:
                async with asyncio.TaskGroup() as lanes:
                    running = lanes.create_task(ear.lane.run())
                    await first_of(listening.end, [running])
                    await ear.flush()
            finally:
                self._totals.add(ear)
            return ear.lane.failure is None
