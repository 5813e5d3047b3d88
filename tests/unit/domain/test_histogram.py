"""A histogram counts what lay at or below each bound."""

from app.domain.histogram import Histogram


def test_values_are_counted_at_or_below_their_bound() -> None:
    histogram = Histogram((0.1, 1.0))
    for value in (-0.5, 0.0, 0.1, 0.2, 1.0, 7.0):
        histogram.observe(value)
    assert histogram.buckets == [("0.1", 3), ("1", 5), ("+Inf", 6)]
    assert histogram.count == 6
    assert histogram.total == 8.3, "what another clock makes negative counts as nothing"


def test_an_empty_one_has_all_bounds() -> None:
    assert Histogram((0.5,)).buckets == [("0.5", 0), ("+Inf", 0)]
