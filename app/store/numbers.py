"""Numbers in the store."""

from sqlalchemy import select

from app.domain.line import Number
from app.store.resource_table import ResourceTable
from app.store.schema import NUMBERS


class Numbers(ResourceTable[Number]):
    """The numbers that callers dial. Among those not deleted a number exists once in the store."""

    table = NUMBERS
    kind = Number
    word = "number"

    async def find(self, number: str) -> Number | None:
        """Return the number that is dialled so, whoever owns it; None when there is none, or it is deleted."""
        columns = NUMBERS.c
        return await self._first(select(NUMBERS).where(columns.number == number, columns.tm_delete.is_(None)))

    async def has_any(self) -> bool:
        """Tell whether there is a number of anybody's."""
        return await self._first(select(NUMBERS).where(NUMBERS.c.tm_delete.is_(None))) is not None
