"""Conferences in the store."""

from sqlalchemy import select

from app.domain.conference import Conference, ConferenceStatus
from app.store.direct_hash import DirectTable
from app.store.schema import CONFERENCES


class Conferences(DirectTable[Conference]):
    """All rooms, terminated ones too."""

    table = CONFERENCES
    kind = Conference
    word = "conference"

    async def find_open(self, customer_id: str, name: str) -> Conference | None:
        """Return the customer's newest conference of this name that can be joined; None when there is none."""
        columns = CONFERENCES.c
        named = select(CONFERENCES).where(
            columns.customer_id == customer_id,
            columns.name == name,
            columns.status == ConferenceStatus.PROGRESSING,
            columns.tm_delete.is_(None),
        )
        return await self._first(named.order_by(columns.tm_create.desc()))

    async def list_live(self) -> tuple[Conference, ...]:
        """Return the conferences of all customers that have not terminated, oldest first."""
        live = CONFERENCES.c.status != ConferenceStatus.TERMINATED
        return await self._all(select(CONFERENCES).where(live).order_by(CONFERENCES.c.tm_create))
