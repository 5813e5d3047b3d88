"""What a load looked like over time: its samples as named curves, thinned out so that a report stays small."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Final

from benchmarks.load.histograms import quantile
from benchmarks.load.stage import Sample
from benchmarks.load.step_result import DELAY, EVENT_LAG, PACKETS

MOST_POINTS: Final = 180
_LOST: Final = f'{PACKETS}{{kind="lost"}}'
_MEGABYTE: Final = 2**20


def curves(
    samples: Sequence[Sample], finals_at: Sequence[tuple[float, float]] = (), most_points: int = MOST_POINTS
) -> list[dict[str, Any]]:
    """Curves as `{"title", "unit", "lines": {name: [[seconds, value]]}}`; none for less than three moments."""
    if len(samples) < 3:
        return []
    begun = samples[0].usage.at
    some = list(samples)[:: max(1, -(-len(samples) // most_points))]
    at = [round(sample.usage.at - begun, 1) for sample in some]

    def line(value: Callable[[Sample], float]) -> list[tuple[float, float]]:
        return [(x, round(value(sample), 1)) for x, sample in zip(at, some, strict=True)]

    finals = [(round(at - begun, 1), round(ms)) for at, ms in sorted(finals_at)]
    return [
        {"title": "live calls", "unit": "calls", "lines": {"calls": line(lambda sample: sample.live)}},
        {"title": "processors", "unit": "% of one", "lines": _processors(some)},
        {
            "title": "recognition delay",
            "unit": "ms",
            "lines": {"delay": line(lambda sample: 1000 * sample.metrics.get(DELAY, 0.0))},
        },
        {"title": "lag of ARI events, p95", "unit": "ms", "lines": {"lag": _event_lag(some)}},
        {
            "title": "final latency",
            "unit": "ms",
            "lines": {"finals": finals[:: max(1, -(-len(finals) // most_points))]},
        },
        {
            "title": "memory",
            "unit": "MB",
            "lines": {
                "app": line(lambda sample: sample.usage.app_rss / _MEGABYTE),
                "asterisk": line(lambda sample: sample.usage.asterisk_rss / _MEGABYTE),
            },
        },
        {
            "title": "packets lost",
            "unit": "since the beginning",
            "lines": {"lost": line(lambda s: s.metrics.get(_LOST, 0.0) - some[0].metrics.get(_LOST, 0.0))},
        },
    ]


def _processors(samples: Sequence[Sample]) -> dict[str, list[tuple[float, float]]]:
    cpu: dict[str, list[tuple[float, float]]] = {name: [] for name in ("app", "recognition", "asterisk", "sipp")}
    for earlier, later in pairwise(samples):
        span = max(0.01, later.usage.at - earlier.usage.at)
        for name, seconds in later.usage.cpu_since(earlier.usage).items():
            if name in cpu:
                at = round(later.usage.at - samples[0].usage.at, 1)
                cpu[name].append((at, round(max(0.0, 100 * seconds / span), 1)))
    return cpu


def _event_lag(samples: Sequence[Sample]) -> list[tuple[float, float]]:
    """Between each sample and the next; where no event came there is no point."""
    points = []
    for earlier, later in pairwise(samples):
        lag = quantile(EVENT_LAG, earlier.metrics, later.metrics, 0.95)
        if lag is not None:
            points.append((round(later.usage.at - samples[0].usage.at, 1), round(1000 * lag, 2)))
    return points
