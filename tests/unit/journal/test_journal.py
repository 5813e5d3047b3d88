"""The journal: stored first, all or nothing, then told in the order of the numbers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from app.domain.call import CallStatus
from app.domain.customer import Customer
from app.domain.events import Event, EventType
from app.domain.ids import new_id
from app.domain.webhook import DeliveryStatus
from app.errors import Unavailable
from app.event_bus import EventBus
from app.journal.journal import Journal
from app.store import Store, Transaction
from app.store.webhook_deliveries import WebhookDeliveries
from app.wire.event import render_event


class Told:
    """A journal, and what it tells."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.events: list[Event] = []
        self.woken = 0
        bus = EventBus()
        publish = bus.publish

        def note(event: Event) -> None:
            self.events.append(event)
            publish(event)

        bus.publish = note  # type: ignore[method-assign]
        self.journal = Journal(store, bus, render_event)
        self.journal.on_deliveries = self._wake

    def _wake(self) -> None:
        self.woken += 1

    @property
    def seqs(self) -> list[int]:
        return [event.seq for event in self.events]


@pytest.fixture
async def told(store: Store) -> Told:
    made = Told(store)
    await made.journal.load()
    return made


@pytest.fixture
async def hooked(store: Store, samples: Any) -> Customer:
    """A customer with a webhook."""
    return await store.customers.insert(samples.customer(webhook_uri="http://hook.example/", webhook_method="PUT"))


async def test_a_new_resource_is_stored_with_its_events_and_told(
    told: Told, store: Store, customer: Customer, samples: Any
) -> None:
    call = samples.call(customer.id)
    stored = await told.journal.create(call, EventType.CALL_CREATED, EventType.CALL_PROGRESSING)
    assert await store.calls.get_by_id(call.id) == stored
    assert [event.type for event in told.events] == [EventType.CALL_CREATED, EventType.CALL_PROGRESSING]
    records = await store.events.since(customer.id, 0, 10)
    assert [record.seq for record in records] == told.seqs == [1, 2]
    assert [record.type for record in records] == ["call_created", "call_progressing"]
    assert (told.journal.seq, told.woken) == (2, 0)

    # What is told is what is stored, also where tm_create had to move on.
    twin = await told.journal.create(replace(call, id=new_id()), EventType.CALL_CREATED)
    assert twin.tm_create > stored.tm_create
    assert told.events[-1].data == twin


async def test_the_order_on_the_bus_is_that_of_the_numbers(
    told: Told, store: Store, customer: Customer, samples: Any
) -> None:
    calls = [await told.journal.create(samples.call(customer.id), EventType.CALL_CREATED) for _ in range(5)]
    with_many = [told.journal.change(calls[n % 5], EventType.CALL_UPDATED) for n in range(60)]
    speech = [
        told.journal.tell(Event(EventType.TRANSCRIBE_SPEECH_STARTED, samples.speech(samples.transcribe(customer.id))))
        for _ in range(10)
    ]
    await asyncio.gather(*with_many, *speech)
    assert told.seqs == sorted(told.seqs)
    stored = [event.seq for event in told.events if event.type is not EventType.TRANSCRIBE_SPEECH_STARTED]
    assert stored == list(range(1, 66))
    assert [record.seq for record in await store.events.since(customer.id, 0, 100)] == stored


async def test_an_error_rolls_everything_back(told: Told, store: Store, hooked: Customer, samples: Any) -> None:
    await told.journal.load()
    call = samples.call(hooked.id)

    async def write(tx: Transaction) -> Sequence[Event]:
        await tx.calls.insert(call)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await told.journal.commit(write)

    async def fails_at_the_second(tx: Transaction) -> Any:
        await tx.calls.insert(call)
        return [Event(EventType.CALL_CREATED, call), None]

    with pytest.raises(AttributeError):
        await told.journal.commit(fails_at_the_second)
    assert await store.calls.get_by_id(call.id) is None
    assert await store.events.since(hooked.id, 0, 10) == ()
    assert await store.webhook_deliveries.list(hooked.id) == ()
    assert (told.events, told.woken, told.journal.seq) == ([], 0, 0)
    await told.journal.create(call, EventType.CALL_CREATED)  # the next one goes as if nothing had been
    assert told.seqs == [1]


async def test_a_cancel_in_the_middle_lets_a_commit_end(
    told: Told, store: Store, customer: Customer, samples: Any
) -> None:
    call = samples.call(customer.id)
    has_begun, may_go_on = asyncio.Event(), asyncio.Event()

    async def write(tx: Transaction) -> Sequence[Event]:
        stored = await tx.calls.insert(call)
        has_begun.set()
        await may_go_on.wait()
        return [Event(EventType.CALL_CREATED, stored)]

    committing = asyncio.create_task(told.journal.commit(write))
    await has_begun.wait()
    committing.cancel()
    waiting = asyncio.create_task(told.journal.change(call, EventType.CALL_HANGUP))
    may_go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await committing
    await waiting
    assert [(event.seq, event.type) for event in told.events] == [
        (1, EventType.CALL_CREATED),
        (2, EventType.CALL_HANGUP),
    ]
    assert await store.calls.get_by_id(call.id) is not None


