"""The digits that a party presses: for whoever listens, and kept from the call's start until something takes them."""

import asyncio
from collections import deque
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
    """Hands every digit to all listeners, and keeps those that nothing has taken (typed ahead), a thousand at most.

    A flow reads digits in two ways: `digits_receive` takes them one by one, and `voipbin.call.digits` shows the last
    one that was pressed during another action (contract 8.1). What was shown waits all the same, because a talk that a
    digit has stopped is often followed by digits_receive; a branch that reads the variable has it dropped.
    """

    def __init__(self) -> None:
        self._listeners: list[DigitListener] = []
        self._waiting: deque[str] = deque()
        self._shown = 0
        """How many of those that wait were there when the last one was shown."""
        self._spent = 0
        """How many of those that wait, the oldest, have stopped a prompt."""
        self._last = ""
        self._news = asyncio.Event()

    def stop_prompt(self) -> bool:
        """Whether a digit waits that has stopped no prompt yet; now it has: each stops one, so that no loop is mute."""
        is_fresh = len(self._waiting) > self._spent
        self._spent += is_fresh
        return is_fresh

    def note(self, digit: str, *, is_kept: bool = True) -> None:
        """A digit was pressed; one that is not kept is for others, e.g. for the party at the other end."""
        for listener in self._listeners:
            listener.offer(digit)
        self._last = digit
        if is_kept and len(self._waiting) < _MOST_UNREAD:
            self._waiting.append(digit)
            self._news.set()

    async def take(self) -> str:
        """Take the oldest digit that waits; wait for one where there is none."""
        while not self._waiting:
            self._news.clear()
            await self._news.wait()
        return self._pop()

    def show_last(self) -> str:
        """Return the last digit pressed since this was asked or `mark_taken` called, "" without one."""
        last, self._last = self._last, ""
        if last:
            self._shown = len(self._waiting)
        return last

    def mark_taken(self) -> None:
        """Who took digits is done: what was pressed until now is not told by `show_last` any more."""
        self._last = ""
        self._shown = 0

    def drop_shown(self) -> None:
        """Forget the digits that wait and that `show_last` has told of: the flow has read them."""
        for _ in range(min(self._shown, len(self._waiting))):
            self._pop()

    def drop_all(self) -> None:
        """Forget all digits that wait: they were for others, e.g. for a conference."""
        self._waiting.clear()
        self._shown = self._spent = 0

    def _pop(self) -> str:
        self._shown, self._spent = max(0, self._shown - 1), max(0, self._spent - 1)
        return self._waiting.popleft()

    @contextmanager
    def watch(self) -> Iterator[DigitListener]:
        """Within this context the listener hears every digit."""
        listener = DigitListener()
        self._listeners.append(listener)
        try:
            yield listener
        finally:
            self._listeners.remove(listener)
