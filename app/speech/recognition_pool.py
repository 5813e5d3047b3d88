"""Recognition for all lanes of all calls: loaded models, warm recognizers, a few threads."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import fields
from operator import add
from typing import Final, Protocol

from app.errors import CallscribeError
from app.logs import get_log
from app.speech.engines import load_engine
from app.speech.feed import Delivery, Feed, FeedListener
from app.speech.feed_events import FeedFailed
from app.speech.hinted_source import HintedSource
from app.speech.installed_model import InstalledModel
from app.speech.lane_queue import LaneQueue
from app.speech.recognition_counts import RecognitionCounts
from app.speech.recognition_load import MOST_DELAY_SECONDS, SAMPLE_SECONDS, LoadLevel, RecognitionLoad
from app.speech.recognition_threads import RecognitionThreads
from app.speech.recognizer import GrammarEngine, SpeechEngine
from app.speech.recognizer_shelf import RecognizerShelf
from app.speech.segmenter import SegmenterOptions
from app.speech.thread_priority import step_back, step_far_back

_log = get_log("speech")
_MOST_BACKLOG_SECONDS: Final = 10.0
_MOST_RECOGNIZER_SECONDS: Final = 300.0
_SPARES: Final = 2

LoadEngine = Callable[[InstalledModel, int], SpeechEngine]


class ModelSource(Protocol):
    """Where the pool learns which model decodes a language."""

    def resolve(self, tag: str) -> InstalledModel:
        """Return the model for a language tag; raises LanguageNotInstalled or InvalidArgument."""


class RecognitionPool:
    """Opens feeds. Made by `open_recognition_pool`."""

    def __init__(
        self,
        library: ModelSource,
        threads: int,
        load: LoadEngine,
        most_backlog_seconds: float,
        most_recognizer_seconds: float,
        most_delay_seconds: float,
    ) -> None:
        self.recognition_load = RecognitionLoad(threads, most_delay_seconds=most_delay_seconds)
        self.recognition_load.on_change = self._note_level
        self._library = library
        self._thread_count = threads
        self._load = load
        self._most_backlog_seconds = most_backlog_seconds
        self._most_recognizer_seconds = most_recognizer_seconds
        self._feeds: dict[LaneQueue, Delivery] = {}
        self._ended = RecognitionCounts()
        self._shelves: dict[InstalledModel, asyncio.Task[RecognizerShelf]] = {}
        self._threads = RecognitionThreads(threads, self.recognition_load, self._report_failure)
        self._executor = ThreadPoolExecutor(max(1, threads), "recognizer-loading", initializer=step_back)
        # What is made or freed in spare time: one at a time, and behind those that decode.
        self._maker = ThreadPoolExecutor(1, "recognizer-making", initializer=step_far_back)
        self._watching: asyncio.Task[None] | None = None

    @property
    def counts(self) -> RecognitionCounts:
        """The pool's totals as they are now."""
        total = _sum_counts([self._ended, *(lane.counts for lane in self._feeds)])
        total.open_feeds = len(self._feeds)
        total.recycled_recognizers = sum(task.result().recycled for task in self._shelves.values() if _is_loaded(task))
        return total

    @property
    def threads(self) -> int:
        """How many threads decode."""
        return self._thread_count

    @property
    def backlog_seconds(self) -> tuple[float, float]:
        """How much sound waits to be decoded: of all lanes of calls together, and of the lane with most."""
        waiting = [lane.backlog_seconds for lane in self._feeds if not lane.is_patient]
        return sum(waiting), max(waiting, default=0.0)

    def require_room(self) -> None:
        """Raise RecognitionOverloaded when recognition is so late that no new transcribe is taken now."""
        self.recognition_load.require_room()

    async def load(self, language: str) -> None:
        """Load the language's model where it is not loaded yet; that takes seconds, of a big model a minute.

        Raises LanguageNotInstalled or InvalidArgument for the language, RecognitionFailed when the model does not load.
        """
        await self._shelf(self._library.resolve(language))

    async def warm(self, language: str) -> InstalledModel:
        """Load the language's model and some recognizers now, so that no call waits for it."""
        model = self._library.resolve(language)
        shelf = await self._shelf(model)
        await asyncio.get_running_loop().run_in_executor(self._executor, shelf.fill)
        return model

    @asynccontextmanager
    async def open_feed(
        self,
        language: str,
        listener: FeedListener,
        *,
        end_of_silence_ms: int | None = None,
        has_interims: bool = True,
        is_patient: bool = False,
        hints: Sequence[str] = (),
    ) -> AsyncIterator[Feed]:
        """Yield a feed; a recognizer is warm when it is there. Leaving drops what `feed.finish()` was not awaited for.

        `hints`: phrases that are expected; an engine with grammars hears their words rather than others.
        `is_patient`: sound from a file, not from a call: it is decoded when no other feed has anything to decode.

        Raises LanguageNotInstalled or InvalidArgument for the language, RecognitionFailed when the model does not load.
        """
        loop = asyncio.get_running_loop()
        model = self._library.resolve(language)
        shelf = await self._shelf(model)
        source = HintedSource(shelf.engine, hints) if hints and isinstance(shelf.engine, GrammarEngine) else shelf
        await loop.run_in_executor(self._executor, source.open_lane)
        delivery = Delivery(loop, listener)
        lane = LaneQueue(
            source,
            delivery.send,
            load=self.recognition_load,
            most_seconds=self._most_backlog_seconds,
            has_interims=has_interims,
            is_preparing_luxury=not shelf.engine.is_streaming,
            is_patient=is_patient,
        )
        default = SegmenterOptions()
        options = SegmenterOptions(
            end_of_silence_ms=end_of_silence_ms or default.end_of_silence_ms, pause_lead_ms=shelf.engine.pause_lead_ms
        )
        with self._listed(lane, delivery):
            feed = Feed(model, options, lane, delivery, self._threads)
            try:
                yield feed
            finally:
                feed.abandon()
                await asyncio.shield(loop.run_in_executor(self._executor, self._release, lane, source))

    @contextmanager
    def _listed(self, lane: LaneQueue, delivery: Delivery) -> Iterator[None]:
        self._feeds[lane] = delivery
        self._threads.live_lanes += not lane.is_patient
        try:
            yield
        finally:
            self._threads.live_lanes -= not lane.is_patient
            del self._feeds[lane]
            lane.counts.lost_events = delivery.lost
            self._ended = _sum_counts([self._ended, lane.counts])

    def find_unknown_words(self, language: str, phrases: Sequence[str]) -> tuple[str, ...]:
        """Return the words of `phrases` that a hinted feed of `language` could never hear; never blocks.

        Empty too where nobody can know: the language's model is not loaded, or its engine takes no hints.
        """
        try:
            task = self._shelves.get(self._library.resolve(language))
        except CallscribeError:
            return ()
        engine = task.result().engine if task is not None and _is_loaded(task) else None
        return engine.find_unknown_words(phrases) if isinstance(engine, GrammarEngine) else ()

    def _release(self, lane: LaneQueue, source: "RecognizerShelf | HintedSource") -> None:
        self._threads.remove(lane)
        lane.release()
        source.close_lane()

    async def _shelf(self, model: InstalledModel) -> RecognizerShelf:
        task = self._shelves.get(model)
        if task is None or (task.done() and not _is_loaded(task)):
            task = self._shelves[model] = asyncio.create_task(self._open_shelf(model))
        return await asyncio.shield(task)

    async def _open_shelf(self, model: InstalledModel) -> RecognizerShelf:
        engine = await asyncio.get_running_loop().run_in_executor(self._executor, self._load, model, self._thread_count)
        _log.info("speech model loaded", engine=str(model.engine), model=model.name, language=model.language)
        return RecognizerShelf(engine, self._maker, spares=_SPARES, most_seconds=self._most_recognizer_seconds)

    def _report_failure(self, lane: LaneQueue, error: Exception) -> None:
        lane.counts.failed_feeds += 1
        delivery = self._feeds.get(lane)
        if delivery is not None:
            reason = error.message if isinstance(error, CallscribeError) else f"{type(error).__name__}: {error}"
            delivery.send(FeedFailed(reason))

    def start(self) -> None:
        """Start the threads, and watch how late they are."""
        self._threads.start()
        self._watching = asyncio.create_task(self._watch_load(), name="recognition load")

    async def _watch_load(self) -> None:
        while True:
            await asyncio.sleep(SAMPLE_SECONDS)
            self.look(time.monotonic())

    def look(self, now: float) -> LoadLevel:
        """Look how late recognition is and return what follows from it; done SAMPLE_SECONDS by SAMPLE_SECONDS."""
        due = [due_at for lane in self._feeds if not lane.is_patient and (due_at := lane.due_at) is not None]
        return self.recognition_load.sample(now, min(due, default=None))

    def _note_level(self, level: LoadLevel) -> None:
        load = self.recognition_load
        say = _log.info if level is LoadLevel.NORMAL else _log.warning
        say(
            "recognition load changed",
            level=level.name.lower(),
            delay_ms=round(load.delay_seconds * 1000),
            busy_percent=round(load.busy_share * 100),
            open_feeds=len(self._feeds),
        )
        self._threads.wake()

    async def close(self) -> None:
        """End the threads after the step they are at, then unload the models. All feeds are closed by then."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait((self._watching,))
        await asyncio.to_thread(self._threads.stop)
        await asyncio.gather(*self._shelves.values(), return_exceptions=True)
        await asyncio.to_thread(self._executor.shutdown, cancel_futures=True)
        await asyncio.to_thread(self._maker.shutdown)
        for task in self._shelves.values():
            if _is_loaded(task):
                await asyncio.to_thread(task.result().close)


@asynccontextmanager
async def open_recognition_pool(
    library: ModelSource,
    *,
    threads: int | None = None,
    load: LoadEngine = load_engine,
    most_backlog_seconds: float = _MOST_BACKLOG_SECONDS,
    most_recognizer_seconds: float = _MOST_RECOGNIZER_SECONDS,
    most_delay_seconds: float = MOST_DELAY_SECONDS,
) -> AsyncIterator[RecognitionPool]:
    """Yield a pool with `threads` recognition threads (default: one per processor); models are loaded when needed.

    `most_backlog_seconds` of undecoded sound per feed are kept before a Gap is made; a recognizer is replaced after
    `most_recognizer_seconds` of sound, between two utterances. `require_room` refuses while recognition is later than
    `most_delay_seconds` (0 = never).
    """
    count = threads or os.cpu_count() or 1
    pool = RecognitionPool(library, count, load, most_backlog_seconds, most_recognizer_seconds, most_delay_seconds)
    pool.start()
    try:
        yield pool
    finally:
        await asyncio.shield(pool.close())


def _is_loaded(task: asyncio.Task[RecognizerShelf]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None


def _sum_counts(parts: Iterable[RecognitionCounts]) -> RecognitionCounts:
    total = RecognitionCounts()
    for part in parts:
        for field in fields(RecognitionCounts):
            combine = max if field.name.endswith("queue_delay_seconds") else add
            setattr(total, field.name, combine(getattr(total, field.name), getattr(part, field.name)))
    return total
