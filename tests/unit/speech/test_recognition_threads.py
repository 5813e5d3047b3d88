"""Whose turn it is: the end of an utterance that was there first, and nobody waits for ever."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from app.domain.audio import SAMPLE_RATE
from app.speech import lane_queue
from app.speech.feed_events import FeedEvent, Final, Interim, SpeechStarted
from app.speech.lane_queue import Drained, LaneQueue
from app.speech.recognition_load import SAMPLE_SECONDS, LoadLevel, RecognitionLoad
from app.speech.recognition_threads import RecognitionThreads
from app.speech.recognizer import Recognition, Recognizer
from app.speech.segment_events import UtteranceAudio, UtteranceEnded, UtterancePaused, UtteranceStarted

PIECE = bytes(SAMPLE_RATE // 10 * 2)


class SlowRecognizer:
    """Says what it decodes to `done`, and stops before every piece until `gate` is open."""

    def __init__(self, name: str, done: list[str], gate: threading.Event) -> None:
        self.accepted_seconds = 0.0
        self.prepared = 0
        self._name = name
        self._done = done
        self._gate = gate

    def accept(self, pcm: bytes) -> None:
        assert self._gate.wait(20)
        self._done.append(f"{self._name} piece")

    def interim(self) -> str:
        return "so far"

    def prepare(self) -> None:
        self.prepared += 1

    def finish(self) -> Recognition:
        assert self._gate.wait(20)
        self._done.append(f"{self._name} end")
        return Recognition(self._name)

    def reset(self) -> None:
        pass

    def close(self) -> None:
        pass


class Source:
    """Lends always the same."""

    def __init__(self, recognizer: SlowRecognizer) -> None:
        self.recognizer = recognizer

    def borrow(self) -> Recognizer:
        return self.recognizer

    def give_back(self, recognizer: Recognizer) -> None:
        pass

    def discard(self, recognizer: Recognizer) -> None:
        pass


class Bench:
    """One recognition thread, its lanes, and what it did in which order."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.gate = threading.Event()
        self.load = RecognitionLoad(1)
        self.threads = RecognitionThreads(1, self.load, lambda lane, error: None)
        self.events: list[FeedEvent | Drained] = []
        self.drained = threading.Semaphore(0)
        self.is_started = False

    def start(self) -> None:
        self.is_started = True
        self.threads.start()

    def lane(self, name: str, *, is_patient: bool = False, is_luxury: bool = False) -> LaneQueue:
        return LaneQueue(
            Source(SlowRecognizer(name, self.done, self.gate)),
            self._deliver,
            load=self.load,
            most_seconds=10.0,
            has_interims=True,
            is_preparing_luxury=is_luxury,
            is_patient=is_patient,
        )

    def say(self, lane: LaneQueue, pieces: int, *, is_ended: bool = True) -> None:
        lane.add(UtteranceStarted(0.0, 0.0))
        for _ in range(pieces):
            lane.add(UtteranceAudio(PIECE))
        if is_ended:
            lane.add(UtteranceEnded(0.0, 1.0, 1.0, is_cut=False))
        self.threads.schedule(lane)

    def finish(self, *lanes: LaneQueue) -> None:
        for lane in lanes:
            lane.add(Drained())
            self.threads.schedule(lane)
        self.gate.set()
        for _ in lanes:
            assert self.drained.acquire(timeout=20)

    def _deliver(self, event: FeedEvent | Drained) -> None:
        self.events.append(event)
        if isinstance(event, Drained):
            self.drained.release()


@pytest.fixture
def bench() -> Iterator[Bench]:
    opened = Bench()
    yield opened
    opened.gate.set()
    if opened.is_started:
        opened.threads.stop()


def test_the_oldest_end_is_brought_to_its_end_first(bench: Bench) -> None:
    first, second, talking = bench.lane("first"), bench.lane("second"), bench.lane("talking")
    bench.say(talking, 3, is_ended=False)
    bench.say(first, 2)
    bench.say(second, 2)
    bench.start()
    bench.finish(first, second, talking)
    ends = [each for each in bench.done if not each.startswith("talking")]
    assert ends == ["first piece", "first piece", "first end", "second piece", "second piece", "second end"]
    assert bench.done[-3:] == ["talking piece"] * 3, "who goes on speaking has time"
    assert bench.load.finals.count == 2
    assert bench.load.waits.count >= 6


