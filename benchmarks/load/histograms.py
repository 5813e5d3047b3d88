"""Quantiles of Prometheus' histograms, over the time between two looks."""

import re
from typing import Final

_LE: Final = re.compile(r'le="([^"]+)"')


def quantile(name: str, before: dict[str, float], after: dict[str, float], share: float) -> float | None:
    """The value that `share` (0 to 1) of what came in between do not exceed, interpolated within its bucket.

    None when nothing came in between, or the metric is not there. What lies past the last bound counts as that bound.
    """
    buckets = sorted(
        (float(found[1]), value - before.get(key, 0.0))
        for key, value in after.items()
        if key.startswith(name + "_bucket") and (found := _LE.search(key))
    )
    if not buckets or buckets[-1][1] <= 0:
        return None
    wanted = share * buckets[-1][1]
    low, below = 0.0, 0.0
    for bound, count in buckets:
        if count >= wanted:
            if bound == float("inf"):
                return low
            return low + (bound - low) * ((wanted - below) / (count - below) if count > below else 1.0)
        low, below = bound, count
    return low
