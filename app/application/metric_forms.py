"""The forms of metrics: a number now, a total that only grows, a histogram; each with its labels in one line."""

from collections.abc import Iterable, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from app.domain.histogram import Histogram

Rows = Mapping[str, float] | Iterable[tuple[str, float]]


def gauge(name: str, text: str, value: float) -> Metric:
    """Return a number as it is now; `text` is its help."""
    return GaugeMetricFamily(name, text, value)


def gauges(name: str, text: str, label: str, rows: Rows) -> Metric:
    """Return one number for each value of a label."""
    family = GaugeMetricFamily(name, text, labels=[label])
    for key, value in dict(rows).items():
        family.add_metric([key], value)
    return family


def total(name: str, text: str, value: float) -> Metric:
    """Return a number that only grows while the program runs; `_total` is added to its name."""
    return CounterMetricFamily(name, text, value)


def totals(name: str, text: str, label: str, rows: Rows) -> Metric:
    """Return one such number for each value of a label."""
    family = CounterMetricFamily(name, text, labels=[label])
    for key, value in dict(rows).items():
        family.add_metric([key], value)
    return family


def histogram(name: str, text: str, values: Histogram) -> Metric:
    """Return a histogram of seconds: `_bucket`, `_count`, `_sum`."""
    return HistogramMetricFamily(name, text, values.buckets, values.total)
