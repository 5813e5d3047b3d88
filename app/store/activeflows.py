"""Activeflows in the store: the cursor of every execution."""

from sqlalchemy import select

from app.domain.flow import Activeflow, ActiveflowStatus
from app.store.resource_table import ResourceTable
from app.store.schema import ACTIVEFLOWS


class Activeflows(ResourceTable[Activeflow]):
    """All executions of flows, ended ones too."""

    table = ACTIVEFLOWS
    kind = Activeflow
    word = "activeflow"

    async def list_running(self) -> tuple[Activeflow, ...]:
        """Return the executions of all customers that have not ended, oldest first."""
        running = ACTIVEFLOWS.c.status == ActiveflowStatus.RUNNING
        return await self._all(select(ACTIVEFLOWS).where(running).order_by(ACTIVEFLOWS.c.tm_create))
