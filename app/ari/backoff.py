"""How long to wait before the next attempt to connect."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Doubling waits between `first_seconds` and `limit_seconds`, each cut by up to half at random."""

    first_seconds: float = 0.25
    limit_seconds: float = 10.0

    def delays(self, draw: Callable[[], float] = random.random) -> Iterator[float]:
        """Yield the waits in seconds, without end; the random half keeps many clients from coming back at once."""
        step = self.first_seconds
        while True:
            yield step * (1 - draw() / 2)
            step = min(step * 2, self.limit_seconds)
