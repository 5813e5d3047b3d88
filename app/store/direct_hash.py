"""Resources that can be dialled directly: `sip:direct.HASH@...` reaches the one with this hash (contract 3.6)."""

from typing import Generic

from sqlalchemy import select

from app.store.resource_table import ResourceTable, T


class DirectTable(ResourceTable[T], Generic[T]):
    """A table with a column `direct_hash`, empty where a resource cannot be dialled so."""

    async def find_by_direct_hash(self, direct_hash: str) -> T | None:
        """Return the resource, of any customer, that is dialled so; None when there is none, or it is deleted."""
        columns = self.table.c
        if not direct_hash:
            return None
        return await self._first(
            select(self.table).where(columns.direct_hash == direct_hash, columns.tm_delete.is_(None))
        )
