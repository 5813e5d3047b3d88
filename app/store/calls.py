"""Calls in the store."""

from sqlalchemy import select

from app.domain.call import Call, CallStatus
from app.store.resource_table import ResourceTable
from app.store.schema import CALLS


class Calls(ResourceTable[Call]):
    """All calls, ended ones too."""

    table = CALLS
    kind = Call
    word = "call"

    async def list_live(self) -> tuple[Call, ...]:
        """Return the calls of all customers that have not ended, oldest first."""
        return await self._all(select(CALLS).where(CALLS.c.status != CallStatus.HANGUP).order_by(CALLS.c.tm_create))
