"""What is pruned, and what is kept."""

import asyncio
from datetime import timedelta
from typing import Any

from app.delivery.retention import Retention
from app.domain.customer import Customer
from app.domain.events import EventRecord
from app.domain.timestamps import now
from app.domain.webhook import DeliveryStatus
from app.errors import Unavailable
from app.store import Store
from tests.unit.delivery.receiver import delivery


async def test_old_events_and_deliveries_go_the_rest_stays(store: Store, customer: Customer) -> None:
    moment = now()
    hours_old, rows = {}, []
    for number, (status, hours) in enumerate(
        [
            (DeliveryStatus.DELIVERED, 71),
            (DeliveryStatus.DELIVERED, 73),
            (DeliveryStatus.FAILED, 73),
            (DeliveryStatus.FAILED, 24 * 30 + 1),
            (DeliveryStatus.PENDING, 24 * 90),
        ]
    ):
        then = moment - timedelta(hours=hours)
        row = delivery(customer.id, "http://x/", number, status=status, tm_create=then, tm_update=then)
        rows.append(await store.webhook_deliveries.insert(row))
        hours_old[await store.events.append(EventRecord(0, customer.id, "x", "{}", ("t",), then))] = hours
    await store.events.append(EventRecord(0, customer.id, "x", "{}", ("t",), moment - timedelta(hours=200)))
    await Retention(store, event_hours=72).prune(moment)
    kept = {row.id for row in await store.webhook_deliveries.list(customer.id)}
    assert kept == {rows[0].id, rows[2].id, rows[4].id}
    assert await store.events.oldest_seq() == 1  # it happened within the 72 hours, so all after it stay
    await Retention(store, event_hours=1).prune(moment)
    assert await store.events.oldest_seq() == await store.events.last_seq() == 6  # the newest is never pruned


async def test_the_store_being_away_only_delays_it(store: Store, monkeypatch: Any) -> None:
    tried = asyncio.Semaphore(0)

    async def away(*_values: Any) -> int:
        tried.release()
        raise Unavailable("away")

    monkeypatch.setattr(store.events, "prune", away)
    running = asyncio.create_task(Retention(store, 72, every_seconds=0.001).run())
    for _ in range(3):
        await asyncio.wait_for(tried.acquire(), 20)
    running.cancel()
    assert isinstance((await asyncio.gather(running, return_exceptions=True))[0], asyncio.CancelledError)
