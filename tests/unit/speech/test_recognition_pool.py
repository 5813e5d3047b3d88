"""The pool with a scripted engine: order, isolation, shedding, draining, nothing left behind."""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path

import pytest

from app.domain.audio import SAMPLE_RATE, pcm_seconds
from app.speech import recognition_pool
from app.speech.feed import Feed
from app.speech.feed_events import FeedEvent, FeedFailed, Final, Gap, Interim, SpeechEnded, SpeechStarted
from app.speech.installed_model import InstalledModel
from app.speech.recognition_load import LoadLevel, RecognitionOverloaded
from app.speech.recognition_pool import RecognitionPool, open_recognition_pool
from app.speech.recognizer import Recognition, RecognitionFailed, RecognizedWord, Recognizer, SpeechEngine
from tests.speech_files import frames_of, librivox_files, read_samples

MODEL = InstalledModel("scripted", "model", Path("/nowhere"), "en-US")
PAUSE = bytes(SAMPLE_RATE * 2)
SPEECH = read_samples(librivox_files()[1][0])


class Library:
    def resolve(self, tag: str) -> InstalledModel:
        return MODEL


class ScriptedRecognizer:
    """Says how many seconds it heard; stops at the gate; fails on demand."""

    def __init__(self, engine: "ScriptedEngine", number: int) -> None:
        self.accepted_seconds = 0.0
        self.engine = engine
        self.number = number
        self.heard = 0.0
        self.is_closed = False
        self.has_failed = False

    def accept(self, pcm: bytes) -> None:
        assert self.engine.gate.wait(20)
        if self._is_of(self.engine.failing):
            self.has_failed = True
            raise RecognitionFailed("scripted to fail")
        self.accepted_seconds += pcm_seconds(pcm)
        self.heard += pcm_seconds(pcm)

    def interim(self) -> str:
        return f"{self.heard:.1f}"

    def prepare(self) -> None:
        pass

    def finish(self) -> Recognition:
        assert self.engine.gate.wait(20)
        if self._is_of(self.engine.slow):
            assert self.engine.release.wait(20)
        heard, self.heard = self.heard, 0.0
        self.engine.finished.append(self.number)
        if self.engine.is_mute:
            return Recognition("")
        return Recognition(f"{heard:.1f}", (RecognizedWord("word", 0.3, heard, 0.5),), 0.5)

    def reset(self) -> None:
        self.heard = 0.0

    def close(self) -> None:
        self.is_closed = True

    def _is_of(self, feeds: list[Feed]) -> bool:
        return any(feed.lane.recognizer is self for feed in feeds)


class ScriptedEngine:
    def __init__(self) -> None:
        self.is_streaming = True
        self.pause_lead_ms: int | None = 80
        self.gate = threading.Event()
        self.gate.set()
        self.failing: list[Feed] = []
        """The recognizers that these have borrowed fail."""
        self.slow: list[Feed] = []
        self.release = threading.Event()
        self.is_mute = False
        self.made: list[ScriptedRecognizer] = []
        self.finished: list[int] = []
        self.is_closed = False
        self._lock = threading.Lock()

    def create_recognizer(self) -> Recognizer:
        with self._lock:
            self.made.append(ScriptedRecognizer(self, len(self.made)))
            return self.made[-1]

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def engine() -> ScriptedEngine:
    return ScriptedEngine()


@pytest.fixture
def open_pool(engine: ScriptedEngine) -> Callable[..., AbstractAsyncContextManager[RecognitionPool]]:
    def load(model: InstalledModel, threads: int) -> SpeechEngine:
        return engine

    def open_it(**options: float) -> AbstractAsyncContextManager[RecognitionPool]:
        return open_recognition_pool(Library(), load=load, threads=2, **options)

    return open_it


PoolOpener = Callable[..., AbstractAsyncContextManager[RecognitionPool]]


async def test_every_utterance_is_told_in_order_with_the_times_of_its_words(open_pool: PoolOpener) -> None:
    events: list[FeedEvent] = []
    async with open_pool() as pool, pool.open_feed("en-US", events.append, has_interims=False) as feed:
        feed.push(frames_of(PAUSE + SPEECH + PAUSE + SPEECH + PAUSE, started_at=1000.0))
        await feed.finish()
        assert feed.model is MODEL
        kinds = [type(event) for event in events]
        assert kinds == [SpeechStarted, SpeechEnded, Final] * 2
        counts = pool.counts
        assert (counts.open_feeds, counts.finals) == (1, 2)
    started, _, final = events[:3]
    assert isinstance(started, SpeechStarted)
    assert isinstance(final, Final)
    assert final.words is not None
    assert 1000.9 < started.at < 1001.2
    assert final.started_at == pytest.approx(started.at, abs=0.1)
    assert final.ended_at == pytest.approx(1001 + pcm_seconds(SPEECH), abs=0.35)
    assert final.words[0].start_seconds == 0
    assert final.words[-1].end_seconds == pytest.approx(final.ended_at - final.started_at)


