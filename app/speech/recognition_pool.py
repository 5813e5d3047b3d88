"""Recognition for all lanes of all calls: loaded models, warm recognizers, a few threads."""

import asyncio
import os
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
from app.speech.installed_model import InstalledModel
from app.speech.lane_queue import LaneQueue
from app.speech.recognition_counts import RecognitionCounts
from app.speech.recognition_threads import RecognitionThreads
from app.speech.recognizer import GrammarEngine, Recognizer, SpeechEngine
from app.speech.recognizer_shelf import RecognizerShelf
from app.speech.segmenter import SegmenterOptions

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
    ) -> None:
        self._library = library
        self._thread_count = threads
        self._load = load
        self._most_backlog_seconds = most_backlog_seconds
        self._most_recognizer_seconds = most_recognizer_seconds
        self._feeds: dict[LaneQueue, Delivery] = {}
        self._ended = RecognitionCounts()
        self._shelves: dict[InstalledModel, asyncio.Task[RecognizerShelf]] = {}
        self._threads = RecognitionThreads(threads, self._report_failure)
        self._executor = ThreadPoolExecutor(max(1, threads), "recognizer-loading")

    @property
    def counts(self) -> RecognitionCounts:
        """The pool's totals as they are now."""
        total = _sum_counts([self._ended, *(lane.counts for lane in self._feeds)])
        total.open_feeds = len(self._feeds)
        total.recycled_recognizers = sum(task.result().recycled for task in self._shelves.values() if _is_loaded(task))
        return total

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
        """Yield a feed with a warm recognizer; leaving drops what `feed.finish()` was not awaited for.

        `hints`: phrases that are expected; an engine with grammars hears their words rather than others.
        `is_patient`: sound from a file, not from a call: it is decoded when no other feed has anything to decode.

        Raises LanguageNotInstalled or InvalidArgument for the language, RecognitionFailed when the model does not load.
        """
        loop = asyncio.get_running_loop()
        model = self._library.resolve(language)
        shelf = await self._shelf(model)
        source = _HintedSource(shelf, hints) if hints and isinstance(shelf.engine, GrammarEngine) else shelf
        recognizer = await loop.run_in_executor(self._executor, source.take)
        delivery = Delivery(loop, listener)
        lane = LaneQueue(
            recognizer,
            source,
            delivery.send,
            most_seconds=self._most_backlog_seconds,
            has_interims=has_interims,
            is_preparing_luxury=shelf.engine.pause_lead_ms is None,
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

    def _release(self, lane: LaneQueue, source: "RecognizerShelf | _HintedSource") -> None:
        self._threads.remove(lane)
        if lane.is_dead:
            lane.recognizer.close()
        else:
            source.give_back(lane.recognizer)

    async def _shelf(self, model: InstalledModel) -> RecognizerShelf:
        task = self._shelves.get(model)
        if task is None or (task.done() and not _is_loaded(task)):
            task = self._shelves[model] = asyncio.create_task(self._open_shelf(model))
        return await asyncio.shield(task)

    async def _open_shelf(self, model: InstalledModel) -> RecognizerShelf:
        engine = await asyncio.get_running_loop().run_in_executor(self._executor, self._load, model, self._thread_count)
        _log.info("speech model loaded", engine=str(model.engine), model=model.name, language=model.language)
        return RecognizerShelf(engine, self._executor, spares=_SPARES, most_seconds=self._most_recognizer_seconds)

    def _report_failure(self, lane: LaneQueue, error: Exception) -> None:
        lane.counts.failed_feeds += 1
        delivery = self._feeds.get(lane)
        if delivery is not None:
            reason = error.message if isinstance(error, CallscribeError) else f"{type(error).__name__}: {error}"
            delivery.send(FeedFailed(reason))

    def start(self) -> None:
        """Start the threads."""
        self._threads.start()

    async def close(self) -> None:
        """End the threads after the step they are at, then unload the models. All feeds are closed by then."""
        await asyncio.to_thread(self._threads.stop)
        await asyncio.gather(*self._shelves.values(), return_exceptions=True)
        await asyncio.to_thread(self._executor.shutdown, cancel_futures=True)
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
) -> AsyncIterator[RecognitionPool]:
    """Yield a pool with `threads` recognition threads (default: one per processor); models are loaded when needed.

    `most_backlog_seconds` of undecoded sound per feed are kept before a Gap is made; a recognizer is replaced after
    `most_recognizer_seconds` of sound, between two utterances.
    """
    pool = RecognitionPool(library, threads or os.cpu_count() or 1, load, most_backlog_seconds, most_recognizer_seconds)
    pool.start()
    try:
        yield pool
    finally:
        await asyncio.shield(pool.close())


class _HintedSource:
    """Recognizers with a grammar: each is made for one feed, and closed after it."""

    def __init__(self, shelf: RecognizerShelf, hints: Sequence[str]) -> None:
        self._shelf = shelf
        self._hints = tuple(hints)

    def take(self) -> Recognizer:
        engine = self._shelf.engine
        return engine.create_hinted_recognizer(self._hints) if isinstance(engine, GrammarEngine) else self._shelf.take()

    def replace(self, recognizer: Recognizer) -> Recognizer:
        """Keep it: an answer is never so long that its memory matters."""
        return recognizer

    def give_back(self, recognizer: Recognizer) -> None:
        recognizer.close()


def _is_loaded(task: asyncio.Task[RecognizerShelf]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None


def _sum_counts(parts: Iterable[RecognitionCounts]) -> RecognitionCounts:
    total = RecognitionCounts()
    for part in parts:
        for field in fields(RecognitionCounts):
            combine = max if field.name.endswith("queue_delay_seconds") else add
            setattr(total, field.name, combine(getattr(total, field.name), getattr(part, field.name)))
    return total
