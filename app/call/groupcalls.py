"""Groupcalls that live: several legs dialled at once or in turn; the first that answers has the conversation."""

import asyncio
from dataclasses import dataclass, replace

from app.call.call_scope import hang_up_safely
from app.call.live_call import LiveCall
from app.call.outbound import Outbound, OutgoingCall
from app.call.ports import OnCall
from app.domain.call import HangupReason
from app.domain.customer import RingMethod
from app.domain.events import EventType
from app.domain.groupcall import Groupcall, GroupcallStatus
from app.domain.timestamps import now
from app.errors import CallscribeError
from app.journal.journal import Journal
from app.logs import get_log
from app.owned_tasks import OwnedTasks

log = get_log("call")


@dataclass(slots=True)
class LiveGroupcall:
    """One groupcall while it lives."""

    record: Groupcall
    on_call: OnCall
    calls: list[LiveCall]
    ended: asyncio.Event
    is_over: bool = False
    winner: LiveCall | None = None


class Groupcalls:
    """The register of live groupcalls; it owns their tasks."""

    def __init__(self, outbound: Outbound, journal: Journal) -> None:
        self._outbound = outbound
        self._journal = journal
        self._by_id: dict[str, LiveGroupcall] = {}
        self._tasks = OwnedTasks("no call can be made now: the program is ending")

    async def run(self) -> None:
        """Own the tasks until cancelled; cancel only when no call lives."""
        await self._tasks.run()

    async def place(self, record: Groupcall, legs: tuple[OutgoingCall, ...], on_call: OnCall) -> Groupcall:
        """Store a groupcall and dial its legs: all at once, or the first; `on_call` runs for the one that answers.

        A leg that cannot be placed counts as one that did not answer. Returns when the first legs are dialled.
        """
        self._tasks.require_open()
        stored = await self._journal.create(record, EventType.GROUPCALL_CREATED, EventType.GROUPCALL_PROGRESSING)
        group = LiveGroupcall(stored, on_call, [], asyncio.Event())
        self._by_id[stored.id] = group
        dialled = asyncio.Event()
        self._tasks.start(self._run(group, legs, dialled), name=f"groupcall {stored.id}")
        await dialled.wait()
        return group.record

    def find(self, groupcall_id: str) -> LiveGroupcall | None:
        """Return the live groupcall of this id, or None."""
        return self._by_id.get(groupcall_id)

    async def hang_up(self, group: LiveGroupcall) -> None:
        """Hang up all its legs; it ends when the last is gone."""
        if not group.is_over:
            group.is_over = True
            await self._change(group, replace(group.record, status=GroupcallStatus.HANGINGUP))
        await asyncio.gather(*(hang_up_safely(call, HangupReason.NORMAL) for call in group.calls if not call.is_gone))

    async def _run(self, group: LiveGroupcall, legs: tuple[OutgoingCall, ...], dialled: asyncio.Event) -> None:
        try:
            if group.record.ring_method is RingMethod.RING_ALL:
                for leg in legs:
                    await self._dial(group, leg)
                dialled.set()
                await asyncio.gather(*(self._follow(group, call) for call in group.calls))
            else:
                for index, leg in enumerate(legs):
                    if group.is_over or group.winner is not None:
                        break
                    group.record = replace(group.record, dial_index=index)
                    call = await self._dial(group, leg)
                    dialled.set()
                    if call is not None:
                        await self._follow(group, call)
        finally:
            dialled.set()
            del self._by_id[group.record.id]
            ended = replace(group.record, status=GroupcallStatus.HANGUP, call_count=0, tm_update=now())
            group.record = ended
            await self._journal.change(ended, EventType.GROUPCALL_HANGUP)
            group.ended.set()

    async def _dial(self, group: LiveGroupcall, leg: OutgoingCall) -> LiveCall | None:
        async def on_answer(call: LiveCall) -> None:
            if group.winner is not None or group.is_over:
                return  # too late: the end of its flow hangs it up
            group.winner = call
            await self._change(group, replace(group.record, answer_call_id=call.record.id))
            others = [other for other in group.calls if other is not call and not other.is_gone]
            await asyncio.gather(*(hang_up_safely(other, HangupReason.NORMAL) for other in others))
            await group.on_call(call)

        try:
            call = await self._outbound.place(replace(leg, on_call=on_answer, groupcall_id=group.record.id))
        except CallscribeError as error:
            log.warning("a leg of a groupcall could not be dialled", reason=error.message)
            return None
        group.calls.append(call)
        grown = (*group.record.call_ids, call.record.id)
        await self._change(group, replace(group.record, call_ids=grown, call_count=group.record.call_count + 1))
        return call

    async def _follow(self, group: LiveGroupcall, call: LiveCall) -> None:
        await call.wait_ended()
        group.record = replace(group.record, call_count=max(0, group.record.call_count - 1))

    async def _change(self, group: LiveGroupcall, record: Groupcall) -> None:
        group.record = replace(record, tm_update=now())
        await self._journal.change(group.record)
