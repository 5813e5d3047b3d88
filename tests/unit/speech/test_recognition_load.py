"""How the level follows the load, on a clock of the test's own."""

import pytest

from app.speech.recognition_load import (
    CALM_BUSY,
    LUXURY_SHARE,
    MOST_DELAY_SECONDS,
    SAMPLE_SECONDS,
    SHED_BUSY,
    SHED_DELAY_SECONDS,
    LoadLevel,
    RecognitionLoad,
    RecognitionOverloaded,
)

NORMAL, SHEDDING, FULL = LoadLevel


class Scale:
    """Two threads, and what they do from sample to sample; all levels that were, with the times they began."""

    def __init__(self, **options: float) -> None:
        self.load = RecognitionLoad(2, **options)
        self.now = 1000.0
        self.changes: list[tuple[float, LoadLevel]] = []
        self.load.on_change = lambda level: self.changes.append((self.now, level))
        self.load.sample(self.now, None)

    def live(self, seconds: float, *, delay: float = 0.0, busy: float = 0.0, luxury: float = 0.0) -> LoadLevel:
        """Go on for some seconds with ends that wait so long, and threads that are busy for that share."""
        for _ in range(round(seconds / SAMPLE_SECONDS)):
            self.now += SAMPLE_SECONDS
            if delay:
                self.load.note_begun(delay, delay)
            self.load.note_busy(busy * SAMPLE_SECONDS * 2)
            self.load.note_luxury(luxury * SAMPLE_SECONDS * 2)
            self.load.sample(self.now, None)
        return self.load.level

    @property
    def levels(self) -> list[LoadLevel]:
        return [level for _, level in self.changes]


def test_more_and_more_load_and_back() -> None:
    scale = Scale()
    assert scale.live(60, delay=0.05, busy=0.5) is NORMAL
    assert scale.live(5, delay=0.3, busy=0.8) is SHEDDING
    assert scale.live(60, delay=0.3, busy=0.8) is SHEDDING
    scale.load.require_room()
    assert scale.live(5, delay=0.9, busy=1.0) is FULL
    with pytest.raises(RecognitionOverloaded) as refused:
        scale.load.require_room()
    assert scale.load.refused == 1
    assert refused.value.retryable
    assert refused.value.details["limited_by"] == "recognition"
    assert "0.9 s behind" in refused.value.message
    fell_at = scale.now
    assert scale.live(30) is NORMAL
    assert scale.levels == [SHEDDING, FULL, SHEDDING, NORMAL]
    assert scale.changes[-1][0] - fell_at < 15
    scale.load.require_room()


def test_a_burst_of_a_moment_changes_nothing() -> None:
    scale = Scale()
    for _ in range(20):
        scale.live(SAMPLE_SECONDS, delay=0.6, busy=1.0)
        scale.live(5, busy=0.2)
    assert scale.levels == []


def test_threads_that_never_rest_shed_before_anybody_is_late() -> None:
    scale = Scale()
    assert scale.live(30, busy=SHED_BUSY - 0.05) is NORMAL
    assert scale.live(30, busy=SHED_BUSY + 0.05) is SHEDDING
    assert scale.load.delay_seconds == 0
    assert scale.live(60, busy=CALM_BUSY + 0.02) is SHEDDING
    assert scale.live(30, busy=CALM_BUSY - 0.05) is NORMAL


def test_shedding_interims_is_not_taken_for_a_fall_of_the_load() -> None:
    scale = Scale()
    scale.live(30, busy=SHED_BUSY + 0.05, luxury=0.2)
    assert scale.load.level is SHEDDING
    assert scale.live(60, busy=SHED_BUSY + 0.05 - 0.2) is SHEDDING, "they would bring it back at once"
    assert scale.levels == [SHEDDING]
    assert scale.live(30, busy=CALM_BUSY - 0.2 - 0.05) is NORMAL


def test_what_waits_counts_before_a_thread_turns_to_it() -> None:
    scale = Scale()
    due_at = scale.now
    for _ in range(12):
        scale.now += SAMPLE_SECONDS
        scale.load.sample(scale.now, due_at)
    assert scale.load.level is FULL, "all threads hang at other lanes"


def test_what_is_not_due_yet_is_not_late() -> None:
    scale = Scale()
    for _ in range(40):
        scale.now += SAMPLE_SECONDS
        scale.load.note_begun(3.5, -0.5)
        scale.load.sample(scale.now, scale.now + 1.0)
    assert scale.load.delay_seconds == 0
    assert scale.levels == []


@pytest.mark.parametrize("period", [2.0, 6.0, 11.0, 20.0])
def test_a_load_that_comes_and_goes_does_not_make_it_flap(period: float) -> None:
    """Peaks around the limit, for ten minutes: the level changes far less often than the load does."""
    scale = Scale()
    for _ in range(round(600 / period)):
        scale.live(period / 2, delay=MOST_DELAY_SECONDS * 1.6, busy=1.0)
        scale.live(period / 2, delay=0.02, busy=0.4)
    assert len(scale.changes) <= 4 + 2 * 600 / 16
    levels = [NORMAL, *scale.levels]
    risen_at = 0.0
    for (at, level), before in zip(scale.changes, levels, strict=False):
        if level > before:
            risen_at = at
        else:
            assert at - risen_at >= 4, "going down takes its time"


def test_a_relapse_makes_it_wait_longer_but_never_beyond_half_a_minute() -> None:
    scale = Scale()
    lasted = []
    for _ in range(6):
        scale.live(3, delay=1.0, busy=1.0)
        assert scale.load.level is FULL
        fell_at = scale.now
        while scale.live(SAMPLE_SECONDS) is not NORMAL:
            pass
        lasted.append(scale.now - fell_at)
    assert lasted[0] < lasted[1] < lasted[2]
    assert max(lasted) < 30
    scale.live(120)
    scale.live(3, delay=1.0, busy=1.0)
    fell_at = scale.now
    while scale.live(SAMPLE_SECONDS) is not NORMAL:
        pass
    assert scale.now - fell_at < lasted[2], "forgotten after a quiet time"


def test_after_the_worst_it_is_back_within_half_a_minute() -> None:
    scale = Scale()
    scale.live(300, delay=20.0, busy=1.0)
    assert scale.levels == [SHEDDING, FULL] or scale.levels == [FULL]
    assert scale.live(25) is NORMAL


def test_costly_interims_have_a_budget() -> None:
    scale = Scale()
    assert scale.load.has_luxury
    scale.live(5, busy=0.4, luxury=LUXURY_SHARE + 0.1)
    assert scale.load.level is NORMAL
    assert not scale.load.has_luxury
    scale.live(5, busy=0.2)
    assert scale.load.has_luxury
    scale.live(5, delay=SHED_DELAY_SECONDS * 2)
    assert not scale.load.has_luxury


def test_the_limit_is_a_setting() -> None:
    never = Scale(most_delay_seconds=0)
    assert never.live(60, delay=30, busy=1.0) is SHEDDING
    never.load.require_room()
    late = Scale(most_delay_seconds=3.0)
    assert late.live(30, delay=2.5) is SHEDDING
    early = Scale(most_delay_seconds=0.1)
    assert early.live(30, delay=0.15) is FULL
    assert early.levels[-1] is FULL
