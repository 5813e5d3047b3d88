"""Events in the store: what happened, numbered, for replays (ADR 0021)."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select

from app.domain.events import EventRecord
from app.store.connections import Access
from app.store.pruning import delete_in_batches
from app.store.schema import EVENTS
from app.store.uninterrupted import uninterrupted


class Events:
    """All events that are still kept. They are added and pruned, never changed."""

    def __init__(self, access: Access) -> None:
        self._access = access

    @uninterrupted
    async def append(self, record: EventRecord) -> int:
        """Store an event and return its `seq`, which is higher than any before; that of `record` is not looked at."""
        row = {column.name: getattr(record, column.name) for column in EVENTS.columns if not column.primary_key}
        async with self._access.writing() as connection:
            return int((await connection.execute(insert(EVENTS).values(row).returning(EVENTS.c.seq))).scalar_one())

    async def last_seq(self) -> int:
        """Return the `seq` of the newest event, 0 when there never was one."""
        return await self._number(func.max(EVENTS.c.seq)) or 0

    async def oldest_seq(self) -> int | None:
        """Return the `seq` of the oldest event that is still kept, None when there never was one."""
        return await self._number(func.min(EVENTS.c.seq))

    @uninterrupted
    async def since(self, customer_id: str, seq: int, limit: int) -> tuple[EventRecord, ...]:
        """Return the customer's first `limit` events after `seq`, oldest first."""
        columns = EVENTS.c
        query = select(EVENTS).where(columns.customer_id == customer_id, columns.seq > seq)
        async with self._access.reading() as connection:
            rows = (await connection.execute(query.order_by(columns.seq).limit(limit))).mappings().all()
        return tuple(EventRecord(**row) for row in rows)

    async def floor_of_newest(self, customer_id: str, count: int) -> int:
        """Return the `seq` after which the customer's newest `count` events are; 0 when it has no more."""
        columns = EVENTS.c
        query = select(columns.seq).where(columns.customer_id == customer_id)
        return await self._number(query.order_by(columns.seq.desc()).offset(count).limit(1)) or 0

    async def prune(self, before: datetime) -> int:
        """Remove the events that happened before `before` and return how many; the newest of all is kept.

        So a `seq` that a client has seen last always lies within what is there, or is known to be too old.
        """
        columns = EVENTS.c
        kept = await self._number(select(columns.seq).where(columns.tm_create >= before).order_by(columns.seq).limit(1))
        if kept is None:
            kept = await self.last_seq()
        return await delete_in_batches(
            self._access, columns.seq, select(columns.seq).where(columns.seq < kept).order_by(columns.seq)
        )

    @uninterrupted
    async def _number(self, query: Any) -> int | None:
        async with self._access.reading() as connection:
            return (await connection.execute(query)).scalar()