async def test_silence_is_not_decoded(open_pool: PoolOpener, engine: ScriptedEngine) -> None:
    events: list[FeedEvent] = []
    async with open_pool() as pool, pool.open_feed("en-US", events.append) as feed:
        feed.push(frames_of(PAUSE * 5))
        await feed.finish()
        await feed.finish()
    assert events == []
    assert {recognizer.accepted_seconds for recognizer in engine.made} == {0.0}


async def test_an_empty_text_gives_no_final(open_pool: PoolOpener, engine: ScriptedEngine) -> None:
    engine.is_mute = True
    events: list[FeedEvent] = []
    async with open_pool() as pool, pool.open_feed("en-US", events.append, has_interims=False) as feed:
        feed.push(frames_of(PAUSE + SPEECH))
        await feed.finish()
    assert [type(event) for event in events] == [SpeechStarted, SpeechEnded]


async def test_a_dead_recognizer_ends_its_feed_alone(open_pool: PoolOpener, engine: ScriptedEngine) -> None:
    dead: list[FeedEvent] = []
    alive: list[FeedEvent] = []
    async with (
        open_pool() as pool,
        pool.open_feed("en-US", dead.append, has_interims=False) as first,
        pool.open_feed("en-US", alive.append, has_interims=False) as second,
    ):
        engine.failing = [first]
        for feed in (first, second):
            feed.push(frames_of(PAUSE + SPEECH + PAUSE))
        await first.finish()
        await second.finish()
        assert pool.counts.failed_feeds == 1
    assert (
        dead == [SpeechStarted(dead[0].at), FeedFailed("scripted to fail")]
        if isinstance(dead[0], SpeechStarted)
        else False
    )
    assert [type(event) for event in alive] == [SpeechStarted, SpeechEnded, Final]
    assert [each.is_closed for each in engine.made if each.has_failed] == [True]
    assert len(engine.finished) == 1


async def test_interims_are_shed_and_a_gap_is_marked_when_the_recognizer_does_not_keep_up(
    open_pool: PoolOpener, engine: ScriptedEngine
) -> None:
    events: list[FeedEvent] = []
    engine.gate.clear()
    async with open_pool(most_backlog_seconds=2.0) as pool, pool.open_feed("en-US", events.append) as feed:
        feed.push(frames_of(PAUSE + SPEECH + PAUSE + SPEECH + PAUSE))
        engine.gate.set()
        await feed.finish()
        counts = pool.counts
    gaps = [event for event in events if isinstance(event, Gap)]
    assert gaps
    assert counts.gaps == len(gaps)
    assert counts.gap_seconds == pytest.approx(sum(gap.ended_at - gap.started_at for gap in gaps))
    finals = [event for event in events if isinstance(event, Final)]
    assert finals
    lost_and_found = sum(float(final.text) for final in finals) + counts.gap_seconds
    assert lost_and_found == pytest.approx(2 * pcm_seconds(SPEECH), abs=2.0)
    bounds = [
        event.at if isinstance(event, Interim | SpeechStarted | SpeechEnded) else event.started_at
        for event in events
        if not isinstance(event, FeedFailed | Final)
    ]
    assert bounds == sorted(bounds)


async def test_interims_come_while_the_pool_is_idle(open_pool: PoolOpener) -> None:
    events: list[FeedEvent] = []
    async with open_pool() as pool, pool.open_feed("en-US", events.append) as feed:
        feed.push(frames_of(PAUSE + SPEECH + PAUSE))
        await feed.finish()
    assert [type(event) for event in events if not isinstance(event, Interim)] == [SpeechStarted, SpeechEnded, Final]


async def test_a_lane_that_is_scheduled_once_too_often_lives_on(open_pool: PoolOpener) -> None:
    """The media thread schedules after it has added a step; a quick thread has done that step by then."""
    events: list[FeedEvent] = []
    async with open_pool() as pool, pool.open_feed("en-US", events.append, has_interims=False) as feed:
        for _ in range(200):
            feed._threads.schedule(feed.lane)
        feed.push(frames_of(PAUSE + SPEECH + PAUSE))
        await feed.finish()
        assert pool.counts.failed_feeds == 0
    assert [type(event) for event in events] == [SpeechStarted, SpeechEnded, Final]


