"""Flows in the store: those made over the API, and the temporary ones of calls' inline actions."""

from datetime import datetime

from sqlalchemy import func, select

from app.domain.flow import StoredFlow
from app.store.direct_hash import DirectTable
from app.store.pruning import delete_in_batches
from app.store.resource_table import MAX_PAGE_SIZE
from app.store.schema import FLOWS
from app.store.uninterrupted import uninterrupted


class Flows(DirectTable[StoredFlow]):
    """All stored flows. Lists hide the temporary ones; `get` gives them, because calls name them."""

    table = FLOWS
    kind = StoredFlow
    word = "flow"

    async def list(
        self, customer_id: str, *, page_size: int = MAX_PAGE_SIZE, before: datetime | None = None
    ) -> tuple[StoredFlow, ...]:
        """Return one page of the customer's flows, newest first, made before `before`, without temporary ones."""
        columns = FLOWS.c
        return await self._page(
            columns.customer_id == customer_id, columns.is_temporary.is_(False), page_size=page_size, before=before
        )

    @uninterrupted
    async def count(self, customer_id: str) -> int:
        """Return how many flows the customer has, without deleted and temporary ones."""
        columns = FLOWS.c
        own = (columns.customer_id == customer_id, columns.is_temporary.is_(False), columns.tm_delete.is_(None))
        async with self._access.reading() as connection:
            return int((await connection.execute(select(func.count()).where(*own))).scalar_one())

    async def prune_temporary(self, before: datetime) -> int:
        """Remove the temporary flows that were made before `before` for good; return how many."""
        columns = FLOWS.c
        old = select(columns.id).where(columns.is_temporary.is_(True), columns.tm_create < before)
        return await delete_in_batches(self._access, columns.id, old)
