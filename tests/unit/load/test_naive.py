import pytest

from benchmarks.load.limit import Trial, first_calls, promised_calls
from benchmarks.load.naive import NaivePeer, Round, mean_cost
from benchmarks.load.report import naive_with_calls
from benchmarks.load.script import Said, Script, Side

SPOKEN = Script(Side(bytes(32000), (Said("a", 0, 1),)), Side(bytes(32000), (Said("b", 1, 2),)))


class Recognizer:
    def __init__(self, model: object, rate: int) -> None:
        assert rate == 8000

    def SetWords(self, is_on: bool) -> None:  # noqa: N802 - Vosk's name
        assert is_on

    def AcceptWaveform(self, pcm: bytes) -> bool:  # noqa: N802 - Vosk's name
        assert len(pcm) == 3200
        return False

    def PartialResult(self) -> str:  # noqa: N802 - Vosk's name
        return "{}"


def test_a_fast_recognizer_keeps_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vosk.KaldiRecognizer", Recognizer)
    peer = NaivePeer(None, [SPOKEN])
    found = peer.keep_up(2, 0.5)
    assert (found.calls, found.keeps_up) == (2, True)
    assert found.p95_seconds <= found.longest_seconds
    assert peer.promise() > 10


def test_cost_is_of_all_rounds() -> None:
    rounds = [Round(6, False, 2.0, 3.0, 200.0, 0.9), Round(2, True, 0.1, 0.2, 100.0, 0.2)]
    assert mean_cost(rounds) == 175.0
    assert mean_cost([]) == 0.0


def test_the_naive_way_with_calls_beside_it() -> None:
    naive = {"two_sided_calls": 6, "cpu_ms_per_call_second": 300.0, "busy": 0.9}
    assert naive_with_calls(naive, {"app": 10.0, "asterisk": 14.0, "sipp": 6.0, "recognition": 200.0}, 2) == 5
    assert naive_with_calls(naive, {}, 2) == 6


def test_where_the_search_begins() -> None:
    assert first_calls(3.5, 8.0, 6, 2) == 21
    assert first_calls(3.5, 8.0, None, 2) == 16
    assert first_calls(0.8, 2.0, 0, 4) == 8
    assert first_calls(0.8, 2.0, 1, 2) == 1


def test_two_steps_make_a_line() -> None:
    assert promised_calls([Trial(10, True, 0.3)], 0.9) == pytest.approx(30)
    assert promised_calls([Trial(40, True, 0.7), Trial(10, True, 0.3)], 0.9) == pytest.approx(55)
    assert promised_calls([Trial(10, True, 0.5), Trial(20, True, 0.4)], 0.8) == pytest.approx(40)
