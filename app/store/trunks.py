"""Trunks in the store."""

from sqlalchemy import select

from app.domain.line import Trunk
from app.store.direct_hash import DirectTable
from app.store.schema import TRUNKS


class Trunks(DirectTable[Trunk]):
    """The lines to other SIP systems. Among those not deleted a domain_name exists once in the store."""

    table = TRUNKS
    kind = Trunk
    word = "trunk"

    async def list_all(self) -> tuple[Trunk, ...]:
        """Return the trunks of all customers that are not deleted, oldest first."""
        return await self._live()

    async def list_of(self, customer_id: str) -> tuple[Trunk, ...]:
        """Return the customer's trunks that are not deleted, in the order of `priority`, the lowest first."""
        columns = TRUNKS.c
        own = select(TRUNKS).where(columns.customer_id == customer_id, columns.tm_delete.is_(None))
        return await self._all(own.order_by(columns.priority, columns.tm_create))
