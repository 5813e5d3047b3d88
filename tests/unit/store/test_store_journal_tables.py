"""Events are numbered for ever; of the webhook deliveries the right ones come next; both are pruned."""

import os
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app.domain.customer import Customer
from app.domain.ids import new_id
from app.domain.webhook import DeliveryStatus
from app.store import Store, open_store, pruning

on_sqlite = pytest.mark.skipif("CALLSCRIBE_TEST_DATABASE_URL" in os.environ, reason="asks SQLite for its plan")


async def test_events_are_numbered_and_read_in_their_order(
    store: Store, customer: Customer, stranger: Customer, samples: Any
) -> None:
    assert (await store.events.last_seq(), await store.events.oldest_seq()) == (0, None)
    records = [samples.record(owner.id) for owner in (customer, stranger, customer, customer)]
    seqs = [await store.events.append(record) for record in records]
    assert seqs == sorted(set(seqs))
    assert (await store.events.oldest_seq(), await store.events.last_seq()) == (seqs[0], seqs[-1])
    ours = tuple(replace(records[place], seq=seqs[place]) for place in (0, 2, 3))
    assert await store.events.since(customer.id, 0, 10) == ours
    assert await store.events.since(customer.id, 0, 2) == ours[:2]
    assert await store.events.since(customer.id, seqs[0], 10) == ours[1:]
    assert await store.events.since(customer.id, seqs[-1], 10) == ()


async def test_an_event_belongs_to_its_transaction(store: Store, customer: Customer, samples: Any) -> None:
    async def fail() -> None:
        async with store.transaction() as tx:
            await tx.events.append(samples.record(customer.id))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await store.events.last_seq() == 0


async def test_old_events_are_pruned_in_batches_and_their_numbers_never_given_again(
    store: Store, database_url: str, customer: Customer, samples: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "BATCH", 3)
    records = [samples.record(customer.id) for _ in range(8)]
    seqs = [await store.events.append(record) for record in records]
    assert await store.events.prune(records[0].tm_create) == 0
    assert await store.events.prune(records[7].tm_create) == 7
    assert (await store.events.oldest_seq(), await store.events.last_seq()) == (seqs[7], seqs[7])
    # The last one stays, so that the numbers that clients have seen mean something still.
    assert await store.events.prune(samples.moment()) == 0
    async with open_store(database_url) as again:
        assert await again.events.last_seq() == seqs[7]
        assert await again.events.append(samples.record(customer.id)) > seqs[7]
        assert await again.events.prune(samples.moment()) == 1


async def test_only_the_first_that_waits_of_each_lane_is_due(store: Store, customer: Customer, samples: Any) -> None:
    def make(seq: int, order_key: str, **more: Any) -> Any:
        return samples.delivery(customer.id, seq=seq, order_key=order_key, **more)

    moment = samples.moment() + timedelta(hours=1)
    later = moment + timedelta(seconds=1)
    first_a = await store.webhook_deliveries.insert(make(5, "a"))
    await store.webhook_deliveries.insert(make(6, "a"))
    first_b = await store.webhook_deliveries.insert(make(3, "b", tm_next=later))
    await store.webhook_deliveries.insert(make(4, "b"))
    elsewhere = await store.webhook_deliveries.insert(make(7, "a", uri="https://other.test"))
    await store.webhook_deliveries.insert(make(1, "c", status=DeliveryStatus.DELIVERED))
    await store.webhook_deliveries.insert(make(2, "c", status=DeliveryStatus.FAILED))
    behind = await store.webhook_deliveries.insert(make(8, "c", tm_next=moment))
    due = store.webhook_deliveries.due

    assert await due(moment, 10) == (first_a, elsewhere, behind)
    assert await due(moment, 2) == (first_a, elsewhere)
    assert await due(moment, 10, without=["https://other.test"]) == (first_a, behind)
    assert await due(later, 10) == (first_b, first_a, elsewhere, behind)
    assert await due(first_a.tm_next - timedelta(microseconds=1), 10) == ()
    assert await store.webhook_deliveries.next_due() == first_a.tm_next
    assert await store.webhook_deliveries.next_due(after=moment) == later
    assert await store.webhook_deliveries.first_pending(first_b.uri, "b") == first_b
    assert await store.webhook_deliveries.first_pending(first_b.uri, "none") is None

    # What is given up lets the next one go.
    await store.webhook_deliveries.update(replace(first_a, status=DeliveryStatus.FAILED, tm_update=moment))
    assert [delivery.seq for delivery in await due(moment, 10)] == [6, 7, 8]
    # What is sent again goes before what came after it.
    assert await store.webhook_deliveries.resend_failed(customer.id, moment) == 2
    assert [delivery.seq for delivery in await due(moment, 10)] == [2, 5, 7]


async def test_nothing_waits(store: Store, customer: Customer, samples: Any) -> None:
    await store.webhook_deliveries.insert(samples.delivery(customer.id, status=DeliveryStatus.DELIVERED))
    assert await store.webhook_deliveries.due(samples.moment(), 10) == ()
    assert await store.webhook_deliveries.next_due() is None


async def test_deliveries_are_listed_by_status(
    store: Store, customer: Customer, stranger: Customer, samples: Any
) -> None:
    deliveries = [
        await store.webhook_deliveries.insert(samples.delivery(customer.id, status=status))
        for status in (*DeliveryStatus, DeliveryStatus.FAILED)
    ]
    await store.webhook_deliveries.insert(samples.delivery(stranger.id))
    listing = store.webhook_deliveries.list
    assert await listing(customer.id) == tuple(reversed(deliveries))
    assert await listing(customer.id, status=DeliveryStatus.FAILED) == (deliveries[3], deliveries[2])
    assert await listing(customer.id, status=DeliveryStatus.FAILED, before=deliveries[3].tm_create) == (deliveries[2],)


async def test_deliveries_that_came_to_an_end_are_pruned(
    store: Store, customer: Customer, samples: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "BATCH", 2)
    for status in DeliveryStatus:
        for _ in range(3):
            await store.webhook_deliveries.insert(samples.delivery(customer.id, status=status))
    new = await store.webhook_deliveries.insert(samples.delivery(customer.id, status=DeliveryStatus.DELIVERED))
    prune = store.webhook_deliveries.prune
    assert await prune(new.tm_create, over=[DeliveryStatus.DELIVERED]) == 3
    assert await prune(new.tm_create) == 3
    assert {delivery.status for delivery in await store.webhook_deliveries.list(customer.id)} == {
        DeliveryStatus.PENDING,
        DeliveryStatus.DELIVERED,
    }


@on_sqlite
async def test_the_queue_does_not_read_what_was_delivered(store: Store, customer: Customer, samples: Any) -> None:
    seen: list[str] = []
    table = store.webhook_deliveries

    class Spy(type(table)):  # type: ignore[misc]
        async def _all(self, query: Any) -> Any:
            async with self._access.reading() as connection:
                literal = query.compile(connection.sync_engine, compile_kwargs={"literal_binds": True})
                plan = await connection.execute(text(f"EXPLAIN QUERY PLAN {literal}"))
                seen.extend(row[-1] for row in plan)
            return ()

    await Spy(table._access).due(samples.moment(), 10)
    assert any("ix_webhook_deliveries_queue" in step for step in seen)
    assert not any(step.startswith("SCAN webhook_deliveries") and "queue" not in step for step in seen)
    assert await table.first_pending("x", new_id()) is None
