"""Agents in the store."""

from sqlalchemy import select

from app.domain.customer import Agent, AgentStatus
from app.store.resource_table import ResourceTable
from app.store.schema import AGENTS


class Agents(ResourceTable[Agent]):
    """The people who log in. Among those not deleted a username exists once in the store: a login names no customer."""

    table = AGENTS
    kind = Agent
    word = "agent"

    async def list_available(self, customer_id: str) -> tuple[Agent, ...]:
        """Return the customer's agents who take calls now, the one first whose row was not changed for longest."""
        columns = AGENTS.c
        free = select(AGENTS).where(
            columns.customer_id == customer_id, columns.tm_delete.is_(None), columns.status == AgentStatus.AVAILABLE
        )
        return await self._all(free.order_by(columns.tm_update))

    async def get_by_username(self, username: str) -> Agent | None:
        """Return the agent that logs in by this name, else the last deleted one that did; None when there is none."""
        columns = AGENTS.c
        named = select(AGENTS).where(columns.username == username)
        return await self._first(named.order_by(columns.tm_delete.is_not(None), columns.tm_create.desc()))
