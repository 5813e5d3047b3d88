import pytest

from benchmarks.load.hearing import hear, percentile
from benchmarks.load.script import Said, Script, Side
from benchmarks.load.sipp import Moments
from benchmarks.load.watcher import Heard, WatchedCall

SCRIPT = Script(
    Side(bytes(16000), (Said("good morning", 1.0, 2.0), Said("good bye", 8.0, 9.0))),
    Side(bytes(16000), (Said("how are you", 4.0, 5.0),)),
)
NAME = "s0x1p0n0"
CALLER = Moments({}, {}, {NAME: 100.0}, {NAME: 120.0})
CALLEE = Moments({}, {}, {NAME: 100.2}, {})
WHOLE = (0.0, 1000.0)


def call(*heard: Heard) -> dict[str, WatchedCall]:
    return {NAME: WatchedCall(NAME, 99.0, 99.5, None, 99.6, list(heard))}


def row(direction: str, text: str, start: float, end: float, arrival: float) -> Heard:
    return Heard(direction, text, start, end, arrival, is_degraded=False)


def test_latency_is_from_the_last_word_to_the_last_piece() -> None:
    calls = call(
        row("in", "Good", 101.0, 101.4, 101.8),
        row("in", "morning.", 101.6, 102.0, 102.4),
        row("out", "How are you?", 104.2, 105.2, 105.7),
    )
    found = hear(calls, [SCRIPT], CALLER, CALLEE, WHOLE)
    assert sorted(found.final_ms) == pytest.approx([400.0, 500.0])
    assert (found.said, found.unheard) == (3, 1)
    assert found.slowest[0][1:3] == (NAME, "out")
    assert found.error_percent("en-US") == pytest.approx(100 * 2 / 7, abs=0.1)


def test_what_was_said_outside_the_window_or_after_the_call_does_not_count() -> None:
    calls = call(row("in", "Good morning", 101.0, 102.0, 102.4))
    found = hear(calls, [SCRIPT], CALLER, CALLEE, (103.0, 1000.0))
    assert (found.said, found.final_ms) == (2, [])
    left = Moments({}, {}, {NAME: 100.0}, {NAME: 103.0})
    assert hear(calls, [SCRIPT], left, CALLEE, WHOLE).said == 1


def test_calls_without_a_transcribe_do_not_count() -> None:
    calls = call()
    calls[NAME].transcribe_began = None
    found = hear(calls, [SCRIPT], CALLER, CALLEE, WHOLE)
    assert (found.said, found.error_percent("en-US")) == (0, None)


def test_korean_is_counted_by_characters() -> None:
    script = Script(Side(bytes(16000), (Said("가 나 다라", 1.0, 2.0),)), Side(bytes(16000), ()))
    found = hear(call(row("in", "가나 다마", 101.0, 102.0, 102.4)), [script], CALLER, CALLEE, WHOLE)
    assert found.error_percent("ko-KR") == 25.0


@pytest.mark.parametrize(("percent", "value"), [(50, 5), (95, 10), (90, 9), (1, 1), (100, 10)])
def test_percentiles_are_values_that_occurred(percent: float, value: float) -> None:
    assert percentile([float(n) for n in range(10, 0, -1)], percent) == value
    assert percentile([], percent) is None
