"""Rate limits (contract 1.4): token buckets in memory, of a bounded number."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from app.api.errors import RateLimitExceeded

_MAX_BUCKETS = 10_000


@dataclass(frozen=True, slots=True)
class Rate:
    """`per_second` requests on average, `burst` at once; no limit when `per_second` is 0 or less."""

    per_second: float
    burst: int


@dataclass(frozen=True, slots=True)
class RateLimits:
    """The limits of the contract, each a setting."""

    auth_per_address: Rate = Rate(10, 20)
    api_per_address: Rate = Rate(200, 400)
    per_customer: Rate = Rate(16.7, 33)


class RateLimiter:
    """Takes or refuses requests by key (an address, a customer). The keys unused for longest are forgotten first."""

    def __init__(
        self,
        rate: Rate,
        limited_by: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        max_buckets: int = _MAX_BUCKETS,
    ) -> None:
        self._rate = rate
        self._limited_by = limited_by
        self._clock = clock
        self._max_buckets = max_buckets
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """key -> (tokens, when they were counted), least recently used first"""

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, key: str) -> None:
        """Count one request of `key`; RateLimitExceeded says when to come again."""
        if self._rate.per_second <= 0:
            return
        now = self._clock()
        full = float(max(1, self._rate.burst))
        tokens, counted_at = self._buckets.pop(key, (full, now))
        tokens = min(full, tokens + (now - counted_at) * self._rate.per_second)
        is_taken = tokens >= 1
        self._buckets[key] = (tokens - 1 if is_taken else tokens, now)
        if len(self._buckets) > self._max_buckets:
            self._buckets.popitem(last=False)
        if not is_taken:
            wait_seconds = (1 - tokens) / self._rate.per_second
            raise RateLimitExceeded(self._limited_by, max(1, math.ceil(wait_seconds)))
