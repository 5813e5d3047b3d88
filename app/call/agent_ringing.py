"""Agents of queues: who is rung next for a caller, and the ringing, which the agent's status tells."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence

from app.ari.release import finish
from app.call.agent_status import change_agent_status
from app.call.live_call import LiveCall
from app.call.outbound import Outbound, OutgoingCall
from app.call.queue_stay import Served, Stay
from app.call.ringing import open_ringing
from app.domain.customer import Agent, AgentStatus, RingMethod
from app.domain.ids import ZERO_ID
from app.domain.queue import QueuecallStatus, RoutingMethod
from app.journal.journal import Journal
from app.logs import get_log

log = get_log("queue")

RETRY_SECONDS = 5.0
"""How long an agent who did not answer is left alone by the same caller where there is no other."""

Reach = Callable[[LiveCall, Agent], Awaitable[Sequence[OutgoingCall]]]
"""Gives the calls that reach an agent, for a caller; InvalidArgument when there is no way."""


class AgentRinging:
    """Rings agents for those who wait."""

    def __init__(self, journal: Journal, outbound: Outbound, reach: Reach) -> None:
        self._journal = journal
        self._outbound = outbound
        self._reach = reach

    async def ring(self, stay: Stay, agent: Agent) -> None:
        """Ring one agent; the stay is served when it has answered, else the agent is free again. CallscribeError."""
        stay.tried[agent.id] = asyncio.get_running_loop().time()
        callees = await self._reach(stay.call, agent)
        free = {AgentStatus.AVAILABLE}
        if await change_agent_status(self._journal, agent.id, AgentStatus.RINGING, while_in=free) is None:
            return
        try:
            await stay.change(QueuecallStatus.CONNECTING, agent_id=agent.id)
            is_in_turn = agent.ring_method is RingMethod.LINEAR
            for attempt in [[each] for each in callees] if is_in_turn else [list(callees)]:
                async with open_ringing(self._outbound, stay.call) as ringing:
                    await ringing.place(attempt)
                    winner = await ringing.wait_winner()
                if winner is not None:
                    await change_agent_status(self._journal, agent.id, AgentStatus.BUSY, while_in={AgentStatus.RINGING})
                    stay.served.set_result(Served(agent, winner))
                    return
            stay.tried[agent.id] = asyncio.get_running_loop().time()
            log.info("an agent did not answer", agent_id=agent.id, queuecall_id=stay.record.id)
            if not stay.kicked.is_set():
                await stay.change(QueuecallStatus.WAITING, agent_id=ZERO_ID)
        finally:
            if not stay.is_served:
                await finish(self.free(agent.id))

    async def free(self, agent_id: str) -> None:
        """The agent takes calls again, unless it has set another status meanwhile."""
        was = {AgentStatus.RINGING, AgentStatus.BUSY}
        await change_agent_status(self._journal, agent_id, AgentStatus.AVAILABLE, while_in=was)


def choose_agent(stay: Stay, free: Sequence[Agent]) -> Agent | None:
    """Return the agent to ring; those who were rung already for this caller only when there is no other."""
    tags = set(stay.queue.tag_ids)
    able = [agent for agent in free if agent.addresses and (not tags or tags.intersection(agent.tag_ids))]
    fresh = [agent for agent in able if agent.id not in stay.tried]
    if not fresh:
        limit = asyncio.get_running_loop().time() - RETRY_SECONDS
        fresh = [agent for agent in able if stay.tried[agent.id] < limit]
    if not fresh:
        return None
    return fresh[0] if stay.queue.routing_method is RoutingMethod.LONGEST_IDLE else random.choice(fresh)  # noqa: S311
