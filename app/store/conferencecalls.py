"""Conferencecalls in the store: the stays of calls in conferences."""

from datetime import datetime

from sqlalchemy import ColumnElement, select

from app.domain.conference import Conferencecall, ConferencecallStatus
from app.store.resource_table import MAX_PAGE_SIZE, ResourceTable
from app.store.schema import CONFERENCECALLS


class Conferencecalls(ResourceTable[Conferencecall]):
    """All stays, those that are over too."""

    table = CONFERENCECALLS
    kind = Conferencecall
    word = "conferencecall"

    async def list(
        self,
        customer_id: str,
        *,
        page_size: int = MAX_PAGE_SIZE,
        before: datetime | None = None,
        conference_id: str | None = None,
    ) -> tuple[Conferencecall, ...]:
        """Return one page, newest first, made before `before`, of the conference that is given."""
        where: tuple[ColumnElement[bool], ...] = (CONFERENCECALLS.c.customer_id == customer_id,)
        if conference_id is not None:
            where += (CONFERENCECALLS.c.conference_id == conference_id,)
        return await self._page(*where, page_size=page_size, before=before)

    async def list_of(self, conference_id: str) -> tuple[Conferencecall, ...]:
        """Return all stays in a conference that are not deleted, oldest first, those that are over too."""
        return await self._live(CONFERENCECALLS.c.conference_id == conference_id)

    async def list_live(self) -> tuple[Conferencecall, ...]:
        """Return the stays of all customers that are not over, oldest first."""
        live = CONFERENCECALLS.c.status != ConferencecallStatus.LEAVED
        return await self._all(select(CONFERENCECALLS).where(live).order_by(CONFERENCECALLS.c.tm_create))
