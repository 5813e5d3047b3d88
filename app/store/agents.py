"""Agents in the store."""

from sqlalchemy import RowMapping, select

from app.domain.customer import Agent, Permission
from app.store.resource_table import ResourceTable, Row
from app.store.schema import AGENTS


class Agents(ResourceTable[Agent]):
    """The people who log in. A username exists once in the whole store: a login names no customer."""

    table = AGENTS
    word = "agent"

    def to_row(self, item: Agent) -> Row:
        """Return the columns of an agent."""
        return {
            "id": item.id,
            "customer_id": item.customer_id,
            "username": item.username,
            "password_hash": item.password_hash,
            "name": item.name,
            "detail": item.detail,
            "permission": int(item.permission),
            "tm_create": item.tm_create,
            "tm_update": item.tm_update,
            "tm_delete": item.tm_delete,
        }

    def from_row(self, row: RowMapping) -> Agent:
        """Return the agent that the columns stand for."""
        return Agent(**{**row, "permission": Permission(row["permission"])})

    async def get_by_username(self, username: str) -> Agent | None:
        """Return the agent that logs in by this name, deleted ones too; None when there is none."""
        return await self._first(select(AGENTS).where(AGENTS.c.username == username))
