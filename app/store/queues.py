"""Queues in the store."""

from sqlalchemy import select

from app.domain.queue import Queue
from app.store.resource_table import ResourceTable
from app.store.schema import QUEUES


class Queues(ResourceTable[Queue]):
    """All queues, deleted ones too."""

    table = QUEUES
    kind = Queue
    word = "queue"

    async def find(self, customer_id: str, id_or_name: str) -> Queue | None:
        """Return the customer's queue of this id, or else the newest that is not deleted of this name."""
        columns = QUEUES.c
        named = select(QUEUES).where(
            columns.customer_id == customer_id, columns.name == id_or_name, columns.tm_delete.is_(None)
        )
        return await self.get(customer_id, id_or_name) or await self._first(named.order_by(columns.tm_create.desc()))
