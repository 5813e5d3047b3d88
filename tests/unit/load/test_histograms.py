import pytest

from benchmarks.load.histograms import quantile

NAME = "callscribe_ari_event_lag_seconds"


def buckets(**counts: float) -> dict[str, float]:
    return {f'{NAME}_bucket{{le="{bound.removeprefix("b").replace("_", ".")}"}}': n for bound, n in counts.items()}


def test_what_was_before_does_not_count() -> None:
    before = buckets(b0_01=100, b0_1=100) | {f'{NAME}_bucket{{le="+Inf"}}': 100.0}
    after = buckets(b0_01=100, b0_1=200) | {f'{NAME}_bucket{{le="+Inf"}}': 200.0}
    assert quantile(NAME, before, after, 0.5) == pytest.approx(0.055)
    assert quantile(NAME, {}, after, 0.5) == pytest.approx(0.01)


def test_past_the_last_bound() -> None:
    after = buckets(b0_1=1) | {f'{NAME}_bucket{{le="+Inf"}}': 100.0}
    assert quantile(NAME, {}, after, 0.95) == 0.1


def test_nothing_came() -> None:
    after = buckets(b0_1=1) | {f'{NAME}_bucket{{le="+Inf"}}': 1.0}
    assert quantile(NAME, after, after, 0.95) is None
    assert quantile(NAME, {}, {}, 0.95) is None