async def test_a_listener_that_fails_hears_the_next_events(open_pool: PoolOpener) -> None:
    events: list[FeedEvent] = []

    def listen(event: FeedEvent) -> None:
        events.append(event)
        raise ValueError("a fault of the listener")

    async with open_pool() as pool, pool.open_feed("en-US", listen, has_interims=False) as feed:
        feed.push(frames_of(PAUSE + SPEECH))
        await feed.finish()
    assert [type(event) for event in events] == [SpeechStarted, SpeechEnded, Final]


async def test_recognizers_are_reused_and_recycled(open_pool: PoolOpener, engine: ScriptedEngine) -> None:
    async with open_pool(most_recognizer_seconds=5.0) as pool:
        await pool.warm("en-US")
        for _ in range(4):
            async with pool.open_feed("en-US", lambda event: None) as feed:
                feed.push(frames_of(SPEECH + PAUSE))
                await feed.finish()
        assert pool.counts.open_feeds == 0
        assert pool.counts.recycled_recognizers > 0
    assert len(set(engine.finished)) < 4
    assert all(recognizer.is_closed for recognizer in engine.made)
    assert engine.is_closed


async def test_leaving_without_finish_drops_what_waits_and_leaves_no_thread(
    open_pool: PoolOpener, engine: ScriptedEngine
) -> None:
    before = set(threading.enumerate())
    events: list[FeedEvent] = []
    async with open_pool() as pool, pool.open_feed("en-US", events.append) as feed:
        feed.push(frames_of(PAUSE + SPEECH + PAUSE))
    feed.push(frames_of(SPEECH))
    left = [thread.name for thread in set(threading.enumerate()) - before if thread.name.startswith("recogni")]
    assert left == []
    assert engine.is_closed


async def test_many_feeds_at_once_keep_their_own_order(open_pool: PoolOpener) -> None:
    heard: list[list[FeedEvent]] = [[] for _ in range(12)]
    async with open_pool() as pool:

        async def speak(events: list[FeedEvent], started_at: float) -> None:
            async with pool.open_feed("en-US", events.append, has_interims=False) as feed:
                for frame in frames_of(PAUSE + SPEECH + PAUSE + SPEECH + PAUSE, started_at):
                    feed.push([frame])
                await feed.finish()

        await asyncio.gather(*(speak(events, number * 50.0) for number, events in enumerate(heard)))
    for number, events in enumerate(heard):
        assert [type(event) for event in events] == [SpeechStarted, SpeechEnded, Final] * 2
        finals = [event for event in events if isinstance(event, Final)]
        assert float(finals[0].text) == pytest.approx(float(finals[1].text), abs=0.3)
        assert finals[0].started_at < finals[0].ended_at < finals[1].started_at
        assert finals[0].started_at == pytest.approx(number * 50 + 1, abs=0.5)


async def test_patient_feeds_decode_when_no_other_has_anything(open_pool: PoolOpener, engine: ScriptedEngine) -> None:
    """Two files keep both threads busy; a call's utterance is decoded before the rest of theirs."""
    order: list[str] = []

    def note(name: str) -> Callable[[FeedEvent], None]:
        return lambda event: order.append(name) if isinstance(event, Final) else None

    engine.gate.clear()
    async with open_pool() as pool, AsyncExitStack() as stack:
        opened = [
            await stack.enter_async_context(pool.open_feed("en-US", note("file"), has_interims=False, is_patient=True))
            for _ in range(2)
        ]
        for feed in opened:
            feed.push(frames_of((SPEECH + PAUSE) * 2))
        live = await stack.enter_async_context(pool.open_feed("en-US", note("call"), has_interims=False))
        live.push(frames_of(SPEECH + PAUSE))
        engine.gate.set()
        await asyncio.gather(live.finish(), *(feed.finish() for feed in opened))
    assert order.index("call") <= 2, "at most what both threads had begun comes first"
    assert order.count("file") >= 4


async def test_patient_feeds_leave_a_thread_to_calls(open_pool: PoolOpener, engine: ScriptedEngine) -> None:
    """With a call open, files never take all threads: the call does not wait for a step of theirs."""
    finals: list[FeedEvent] = []
    async with open_pool() as pool, AsyncExitStack() as stack:
        live = await stack.enter_async_context(pool.open_feed("en-US", finals.append, has_interims=False))
        files = [
            await stack.enter_async_context(pool.open_feed("en-US", lambda _: None, is_patient=True)) for _ in range(3)
        ]
        engine.slow = files
        for feed in files:
            feed.push(frames_of(SPEECH + PAUSE))
        live.push(frames_of(SPEECH + PAUSE))
        async with asyncio.timeout(10):
            await live.finish()
        assert any(isinstance(event, Final) for event in finals)
        assert len(engine.finished) == 1, "only the call's"
        engine.release.set()
        for feed in files:
            await feed.finish()
    assert len(engine.finished) == 4


