"""The digits that a party presses, for whoever listens."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

_MOST_UNREAD = 1000


class DigitListener:
    """An async iterator of digits (0-9, A-D, *, #) as they are pressed."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[str] = asyncio.Queue(_MOST_UNREAD)

    def offer(self, digit: str) -> None:
        """Pass a digit on; beyond a thousand unread ones nobody is listening."""
        if not self._queue.full():
            self._queue.put_nowait(digit)

    async def next(self) -> str:
        """Wait for the next digit."""
        return await self._queue.get()

    async def __aiter__(self) -> AsyncIterator[str]:
        while True:
            yield await self._queue.get()


class Digits:
    """Hands every digit to all listeners."""

    def __init__(self) -> None:
        self._listeners: list[DigitListener] = []

    def note(self, digit: str) -> None:
        """A digit was pressed."""
        for listener in self._listeners:
            listener.offer(digit)

    @contextmanager
    def watch(self) -> Iterator[DigitListener]:
        """Within this context the listener hears every digit."""
        listener = DigitListener()
        self._listeners.append(listener)
        try:
            yield listener
        finally:
            self._listeners.remove(listener)
