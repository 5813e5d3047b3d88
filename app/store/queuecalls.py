"""Queuecalls in the store: the stays of calls in queues."""

from datetime import datetime

from sqlalchemy import ColumnElement, select

from app.domain.queue import Queuecall, QueuecallStatus
from app.store.resource_table import MAX_PAGE_SIZE, ResourceTable
from app.store.schema import QUEUECALLS


class Queuecalls(ResourceTable[Queuecall]):
    """All stays, those that are over too."""

    table = QUEUECALLS
    kind = Queuecall
    word = "queuecall"

    async def list(
        self,
        customer_id: str,
        *,
        page_size: int = MAX_PAGE_SIZE,
        before: datetime | None = None,
        queue_id: str | None = None,
    ) -> tuple[Queuecall, ...]:
        """Return one page, newest first, made before `before`, of the queue that is given."""
        where: tuple[ColumnElement[bool], ...] = (QUEUECALLS.c.customer_id == customer_id,)
        if queue_id is not None:
            where += (QUEUECALLS.c.queue_id == queue_id,)
        return await self._page(*where, page_size=page_size, before=before)

    async def list_live(self) -> tuple[Queuecall, ...]:
        """Return the stays of all customers that are not over, oldest first."""
        over = (QueuecallStatus.DONE, QueuecallStatus.ABANDONED)
        return await self._all(
            select(QUEUECALLS).where(QUEUECALLS.c.status.not_in(over)).order_by(QUEUECALLS.c.tm_create)
        )
