"""What customers may dial, in the store."""

from sqlalchemy import select

from app.domain.line import OutboundConfig
from app.store.resource_table import ResourceTable
from app.store.schema import OUTBOUND_CONFIGS


class OutboundConfigs(ResourceTable[OutboundConfig]):
    """At most one row a customer that is not deleted."""

    table = OUTBOUND_CONFIGS
    kind = OutboundConfig
    word = "outbound_config"

    async def of(self, customer_id: str) -> OutboundConfig | None:
        """Return what the customer may dial; None when it has chosen nothing yet."""
        columns = OUTBOUND_CONFIGS.c
        return await self._first(
            select(OUTBOUND_CONFIGS).where(columns.customer_id == customer_id, columns.tm_delete.is_(None))
        )
