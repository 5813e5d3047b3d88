"""When samples were heard: late packets do not shift it, lost ticks do, and it never goes back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.media.media_clock import MediaClock

FRAME = 160


def feed(clock: MediaClock, first: int, arrivals: list[float]) -> list[float]:
    """Let the packets from number `first` arrive; return when their first samples were heard."""
    times = []
    for number, arrived_at in enumerate(arrivals, first):
        clock.observe((number + 1) * FRAME, arrived_at)
        times.append(clock.time_at(number * FRAME))
    return times


def test_a_packet_was_heard_one_frame_before_it_came() -> None:
    assert feed(MediaClock(), 0, [100.0, 100.02]) == pytest.approx([99.98, 100.0])


def test_a_late_burst_does_not_shift_times() -> None:
    clock = MediaClock()
    feed(clock, 0, [100 + 0.02 * number for number in range(50)])

    burst = feed(clock, 50, [103.0] * 100)

    assert burst == pytest.approx([100.98 + 0.02 * number for number in range(100)])


def test_jitter_settles_on_the_fastest_packet() -> None:
    clock = MediaClock()
    times = feed(clock, 0, [100 + 0.02 * number + 0.01 * (number % 3) for number in range(1, 40)])

    assert times[-1] == pytest.approx(100 + 0.02 * 39 - 0.02)


def test_lost_ticks_move_the_anchor_after_the_window() -> None:
    clock = MediaClock()
    feed(clock, 0, [100 + 0.02 * number for number in range(100)])

    later = feed(clock, 100, [100.5 + 0.02 * number for number in range(100, 500)])

    assert later[0] == pytest.approx(100 + 0.02 * 100 - 0.02)
    assert later[-1] == pytest.approx(100.5 + 0.02 * 499 - 0.02)


def test_restart_takes_the_new_mapping_at_once() -> None:
    clock = MediaClock()
    feed(clock, 0, [100 + 0.02 * number for number in range(300)])
    clock.restart()

    assert feed(clock, 300, [3700.0, 3700.02]) == pytest.approx([3699.98, 3700.0])


@given(st.lists(st.tuples(st.floats(0, 3), st.booleans()), min_size=1, max_size=400))
def test_times_never_go_back(steps: list[tuple[float, bool]]) -> None:
    clock = MediaClock()
    now, times = 50.0, []
    for number, (pause, is_restart) in enumerate(steps):
        now += pause
        if is_restart:
            clock.restart()
        times += feed(clock, number, [now])
    assert times == sorted(times)
    assert times[-1] <= now
