"""Whom a simulated call meets: called parties, agents of queues, conferences, and what is found in its sound."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from app.domain.call import Address, AnsweredBy
from app.domain.ids import ZERO_ID, new_id
from app.domain.queue import Queue
from app.domain.timestamps import now
from app.errors import StateInvalid
from app.flow.ports import (
    ConnectResult,
    ExternalMediaOrder,
    FlowCallOrder,
    PreFlow,
    QueueEntry,
    QueueResult,
)
from app.flow.script import ConnectOutcome, Outcomes, QueueOutcome, Script
from app.flow.simulated_call import Tell

_RING_SECONDS = 3.0
_UNANSWERED_SECONDS = 30.0
_TALK_SECONDS = 30.0
_WAIT_SECONDS = 10.0
_MEETING_SECONDS = 60.0
_AMD_SECONDS = 3.0


def name_address(address: Address | None) -> str:
    """Return a short form of an address: `extension 1001`."""
    if address is None:
        return "nobody"
    return f"{address.type.value} {address.target_name or address.target or address.name}".strip()


class SimulatedParties:
    """Answers what the script says (ConnectControl, QueueControl, ConferenceControl, SoundControl, CallPlacing)."""

    def __init__(self, script: Script, tell: Tell) -> None:
        self._script = script
        self._tell = tell
        self._outcomes = Outcomes()

    async def connect(
        self,
        call_id: str,
        source: Address | None,
        destinations: Sequence[Address],
        *,
        anonymous: str,
        is_early_media: bool,
    ) -> ConnectResult:
        """Ring all destinations; the first one answers, or nobody does."""
        self._tell(f"rung: {', '.join(map(name_address, destinations))}")
        outcome = self._outcomes.take("connect", self._script.connects)
        if outcome is not ConnectOutcome.ANSWERED:
            is_slow = outcome is ConnectOutcome.NOANSWER
            await asyncio.sleep(_UNANSWERED_SECONDS if is_slow else _RING_SECONDS)
            self._tell(f"nobody answers: {outcome.value}")
            return ConnectResult(is_answered=False, reason=outcome.value, call_id="")
        await asyncio.sleep(_RING_SECONDS)
        self._tell(f"{name_address(destinations[0])} answers")
        await asyncio.sleep(_TALK_SECONDS)
        self._tell(f"{name_address(destinations[0])} hangs up")
        return ConnectResult(is_answered=True, reason="normal", call_id=new_id())

    async def enter(self, call_id: str, queue_id: str, *, activeflow_id: str) -> QueueEntry:
        """Come into a queue with the script's wait flow: which one it has is known to the API only."""
        self._tell(f"the caller waits in the queue {queue_id}")
        moment = now()
        queue = Queue(id=new_id(), customer_id=ZERO_ID, name=queue_id, tm_create=moment, tm_update=moment)
        wait_flow = self._script.wait_flow
        if wait_flow is None:
            return QueueEntry(queue, new_id())
        return QueueEntry(queue, new_id(), wait_flow.actions, wait_flow.id)

    async def wait(self, queuecall_id: str, play: Callable[[], Awaitable[None]] | None) -> QueueResult:
        """Wait, and talk with an agent where one answers; StateInvalid when the wait flow ends the waiting."""
        outcome = self._outcomes.take("queue", self._script.queues)
        playing = None if play is None else asyncio.ensure_future(play())
        try:
            if playing is None:
                await asyncio.sleep(_WAIT_SECONDS)
            else:
                await asyncio.wait({playing}, timeout=_WAIT_SECONDS)
                if playing.done():
                    playing.result()
                    raise StateInvalid("the wait flow has ended before an agent was free")
        finally:
            if playing is not None:
                playing.cancel()
                await asyncio.gather(playing, return_exceptions=True)
        if outcome is not QueueOutcome.ANSWERED:
            self._tell(f"no agent has answered: {outcome.value}")
            return QueueResult("abandoned", outcome.value, ZERO_ID)
        self._tell("an agent answers")
        await asyncio.sleep(_TALK_SECONDS)
        self._tell("the agent hangs up")
        return QueueResult("done", "", new_id())

    async def find_pre_flow(self, customer_id: str, conference_id: str) -> PreFlow:
        """Return the script's one: which pre-flow a conference has is known to the API only."""
        pre_flow = self._script.pre_flow
        return PreFlow() if pre_flow is None else PreFlow(pre_flow.actions, pre_flow.id)

    async def join(self, call_id: str, conference_id: str, *, activeflow_id: str) -> None:
        """Be in a conference for a minute."""
        self._tell(f"the caller is in the conference {conference_id}")
        await asyncio.sleep(_MEETING_SECONDS)
        self._tell("the conference has ended")

    async def echo(self, call_id: str, *, seconds: float) -> None:
        """Let the party hear itself."""
        self._tell(f"the caller hears itself for {seconds:g} s")
        await asyncio.sleep(seconds)

    async def detect_answer(self, call_id: str) -> AnsweredBy:
        """Find what the script says."""
        await asyncio.sleep(_AMD_SECONDS)
        self._tell(f"answered by: {self._script.answered_by.value}")
        return self._script.answered_by

    async def place(self, order: FlowCallOrder) -> Sequence[str]:
        """Tell who is called."""
        self._tell(f"called, each in a call of its own: {', '.join(map(name_address, order.destinations))}")
        return [new_id() for _ in order.destinations]


class SimulatedExternalMedia:
    """Sound that goes nowhere (ExternalMediaControl)."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell

    async def start(self, call_id: str, order: ExternalMediaOrder) -> str:
        """Tell where the sound would go."""
        self._tell(f"the sound goes to {order.external_host} ({order.encapsulation}, {order.format})")
        return new_id()

    async def stop(self, call_id: str) -> None:
        """Tell that it ends."""
        self._tell("no sound goes elsewhere any more")
