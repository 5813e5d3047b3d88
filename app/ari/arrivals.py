"""Arrivals: the new calls, that is StasisStart of channels that nobody watches and that are not ours."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from app.ari.events import StasisStart

DEFAULT_LIMIT = 500


class Arrivals:
    """An async iterator of new calls, for one reader. While the connection is being reconciled they are held back."""

    def __init__(self, limit: int = DEFAULT_LIMIT) -> None:
        self._limit = limit
        self._waiting: deque[StasisStart] = deque()
        self._is_held = False
        self._is_ended = False
        self._error: Exception | None = None
        self._wake = asyncio.Event()

    def offer(self, start: StasisStart) -> bool:
        """Queue a new call; False when too many wait already: the caller must turn it away."""
        if self._is_ended or len(self._waiting) >= self._limit:
            return False
        self._waiting.append(start)
        self._wake.set()
        return True

    def hold(self) -> None:
        """Let nobody through until `release`."""
        self._is_held = True

    def release(self) -> None:
        """Let the held ones through."""
        self._is_held = False
        self._wake.set()

    def forget(self) -> int:
        """Drop those that wait (their connection is gone: the sweep finds their channels); return how many."""
        count = len(self._waiting)
        self._waiting.clear()
        return count

    def end(self, error: Exception | None = None) -> None:
        """End the iteration, with `error` where there is one."""
        self._is_ended = True
        self._error = self._error or error
        self._wake.set()

    async def __aiter__(self) -> AsyncIterator[StasisStart]:
        while True:
            while self._waiting and not self._is_held and not self._is_ended:
                yield self._waiting.popleft()
            if self._is_ended:
                if self._error is not None:
                    raise self._error
                return
            self._wake.clear()
            await self._wake.wait()
