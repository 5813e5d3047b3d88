"""Groupcalls in the store."""

from sqlalchemy import select

from app.domain.groupcall import Groupcall, GroupcallStatus
from app.store.resource_table import ResourceTable
from app.store.schema import GROUPCALLS


class Groupcalls(ResourceTable[Groupcall]):
    """All groupcalls, ended ones too."""

    table = GROUPCALLS
    kind = Groupcall
    word = "groupcall"

    async def list_live(self) -> tuple[Groupcall, ...]:
        """Return the groupcalls of all customers that have not ended, oldest first."""
        live = GROUPCALLS.c.status != GroupcallStatus.HANGUP
        return await self._all(select(GROUPCALLS).where(live).order_by(GROUPCALLS.c.tm_create))
