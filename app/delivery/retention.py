"""What is kept for a while only: stored events, and webhook deliveries that are over."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from app.domain.timestamps import now
from app.domain.webhook import DeliveryStatus
from app.errors import Unavailable
from app.logs import get_log
from app.store.store import Store

log = get_log("retention")

FAILED_DAYS = 30
_HOUR = 3600.0


class Retention:
    """Prunes once an hour: events and delivered webhooks after `event_hours`, failed webhooks after 30 days."""

    def __init__(self, store: Store, event_hours: float, *, every_seconds: float = _HOUR) -> None:
        self._store = store
        self._event_hours = event_hours
        self._every_seconds = every_seconds

    async def run(self) -> None:
        """Prune now and every hour until cancelled; the store being away only delays it."""
        while True:
            try:
                await self.prune(now())
            except Unavailable as error:
                log.warning("old events could not be removed, it is tried again later", error=error.message)
            await asyncio.sleep(self._every_seconds)

    async def prune(self, moment: datetime) -> None:
        """Remove what is too old at `moment`."""
        before = moment - timedelta(hours=self._event_hours)
        deliveries = self._store.webhook_deliveries
        events = await self._store.events.prune(before)
        delivered = await deliveries.prune(before, over=(DeliveryStatus.DELIVERED,))
        failed = await deliveries.prune(moment - timedelta(days=FAILED_DAYS), over=(DeliveryStatus.FAILED,))
        if events or delivered or failed:
            log.info("old events were removed", events=events, delivered=delivered, failed=failed)
