"""A histogram of durations: how many lay below each bound. Cheap enough for every event; metrics read it off."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

SHORT_BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Seconds, for what should take milliseconds; 0.1 is the aim for events of Asterisk."""

LAG_BOUNDS: Final = (
    *(0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05),
    *(0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0),
)
"""Finer ones, for what has an aim for its 95th percentile."""


class Histogram:
    """Counts of values in seconds. `observe` is for one thread; `buckets` and `total` may be read on any."""

    def __init__(self, bounds: Sequence[float] = SHORT_BOUNDS) -> None:
        self.bounds = tuple(bounds)
        self.total = 0.0
        """The sum of all values, in seconds."""
        self._counts = [0] * (len(self.bounds) + 1)

    def observe(self, seconds: float) -> None:
        """Count one value; a negative one (two clocks) counts as 0."""
        seconds = max(0.0, seconds)
        self._counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds

    @property
    def count(self) -> int:
        """How many values there were."""
        return sum(self._counts)

    @property
    def buckets(self) -> list[tuple[str, int]]:
        """Return (bound, how many were at most that), the last bound is `+Inf`: the form of Prometheus."""
        names = [*(format(bound, "g") for bound in self.bounds), "+Inf"]
        seen = 0
        buckets = []
        for name, count in zip(names, self._counts, strict=True):
            seen += count
            buckets.append((name, seen))
        return buckets