async def test_deliveries_are_in_the_same_transaction(
    told: Told, store: Store, hooked: Customer, samples: Any, monkeypatch: Any
) -> None:
    await told.journal.load()
    call = await told.journal.create(samples.call(hooked.id), EventType.CALL_CREATED, EventType.CALL_PROGRESSING)
    rows = await store.webhook_deliveries.list(hooked.id)
    assert len(rows) == 2
    assert [row.seq for row in reversed(rows)] == told.seqs
    newest = rows[0]
    (record,) = await store.events.since(hooked.id, 1, 10)
    assert (newest.body, newest.event_type) == (record.body, "call_progressing")
    assert (newest.uri, newest.method, newest.order_key) == ("http://hook.example/", "PUT", call.id)
    assert (newest.status, newest.attempts) == (DeliveryStatus.PENDING, 0)
    assert told.woken == 1

    async def refuse(*_values: Any) -> Any:
        raise Unavailable("the disk is full")

    monkeypatch.setattr(WebhookDeliveries, "insert", refuse)
    with pytest.raises(Unavailable):
        await told.journal.change(replace(call, status=CallStatus.HANGUP), EventType.CALL_HANGUP)
    stored = await store.calls.get_by_id(call.id)
    assert stored is not None
    assert stored.status is CallStatus.PROGRESSING
    assert (await store.events.last_seq(), len(told.events), told.woken) == (2, 2, 1)


async def test_an_activeflows_own_webhook_comes_in_addition(
    told: Told, store: Store, hooked: Customer, samples: Any
) -> None:
    await told.journal.load()
    own = samples.activeflow(hooked.id, webhook_uri="http://flow.example/", webhook_method="POST")
    same = samples.activeflow(hooked.id, webhook_uri="http://hook.example/", webhook_method="PUT")
    for activeflow in (own, same):
        await told.journal.create(activeflow, EventType.ACTIVEFLOW_CREATED)
        await told.journal.create(samples.call(hooked.id, activeflow_id=activeflow.id), EventType.CALL_CREATED)
    rows = list(reversed(await store.webhook_deliveries.list(hooked.id)))
    sent = [(row.seq, row.uri) for row in rows]
    assert sent == [
        (1, "http://hook.example/"),
        (1, "http://flow.example/"),
        (2, "http://hook.example/"),
        (2, "http://flow.example/"),
        (3, "http://hook.example/"),  # both are the same receiver: it gets the event once
        (4, "http://hook.example/"),
    ]


async def test_a_customer_turns_its_webhook_on_and_off(
    told: Told, store: Store, customer: Customer, samples: Any
) -> None:
    async def deliveries() -> int:
        return len(await store.webhook_deliveries.list(customer.id))

    await told.journal.create(samples.call(customer.id), EventType.CALL_CREATED)
    assert await deliveries() == 0
    on = replace(customer, webhook_uri="http://hook.example/")
    await told.journal.change(on, EventType.CUSTOMER_UPDATED)
    assert await deliveries() == 1
    await told.journal.change(replace(on, webhook_uri=""), EventType.CUSTOMER_UPDATED)
    await told.journal.create(samples.call(customer.id), EventType.CALL_CREATED)
    assert await deliveries() == 1


async def test_speech_events_are_stored_only_where_a_webhook_waits(
    told: Told, store: Store, customer: Customer, hooked: Customer, samples: Any
) -> None:
    await told.journal.load()
    await told.journal.create(samples.call(customer.id), EventType.CALL_CREATED)
    speech = Event(EventType.TRANSCRIBE_SPEECH_STARTED, samples.speech(samples.transcribe(customer.id)), about="call")
    await told.journal.tell(speech)
    assert told.seqs == [1, 1]
    assert await store.events.last_seq() == 1
    theirs = Event(EventType.TRANSCRIBE_SPEECH_STARTED, samples.speech(samples.transcribe(hooked.id)), about="call")
    await told.journal.tell(theirs)
    assert told.seqs == [1, 1, 2]
    (row,) = await store.webhook_deliveries.list(hooked.id)
    assert (row.seq, row.order_key, row.event_type) == (2, "call", "transcribe_speech_started")
    assert told.woken == 1


async def test_a_new_journal_goes_on_counting(told: Told, store: Store, customer: Customer, samples: Any) -> None:
    await told.journal.create(samples.call(customer.id), EventType.CALL_CREATED)
    again = Told(store)
    await again.journal.load()
    assert again.journal.seq == 1
    await again.journal.create(samples.call(customer.id), EventType.CALL_CREATED)
    assert again.seqs == [2]
