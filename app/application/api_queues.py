"""Queues for the API, and for flows that let callers wait in them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from app.application.api_flows import ApiFlows
from app.application.dialling import Dialling
from app.call.live_call import LiveCall
from app.call.live_calls import LiveCalls
from app.call.outbound import OutgoingCall
from app.call.queue_stay import Stay
from app.call.queues import Queues
from app.domain.call import Address, AddressType
from app.domain.customer import Agent
from app.domain.events import EventType
from app.domain.ids import ZERO_ID
from app.domain.queue import Queuecall
from app.domain.timestamps import now
from app.errors import LegGone, NotFound
from app.flow.ports import QueueEntry, QueueResult
from app.journal.journal import Journal
from app.logs import get_log
from app.store.store import Store

log = get_log("queue")


class ApiQueues:
    """What the API does with live queuecalls (QueuePort)."""

    def __init__(self, queues: Queues, store: Store, journal: Journal) -> None:
        self._queues = queues
        self._store = store
        self._journal = journal

    async def kick(self, stay: Queuecall) -> Queuecall:
        """Send a caller out of its queue, or end its talk; one that is over is returned as it is."""
        await self._queues.kick(stay.id)
        return await self._store.queuecalls.get(stay.customer_id, stay.id) or stay

    async def delete(self, stay: Queuecall) -> Queuecall:
        """End a stay where it lives, and delete it."""
        await self._queues.kick(stay.id)
        await self._queues.wait_over(stay.id)
        current = await self._store.queuecalls.get(stay.customer_id, stay.id) or stay
        deleted = replace(current, tm_delete=now(), tm_update=now())
        await self._journal.change(deleted, EventType.QUEUECALL_DELETED)
        return deleted


class FlowQueues:
    """Queues for the action queue_join (QueueControl)."""

    def __init__(self, *, queues: Queues, live_calls: LiveCalls, flows: ApiFlows, store: Store) -> None:
        self._queues = queues
        self._live_calls = live_calls
        self._flows = flows
        self._store = store
        self._entered: dict[str, Stay] = {}

    async def enter(self, call_id: str, queue_id: str, *, activeflow_id: str) -> QueueEntry:
        """Put a call at the end of a queue; a wait flow that was deleted meanwhile is none."""
        call = self._live_calls.find(call_id)
        if call is None:
            raise LegGone("the call has ended")
        queue = await self._store.queues.find(call.record.customer_id, queue_id)
        if queue is None or queue.tm_delete is not None:
            raise NotFound("queue", queue_id)
        flow = None
        if queue.wait_flow_id != ZERO_ID:
            flow = await self._flows.find(call.record.customer_id, queue.wait_flow_id)
            if flow is None:
                log.warning("the wait flow of a queue is not there", queue_id=queue.id)
        stay = await self._queues.enter(call, queue, activeflow_id)
        self._entered[stay.record.id] = stay
        if flow is None:
            return QueueEntry(queue, stay.record.id)
        return QueueEntry(queue, stay.record.id, flow.actions, flow.id)

    async def wait(self, queuecall_id: str, play: Callable[[], Awaitable[None]] | None) -> QueueResult:
        """Wait for an agent, talk with it."""
        stay = self._entered.pop(queuecall_id)

        async def hear_music() -> None:
            await stay.call.sound.music(is_on=True)
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                if not stay.call.is_gone:
                    await stay.call.sound.music(is_on=False)

        outcome = await self._queues.stay(stay, play or hear_music)
        return QueueResult(outcome.record.status.value, outcome.reason, outcome.record.service_agent_id)


class AgentReach:
    """How an agent is called for a caller: at the agent's addresses."""

    def __init__(self, dialling: Dialling) -> None:
        self._dialling = dialling

    async def __call__(self, call: LiveCall, agent: Agent) -> Sequence[OutgoingCall]:
        """Return the calls that reach the agent; InvalidArgument when there is no way."""
        destination = Address(AddressType.AGENT, agent.id, name=agent.name)
        callees = await self._dialling.callees(call.record.customer_id, call.record.source, (destination,))
        return [replace(callee, owner_type="agent", owner_id=agent.id) for callee in callees]
