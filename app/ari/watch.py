"""Watches: ordered, bounded streams of the events of chosen ids, made before the request that causes them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self, TypeVar

from app.ari.errors import AriDisconnected, AriOverrun, AriTimeout
from app.ari.events import AriEvent

DEFAULT_LIMIT = 1000

EventT = TypeVar("EventT", bound=AriEvent)


class Watch:
    """The events of some ids, in the order in which Asterisk sent them; use it as a context manager.

    Events come in from where it is made (`Ari.watch`), not only from where it is entered. `Disconnected` and
    `Reconnected` come in between, so that the owner can ask for what it missed. With `limit` unread events it is
    overrun: the ones before are still read, then `AriOverrun` is raised.
    """

    def __init__(self, switchboard: Switchboard, ids: tuple[str, ...], limit: int) -> None:
        self.ids = ids
        self._switchboard = switchboard
        self._limit = limit
        self._events: deque[AriEvent] = deque()
        self._wake = asyncio.Event()
        self._end: Exception | None = None
        self._is_closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop watching; what waits in `next` or the iteration ends."""
        self._is_closed = True
        self._switchboard.remove(self)
        self._events.clear()
        self._wake.set()

    def offer(self, event: AriEvent) -> bool:
        """Queue `event`; False when this was one too many and the watch is overrun now."""
        if self._is_closed or self._end is not None:
            return True
        if len(self._events) >= self._limit:
            self.fail(AriOverrun(f"{self._limit} events of {', '.join(self.ids)} were not read", ids=self.ids))
            return False
        self._events.append(event)
        self._wake.set()
        return True

    def fail(self, error: Exception) -> None:
        """End the watch with `error` after the events that are already queued."""
        self._end = self._end or error
        self._wake.set()

    async def next(self, timeout_seconds: float | None = None) -> AriEvent:
        """Return the next event.

        Raises AriTimeout after `timeout_seconds` (None: waits for ever), AriOverrun when events were lost, and
        AriDisconnected when the watch was closed or the connection ended for good.
        """
        try:
            async with asyncio.timeout(timeout_seconds):
                return await self._next()
        except TimeoutError:
            raise AriTimeout(f"no event of {', '.join(self.ids)} within {timeout_seconds} s", ids=self.ids) from None

    async def wait_for(self, kind: type[EventT], timeout_seconds: float | None = None) -> EventT:
        """Return the next event of that class, dropping those before it; errors as in `next`."""
        try:
            async with asyncio.timeout(timeout_seconds):
                while True:
                    event = await self._next()
                    if isinstance(event, kind):
                        return event
        except TimeoutError:
            awaited = f"{kind.__name__} of {', '.join(self.ids)}"
            raise AriTimeout(f"no {awaited} within {timeout_seconds} s", ids=self.ids) from None

    async def __aiter__(self) -> AsyncIterator[AriEvent]:
        while not self._is_closed:
            try:
                event = await self._next()
            except AriDisconnected:
                if self._is_closed:
                    return
                raise
            yield event

    async def _next(self) -> AriEvent:
        while not self._events:
            if self._is_closed:
                raise AriDisconnected(f"the watch of {', '.join(self.ids)} is closed", ids=self.ids)
            if self._end is not None:
                raise self._end
            self._wake.clear()
            await self._wake.wait()
        return self._events.popleft()


class Switchboard:
    """Which watches want the events of which ids. On the event loop only; nothing here waits."""

    def __init__(self) -> None:
        self._watches: dict[str, list[Watch]] = {}
        self._all: dict[Watch, None] = {}
        self._final: Exception | None = None

    def add(self, ids: tuple[str, ...], limit: int = DEFAULT_LIMIT) -> Watch:
        """Make a watch of these ids; it gets every event from now on."""
        watch = Watch(self, tuple(dict.fromkeys(ids)), limit)
        self._all[watch] = None
        for watched_id in watch.ids:
            self._watches.setdefault(watched_id, []).append(watch)
        if self._final is not None:
            watch.fail(self._final)
        return watch

    def remove(self, watch: Watch) -> None:
        """Forget a watch; one that is not there is fine."""
        if self._all.pop(watch, watch) is not None:
            return
        for watched_id in watch.ids:
            watches = self._watches[watched_id]
            watches.remove(watch)
            if not watches:
                del self._watches[watched_id]

    def is_watched(self, watched_id: str) -> bool:
        """Whether anybody watches this id."""
        return watched_id in self._watches

    def deliver(self, event: AriEvent) -> tuple[int, list[Watch]]:
        """Give `event` to every watch of its ids, once each; return how many there are and which are overrun by it."""
        wanting = {watch: None for named in event.ids for watch in self._watches.get(named, ())}
        return len(wanting), [watch for watch in wanting if not watch.offer(event)]

    def deliver_to_all(self, event: AriEvent) -> list[Watch]:
        """Give `event` to every watch; return which are overrun by it."""
        return [watch for watch in tuple(self._all) if not watch.offer(event)]

    def end(self, error: Exception) -> None:
        """End all watches, those of now and of later, with `error`."""
        self._final = error
        for watch in tuple(self._all):
            watch.fail(error)

    def __len__(self) -> int:
        return len(self._all)
