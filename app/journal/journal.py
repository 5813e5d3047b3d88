"""The journal: a change, its events and their webhook deliveries are stored together or not at all, and told after."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from app.domain.events import Event, EventRecord, EventType, Resource
from app.domain.histogram import Histogram
from app.domain.ids import new_id
from app.domain.timestamps import now
from app.domain.webhook import DeliveryStatus, WebhookDelivery
from app.event_bus import EventBus
from app.journal.webhook_targets import WebhookTargets
from app.store.store import Store, Transaction
from app.store.uninterrupted import uninterrupted

Write = Callable[[Transaction], Awaitable[Sequence[Event]]]
"""Changes rows and returns the events that tell of it, in their order."""

T = TypeVar("T", bound=Resource)


@dataclass(frozen=True, slots=True)
class RenderedEvent:
    """An event on the wire: the text of `{"type","data"}` and the topics that it is announced by."""

    body: str
    topics: tuple[str, ...]


class Journal:
    """The one way by which facts reach the store, the event bus and the webhook outbox.

    Commits take turns, so that the bus tells events in the order of their `seq`. A commit that has begun is finished
    also when its caller is cancelled: the party that hangs up must not keep its call's last change from being stored.
    """

    def __init__(self, store: Store, bus: EventBus, render: Callable[[Event], RenderedEvent]) -> None:
        self._store = store
        self._bus = bus
        self._render = render
        self._turn = asyncio.Lock()
        self._seq = 0
        self.waiting = 0
        """Commits under way or waiting for their turn: one at most for each who writes, for all await theirs."""
        self.commits = Histogram()
        """How long commits took, with the wait for their turn."""
        self.targets = WebhookTargets()
        self.on_deliveries: Callable[[], None] = lambda: None
        """Called after a commit that added webhook deliveries: the sender has something to do."""

    async def load(self) -> None:
        """Learn what the store knows: the last `seq` and the customers' webhooks. Once, before the first commit."""
        self._seq = await self._store.events.last_seq()
        for customer in await self._store.customers.list_all():
            self.targets.learn(customer)

    @property
    def seq(self) -> int:
        """The number of the last stored event."""
        return self._seq

    async def create(self, item: T, *types: EventType, about: str = "") -> T:
        """Store a new resource and tell it; the resource as it is stored (its `tm_create` can differ)."""
        stored: list[T] = []

        async def write(tx: Transaction) -> Sequence[Event]:
            stored.append(await tx.table_of(item).insert(item))
            return [Event(each, stored[0], about) for each in types]

        await self.commit(write)
        return stored[0]

    async def change(self, item: Resource, *types: EventType, about: str = "") -> None:
        """Replace a stored resource and tell what happened to it. A delete is a change that sets `tm_delete`."""

        async def write(tx: Transaction) -> Sequence[Event]:
            await tx.table_of(item).update(item)
            return [Event(each, item, about) for each in types]

        await self.commit(write)

    @uninterrupted
    async def commit(self, write: Write) -> tuple[Event, ...]:
        """Run `write` in a transaction, store its events and their deliveries in it, commit, then publish.

        Inside `write` use `tx` only. What `write` raises rolls everything back, and passes.
        """
        self.waiting += 1
        begun = time.monotonic()
        try:
            async with self._turn:
                async with self._store.transaction() as tx:
                    events = tuple([await self._store_event(tx, event) for event in await write(tx)])
                self._publish(events)
        finally:
            self.waiting -= 1
            self.commits.observe(time.monotonic() - begun)
        return events

    async def tell(self, event: Event) -> None:
        """Tell of something that is not stored (speech events); stored all the same where a webhook waits for it."""
        self.targets.learn(event.data)
        if self.targets.of(event):

            async def write(_tx: Transaction) -> Sequence[Event]:
                return [event]

            await self.commit(write)
        else:
            self._bus.publish(replace(event, seq=self._seq))

    def _publish(self, events: Sequence[Event]) -> None:
        for event in events:
            self._seq = max(self._seq, event.seq)
            self._bus.publish(event)
        if any(self.targets.of(event) for event in events):
            self.on_deliveries()

    async def _store_event(self, tx: Transaction, event: Event) -> Event:
        self.targets.learn(event.data)
        rendered = self._render(event)
        moment = now()
        seq = await tx.events.append(
            EventRecord(0, event.customer_id, event.type.value, rendered.body, rendered.topics, moment)
        )
        for target in self.targets.of(event):
            await tx.webhook_deliveries.insert(
                WebhookDelivery(
                    id=new_id(),
                    customer_id=event.customer_id,
                    seq=seq,
                    order_key=event.order_key,
                    event_type=event.type.value,
                    uri=target.uri,
                    method=target.method,
                    body=rendered.body,
                    status=DeliveryStatus.PENDING,
                    tm_create=moment,
                    tm_update=moment,
                    tm_next=moment,
                )
            )
        return replace(event, seq=seq)
