import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.load.limit import Trial, best, next_calls


def search(limit: int, first: int, most_trials: int, cost: float | None = None) -> list[Trial]:
    """Search where `limit` calls hold and each costs a part of the processors."""
    trials: list[Trial] = []
    calls: int | None = first
    while calls is not None:
        trials.append(Trial(calls, calls <= limit, min(1.0, calls * (cost or 0.95 / limit))))
        calls = next_calls(trials, most_calls=200, most_trials=most_trials)
    return trials


def test_the_processors_tell_how_far_it_may_go() -> None:
    assert [trial.calls for trial in search(50, 12, 3)] == [12, 48, 52]
    assert best(search(50, 12, 6)) >= 48


@given(st.integers(1, 150), st.integers(1, 30), st.integers(2, 12), st.floats(0.001, 0.2))
def test_it_ends_and_never_tries_what_it_knows(limit: int, first: int, most: int, cost: float) -> None:
    trials = search(limit, first, most, cost)
    assert len(trials) <= most
    assert len({trial.calls for trial in trials}) == len(trials)
    assert all(1 <= trial.calls <= 200 for trial in trials)
    assert best(trials) <= limit


@given(st.integers(1, 150), st.integers(1, 30))
def test_with_time_enough_it_comes_near(limit: int, first: int) -> None:
    found = best(search(limit, first, 30))
    assert found <= limit
    assert found >= min(limit, 200) - max(1, round(limit * 0.1))


def test_nothing_holds() -> None:
    trials = search(0, 12, 10, 0.01)
    assert [trial.calls for trial in trials] == [12, 6, 3, 1]
    assert best(trials) == 0


def test_the_most_calls_are_not_exceeded() -> None:
    assert next_calls([Trial(90, True, 0.1)], most_calls=100, most_trials=5) == 100
    assert next_calls([Trial(100, True, 0.1)], most_calls=100, most_trials=5) is None


@pytest.mark.parametrize("busy", [0.0, 0.3, 0.99, 1.0])
def test_between_what_held_and_what_did_not(busy: float) -> None:
    calls = next_calls([Trial(20, True, busy), Trial(40, False, 1.0)], most_calls=100, most_trials=5)
    assert calls is not None
    assert 20 < calls < 40