async def test_a_source_that_is_faster_than_real_time_waits_for_room(
    open_pool: PoolOpener, engine: ScriptedEngine
) -> None:
    engine.gate.clear()
    events: list[FeedEvent] = []
    async with open_pool() as pool, pool.open_feed("en-US", events.append, is_patient=True) as feed:
        await feed.wait_room(1)
        feed.push(frames_of(SPEECH * 2))
        waiting = asyncio.create_task(feed.wait_room(1))
        await asyncio.sleep(0)
        assert not waiting.done()
        engine.gate.set()
        async with asyncio.timeout(10):
            await waiting
        assert feed.lane.backlog_seconds <= 1
        engine.failing = [feed]
        feed.push(frames_of(SPEECH * 2, 100.0))
        feed.push(frames_of(SPEECH * 2, 200.0))
        async with asyncio.timeout(10):
            await feed.wait_room(1)
        await feed.finish()
    assert isinstance(events[-1], FeedFailed)


class HintedEngine(ScriptedEngine):
    """An engine with grammars."""

    def __init__(self) -> None:
        super().__init__()
        self.hinted: list[tuple[str, ...]] = []

    def create_hinted_recognizer(self, hints: Sequence[str]) -> Recognizer:
        self.hinted.append(tuple(hints))
        return self.create_recognizer()

    def find_unknown_words(self, phrases: Sequence[str]) -> tuple[str, ...]:
        return tuple(word for phrase in phrases for word in phrase.split() if word != "known")


async def test_hints_make_a_recognizer_of_their_own_that_is_not_kept() -> None:
    engine = HintedEngine()
    async with open_recognition_pool(Library(), load=lambda model, threads: engine, threads=1) as pool:
        assert pool.find_unknown_words("en-US", ["a known"]) == (), "nothing is loaded, so nothing is known"
        async with pool.open_feed("en-US", lambda event: None, hints=("sales", "support")) as feed:
            feed.push(frames_of(SPEECH))
            await feed.finish()
            assert pool.counts.open_feeds == 1
        assert engine.hinted == [("sales", "support")]
        assert [each.is_closed for each in engine.made] == [True]
        assert pool.find_unknown_words("en-US", ["a known"]) == ("a",)


async def test_an_engine_without_grammars_takes_hints_as_nothing(open_pool: PoolOpener, engine: ScriptedEngine) -> None:
    async with open_pool() as pool, pool.open_feed("en-US", lambda event: None, hints=("sales",)):
        assert pool.find_unknown_words("en-US", ["sales"]) == ()
    assert engine.made


async def test_a_recognizer_that_is_too_slow_for_a_while(
    open_pool: PoolOpener, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ends of utterances wait, by a clock of the test's own: new transcribes are refused, and then all is back."""
    monkeypatch.setattr(recognition_pool, "SAMPLE_SECONDS", 3600.0)
    seen: list[LoadLevel] = []
    engine.gate.clear()
    async with open_pool() as pool, AsyncExitStack() as stack:
        feeds = [
            await stack.enter_async_context(pool.open_feed("en-US", lambda _: None, has_interims=False))
            for _ in range(4)
        ]
        for feed in feeds:
            feed.push(frames_of(PAUSE + SPEECH + PAUSE))
        now = time.monotonic()

        def wait(seconds: float) -> LoadLevel:
            nonlocal now
            for _ in range(round(seconds / 0.25)):
                now += 0.25
                level = pool.look(now)
                if level not in seen[-1:]:
                    seen.append(level)
            return seen[-1]

        assert wait(10) is LoadLevel.FULL
        with pytest.raises(RecognitionOverloaded):
            pool.require_room()
        engine.gate.set()
        for feed in feeds:
            await feed.finish()
        assert pool.counts.finals == 4, "who was there before is served"
        assert wait(30) is LoadLevel.NORMAL
        pool.require_room()
    assert seen in (
        [LoadLevel.NORMAL, LoadLevel.SHEDDING, LoadLevel.FULL, LoadLevel.SHEDDING, LoadLevel.NORMAL],
        [LoadLevel.NORMAL, LoadLevel.FULL, LoadLevel.SHEDDING, LoadLevel.NORMAL],
    )