def test_who_speaks_on_and_on_is_not_forgotten(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A piece that has waited longer than the slack goes before an end that has only just come."""
    monkeypatch.setattr(lane_queue, "PIECE_SLACK_SECONDS", -1000.0)
    talking, first = bench.lane("talking"), bench.lane("first")
    bench.say(talking, 1, is_ended=False)
    monkeypatch.undo()
    bench.say(first, 1)
    monkeypatch.setattr(lane_queue, "PIECE_SLACK_SECONDS", -1000.0)
    first_due_at, talking_due_at = first.due_at, talking.due_at
    assert first_due_at is not None
    assert talking_due_at is not None
    assert talking_due_at < first_due_at
    bench.threads.schedule(talking)
    bench.start()
    bench.finish(first, talking)
    assert bench.done[0] == "talking piece"


def test_an_end_that_comes_while_the_lane_waits_moves_it_forward(bench: Bench) -> None:
    lanes = [bench.lane(f"{number}") for number in range(4)]
    for lane in lanes:
        bench.say(lane, 1, is_ended=False)
    lanes[3].add(UtteranceEnded(0.0, 1.0, 1.0, is_cut=False))
    bench.threads.schedule(lanes[3])
    bench.start()
    bench.gate.set()
    bench.finish(*lanes)
    assert bench.done[0] == "3 piece"
    assert bench.done[1] == "3 end"


def test_a_lane_that_is_removed_is_not_run(bench: Bench) -> None:
    gone, stays = bench.lane("gone"), bench.lane("stays")
    bench.say(gone, 1)
    bench.say(stays, 1)
    bench.threads.remove(gone)
    bench.start()
    bench.finish(stays)
    assert not [each for each in bench.done if each.startswith("gone")]


def _make_late(load: RecognitionLoad, level: LoadLevel) -> None:
    now = 0.0
    while load.level < level:
        load.note_begun(1.0, 1.0)
        now += SAMPLE_SECONDS
        load.sample(now, None)


def _calm_down(load: RecognitionLoad) -> None:
    now = 1000.0
    while load.level > LoadLevel.NORMAL:
        now += SAMPLE_SECONDS
        load.sample(now, None)


def test_patient_lanes_rest_under_load_and_go_on_after_it(bench: Bench) -> None:
    bench.load.on_change = lambda _level: bench.threads.wake()
    bench.threads.live_lanes = 1
    patient, live = bench.lane("file", is_patient=True), bench.lane("call")
    _make_late(bench.load, LoadLevel.SHEDDING)
    bench.say(patient, 1)
    bench.say(live, 1)
    bench.start()
    bench.finish(live)
    assert bench.done == ["call piece", "call end"]
    _calm_down(bench.load)
    bench.finish(patient)
    assert bench.done[2:] == ["file piece", "file end"]


def test_nothing_is_decoded_ahead_under_load(bench: Bench) -> None:
    for level, prepared in ((LoadLevel.NORMAL, 1), (LoadLevel.SHEDDING, 0)):
        bench.gate.set()
        lane = bench.lane("call", is_luxury=True)
        _make_late(bench.load, level)
        lane.add(UtteranceStarted(0.0, 0.0))
        lane.add(UtteranceAudio(PIECE))
        lane.add(UtterancePaused())
        _run(lane)
        assert isinstance(lane.recognizer, SlowRecognizer)
        assert lane.recognizer.prepared == prepared


def _run(lane: LaneQueue, is_busy: Callable[[], bool] = lambda: False) -> None:
    while lane.run(is_busy):
        pass


def test_interims_are_the_first_that_is_left_out(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.gate.set()
    monkeypatch.setattr(lane_queue, "_INTERIM_SECONDS", 0.0)
    lane = bench.lane("call")
    for level, expected in ((LoadLevel.NORMAL, 1), (LoadLevel.SHEDDING, 0)):
        bench.events.clear()
        _make_late(bench.load, level)
        lane.add(UtteranceStarted(0.0, 0.0))
        lane.add(UtteranceAudio(PIECE))
        _run(lane)
        lane.add(UtteranceEnded(0.0, 1.0, 1.0, is_cut=False))
        _run(lane)
        kinds = [type(event) for event in bench.events]
        assert kinds.count(Interim) == expected
        assert kinds.count(Final) == kinds.count(SpeechStarted) == 1
    assert lane.counts.shed_interims == 1


def test_the_queue_is_bounded_in_seconds_and_in_steps_whatever_comes(bench: Bench) -> None:
    """An hour of utterances that nobody decodes: ten seconds of sound wait, and one gap for the rest."""
    lane = bench.lane("call")
    at = 0.0
    for _ in range(1800):
        lane.add(UtteranceStarted(at, at))
        for _ in range(10):
            lane.add(UtteranceAudio(PIECE))
        lane.add(UtterancePaused())
        lane.add(UtteranceEnded(at, at + 1, 1.0, is_cut=False))
        at += 2
    assert lane.backlog_seconds <= 10
    assert len(lane._steps) < 150
    bench.gate.set()
    _run(lane)
    assert lane.counts.gaps == 1
    assert lane.counts.gap_seconds == pytest.approx(3600, abs=25)
    assert lane.due_at is None


def test_when_all_are_late_less_waits(bench: Bench) -> None:
    _make_late(bench.load, LoadLevel.FULL)
    call, file = bench.lane("call"), bench.lane("file", is_patient=True)
    for lane in (call, file):
        lane.add(UtteranceStarted(0.0, 0.0))
        for _ in range(200):
            lane.add(UtteranceAudio(PIECE))
    assert call.backlog_seconds == pytest.approx(5.0, abs=0.11)
    assert file.backlog_seconds == pytest.approx(10.0, abs=0.11)


def test_due_is_when_the_end_was_added(bench: Bench) -> None:
    lane = bench.lane("call")
    assert lane.due_at is None
    before = time.monotonic()
    lane.add(UtteranceStarted(0.0, 0.0))
    due_at = lane.due_at
    assert due_at is not None
    assert due_at >= before + lane_queue.PIECE_SLACK_SECONDS
    lane.add(UtteranceEnded(0.0, 1.0, 1.0, is_cut=False))
    due_at = lane.due_at
    assert due_at is not None
    assert before <= due_at <= time.monotonic()
