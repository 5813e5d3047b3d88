"""Queues that live: callers wait, free agents are rung for them in turn, the one who answers talks with the caller."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from app.ari.release import finish
from app.call.agent_ringing import AgentRinging, Reach, choose_agent
from app.call.connect import Connector
from app.call.live_call import LiveCall
from app.call.outbound import Outbound
from app.call.party import FAILED, ConnectOutcome
from app.call.queue_stay import Served, Stay
from app.call.wait_any import wait_any
from app.domain.customer import Agent
from app.domain.events import EventType
from app.domain.ids import ZERO_ID, new_id
from app.domain.queue import Queue, Queuecall, QueuecallStatus
from app.domain.timestamps import now
from app.errors import CallscribeError, LegGone, StateInvalid, Unavailable
from app.journal.journal import Journal
from app.logs import get_log
from app.owned_tasks import OwnedTasks
from app.store.store import Store

log = get_log("queue")

LOOK_SECONDS = 1.0
"""How often is looked for a free agent while somebody waits: agents come by the API too."""
MOST_WAITING = 1000
"""How many callers may be in all queues at once."""
_REFUSAL = "no caller can be put into a queue now"

Wait = Callable[[], Awaitable[None]]
"""What the caller hears while it waits; cancelled when an agent answers. It does not return by itself."""


@dataclass(frozen=True, slots=True)
class QueueOutcome:
    """How a stay ended: the record; `reason` is "" after a service, else timeout, kicked or closed."""

    record: Queuecall
    reason: str = ""


class Queues:
    """The register of callers in queues; it owns the ringing of agents."""

    def __init__(self, journal: Journal, store: Store, outbound: Outbound, connector: Connector, reach: Reach) -> None:
        self._journal = journal
        self._store = store
        self._connector = connector
        self._agents = AgentRinging(journal, outbound, reach)
        self._stays: dict[str, Stay] = {}
        """By queuecall id, the first who came first."""
        self._news = asyncio.Event()
        self._tasks = OwnedTasks(_REFUSAL)

    async def run(self) -> None:
        """Find agents for those who wait, until cancelled; cancel only when no call lives."""
        async with self._tasks.open():
            while True:
                await self._match_safely()
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS if self._stays else None):
                        await self._news.wait()
                self._news.clear()

    async def enter(self, call: LiveCall, queue: Queue, activeflow_id: str) -> Stay:
        """Put a caller at the end of a queue; then `stay` must be awaited. Unavailable when there are too many."""
        if not self._tasks.is_open or len(self._stays) >= MOST_WAITING:
            raise Unavailable(_REFUSAL)
        moment = now()
        record = await self._journal.create(
            Queuecall(
                id=new_id(),
                customer_id=call.record.customer_id,
                queue_id=queue.id,
                reference_id=call.record.id,
                status=QueuecallStatus.INITIATING,
                tm_create=moment,
                tm_update=moment,
                activeflow_id=activeflow_id,
                timeout_wait=queue.wait_timeout,
                timeout_service=queue.service_timeout,
            ),
            EventType.QUEUECALL_CREATED,
        )
        return Stay(record, queue, call, self._journal, asyncio.get_running_loop().create_future())

    async def stay(self, stay: Stay, wait: Wait) -> QueueOutcome:
        """Wait for an agent and talk with it; returns when that is over, or waiting is. LegGone when it hangs up."""
        log.info("a caller waits in a queue", queuecall_id=stay.record.id, queue_id=stay.queue.id)
        waiting = asyncio.ensure_future(wait())
        try:
            await stay.change(QueuecallStatus.WAITING)
            self._stays[stay.record.id] = stay
            self._news.set()
            reason = await self._wait_agent(stay, waiting)
            if reason == "":
                reason = await self._talk(stay, stay.served.result(), waiting)
        finally:
            # To the end also when the caller hung up, which cancels this.
            await finish(self._leave(stay, waiting))
        return QueueOutcome(stay.record, reason)

    def find(self, queuecall_id: str) -> Stay | None:
        """Return the live stay of this id, or None."""
        return self._stays.get(queuecall_id)

    async def wait_over(self, queuecall_id: str) -> None:
        """Return when a stay is over."""
        stay = self._stays.get(queuecall_id)
        if stay is not None:
            await stay.over.wait()

    async def kick(self, queuecall_id: str) -> bool:
        """Send a caller out of its queue, or end its talk with the agent; its flow goes on. False when it is over."""
        stay = self._stays.get(queuecall_id)
        if stay is None:
            return False
        if not stay.kicked.is_set():
            stay.kicked.set()
            await stay.change(QueuecallStatus.KICKING)
        return True

    async def _wait_agent(self, stay: Stay, waiting: "asyncio.Future[None]") -> str:
        """Wait for an answer; "" when there is one, else why not."""
        limit = stay.queue.wait_timeout / 1000 or None
        try:
            async with asyncio.timeout(limit):
                await wait_any(
                    asyncio.shield(stay.served), stay.kicked.wait(), stay.call.wait_gone(), asyncio.shield(waiting)
                )
        except TimeoutError:
            return "timeout"
        if stay.call.is_gone:
            raise LegGone("the caller has hung up in the queue")
        if stay.is_served:
            return ""
        if stay.kicked.is_set():
            return "kicked"
        waiting.result()  # what the wait flow raised
        raise StateInvalid("the wait flow has ended before an agent was free")

    async def _talk(self, stay: Stay, served: Served, waiting: "asyncio.Future[None]") -> str:
        await _end(waiting)
        await stay.change(QueuecallStatus.SERVICE, agent_id=served.agent.id)
        talking = asyncio.ensure_future(self._connector.talk(stay.call, served.party))
        limit = stay.queue.service_timeout / 1000 or None
        try:
            reason = await self._follow_talk(stay, talking, limit)
            if reason:
                await self._connector.part(stay.call.record.id)
            await talking
            return reason
        finally:
            await _end(talking)

    async def _follow_talk(self, stay: Stay, talking: "asyncio.Future[ConnectOutcome]", limit: float | None) -> str:
        try:
            async with asyncio.timeout(limit):
                await wait_any(asyncio.shield(talking), stay.kicked.wait())
        except TimeoutError:
            log.info("the time of service is over", queuecall_id=stay.record.id)
            return "timeout"
        return "" if talking.done() else "kicked"

    async def _leave(self, stay: Stay, waiting: "asyncio.Future[None]") -> None:
        self._stays.pop(stay.record.id, None)
        if stay.ringing is not None:
            await _end(stay.ringing)
        await _end(waiting)
        agent_id = stay.record.service_agent_id
        if stay.is_served:
            stay.served.result().party.let_go(FAILED)
        await stay.conclude()
        if stay.is_served and agent_id != ZERO_ID:
            await self._agents.free(agent_id)
            self._news.set()
        stay.over.set()
        log.info("a caller left a queue", queuecall_id=stay.record.id, status=str(stay.record.status))

    async def _match_safely(self) -> None:
        try:
            await self._match()
        except CallscribeError as error:
            log.warning("no agent could be looked for now", reason=error.message)

    async def _match(self) -> None:
        """Begin to ring a free agent for each who waits, the first who came first."""
        taken = {stay.agent_id for stay in self._stays.values()}
        for stay in tuple(self._stays.values()):
            if stay.is_served or stay.kicked.is_set() or (stay.ringing is not None and not stay.ringing.done()):
                continue
            free = await self._store.agents.list_available(stay.record.customer_id)
            agent = choose_agent(stay, [each for each in free if each.id not in taken])
            if agent is None or stay.record.id not in self._stays:
                continue
            taken.add(agent.id)
            stay.ringing = self._tasks.start(self._ring(stay, agent), name=f"ring agent {agent.id}")

    async def _ring(self, stay: Stay, agent: Agent) -> None:
        try:
            await self._agents.ring(stay, agent)
        except LegGone:
            pass  # the caller has hung up
        except CallscribeError as error:
            log.warning("an agent could not be rung", agent_id=agent.id, reason=error.message)
        finally:
            self._news.set()


async def _end(task: "asyncio.Future[Any]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
