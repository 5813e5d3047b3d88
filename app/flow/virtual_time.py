"""An event loop whose time passes at once: a flow that sleeps for an hour is over in a moment.

For flows that touch nothing outside: simulations and tests. Where all wait and nothing is due, nothing would ever
happen: that is an error, not a wait.
"""

import asyncio
import math
import selectors
from collections.abc import Callable, Mapping
from typing import Any

from app.errors import CallscribeError


class NothingHappens(CallscribeError):
    """Everything waits, and for nothing that is due at any time."""

    code = "NOTHING_HAPPENS"


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Jumps to the next moment for which something is planned instead of waiting for it; `time()` begins at 0."""

    def __init__(self) -> None:
        self._now = 0.0
        super().__init__(_JumpingSelector(self._advance))

    def time(self) -> float:
        """Return the virtual time in seconds."""
        return self._now

    def _advance(self, seconds: float) -> None:
        # A little beyond: in months a float is coarser than what asyncio takes for "due", which would be never.
        self._now += seconds
        self._now += 4 * math.ulp(self._now)


class _JumpingSelector(selectors.BaseSelector):
    def __init__(self, advance: Callable[[float], None]) -> None:
        self._real = selectors.DefaultSelector()
        self._advance = advance

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._real.select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            raise NothingHappens("everything waits for something that never comes")
        self._advance(max(0.0, timeout))
        return []

    def close(self) -> None:
        self._real.close()

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map() or {}
