"""An agent's status as calls change it: free, rung, talking; what the agent sets meanwhile is not overwritten."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from app.domain.customer import Agent, AgentStatus
from app.domain.events import Event, EventType
from app.domain.timestamps import now
from app.journal.journal import Journal
from app.store.store import Transaction


async def change_agent_status(
    journal: Journal, agent_id: str, status: AgentStatus, *, while_in: Collection[AgentStatus]
) -> Agent | None:
    """Set an agent's status where it is one of `while_in`, and tell it; the agent then, None where it is another."""
    changed: list[Agent] = []

    async def write(tx: Transaction) -> Sequence[Event]:
        agent = await tx.agents.get_by_id(agent_id)
        if agent is None or agent.tm_delete is not None or agent.status not in while_in:
            return ()
        changed.append(replace(agent, status=status, tm_update=now()))
        await tx.agents.update(changed[0])
        return (Event(EventType.AGENT_STATUS_UPDATED, changed[0]),)

    await journal.commit(write)
    return changed[0] if changed else None
