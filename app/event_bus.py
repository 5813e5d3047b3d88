"""The event bus: `publish` never blocks; each subscriber has a bounded queue and falls off alone when it is full."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from app.domain.events import Event, EventType


class Subscription:
    """One reader of the bus: an async iterator of events that ends when the reader is closed or too slow."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._events: deque[Event] = deque()
        self._wake = asyncio.Event()
        self._is_closed = False
        self.is_overrun = False
        """True when events were lost because this reader did not keep up; its iteration has ended then."""

    def offer(self, event: Event) -> None:
        """Queue `event`; with `limit` events waiting the subscription closes as overrun: no event is lost silently."""
        if self._is_closed:
            return
        if len(self._events) >= self._limit:
            self.is_overrun = True
            self.close()
            return
        self._events.append(event)
        self._wake.set()

    def close(self) -> None:
        """End the iteration after the events that are already queued."""
        self._is_closed = True
        self._wake.set()

    @property
    def unread(self) -> int:
        """How many events wait to be read."""
        return len(self._events)

    @property
    def is_closed(self) -> bool:
        """Whether no more events come than those that are queued."""
        return self._is_closed

    def take(self) -> Event | None:
        """Return the next queued event, None when there is none now; for a reader that has more to do than iterate."""
        return self._events.popleft() if self._events else None

    async def wait(self) -> None:
        """Return when there is an event to take, when it is closed, or when it is nudged."""
        if not self._events and not self._is_closed:
            await self._wake.wait()
        self._wake.clear()

    def nudge(self) -> None:
        """Let the reader's `wait` return: there is something else to do for it."""
        self._wake.set()

    async def __aiter__(self) -> AsyncIterator[Event]:
        while True:
            while self._events:
                yield self._events.popleft()
            if self._is_closed:
                return
            self._wake.clear()
            await self._wake.wait()


class EventBus:
    """Hands every published event to every subscription, in the order of publication."""

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()
        self.told: Counter[EventType] = Counter()
        """How many events of each type were published since the start."""
        self.overruns = 0
        """How many subscriptions were closed because their reader did not keep up."""

    @property
    def most_unread(self) -> int:
        """How many events the slowest reader has not read yet."""
        return max((each.unread for each in self._subscriptions), default=0)

    def publish(self, event: Event) -> None:
        """Hand `event` to all subscriptions at once; called on the event loop, never blocks, never fails."""
        self.told[event.type] += 1
        for subscription in tuple(self._subscriptions):
            was_overrun = subscription.is_overrun
            subscription.offer(event)
            self.overruns += subscription.is_overrun and not was_overrun

    @contextmanager
    def subscribe(self, *, limit: int = 500) -> Iterator[Subscription]:
        """Yield a subscription that holds at most `limit` unread events."""
        subscription = Subscription(limit)
        self._subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)
            subscription.close()
