"""The front of one lane: frames in on the media thread, events out on the event loop."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from app.domain.audio import Frame
from app.logs import get_log
from app.speech.feed_events import FeedEvent, Interim, SpeechEnded, SpeechStarted
from app.speech.installed_model import InstalledModel
from app.speech.lane_queue import Drained, LaneQueue
from app.speech.recognition_threads import RecognitionThreads
from app.speech.segment_events import SegmentEvent
from app.speech.segmenter import Segmenter, SegmenterOptions
from app.speech.voice_activity import VoiceActivity

_log = get_log("speech")

MOST_WAITING_EVENTS: Final = 1000
"""So many of one lane are told to nobody only when the event loop stands still for minutes."""

FeedListener = Callable[[FeedEvent], None]


class Delivery:
    """Carries events from recognition threads to the listener on the event loop: in order, in batches.

    An interim that was not told yet gives way to the next one. With MOST_WAITING_EVENTS waiting only what is stored (a
    final, a gap, a failure) still finds room; the rest is counted in `lost`.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, listener: FeedListener) -> None:
        self.drained: asyncio.Future[None] = loop.create_future()
        self._loop = loop
        self._listener = listener
        self._waiting: deque[FeedEvent | Drained] = deque()
        self._lock = threading.Lock()
        self._is_called = False
        self.lost = 0

    def send(self, event: FeedEvent | Drained) -> None:
        """Hand over `event`; for any thread."""
        with self._lock:
            if isinstance(event, Interim) and self._waiting and isinstance(self._waiting[-1], Interim):
                self._waiting[-1] = event
            elif len(self._waiting) >= MOST_WAITING_EVENTS and isinstance(event, Interim | SpeechStarted | SpeechEnded):
                self.lost += 1
            else:
                self._waiting.append(event)
            if self._is_called:
                return
            self._is_called = True
        self._loop.call_soon_threadsafe(self._hand_out)

    def call(self, callback: Callable[[], object]) -> None:
        """Have `callback` called on the event loop; for any thread."""
        self._loop.call_soon_threadsafe(callback)

    def _hand_out(self) -> None:
        with self._lock:
            events, self._waiting = self._waiting, deque()
            self._is_called = False
        for event in events:
            if isinstance(event, Drained):
                if not self.drained.done():
                    self.drained.set_result(None)
                continue
            try:
                self._listener(event)
            except Exception:  # noqa: BLE001 - a listener's fault must not stop the other events
                _log.exception("listener of a feed failed", event_kind=type(event).__name__)


class Feed:
    """Sound of one lane to a recognizer. `model` says what decodes it.

    The listener is called on the event loop, for every utterance in this order: SpeechStarted, Interims, SpeechEnded,
    and a Final if anything was understood.
    """

    def __init__(
        self,
        model: InstalledModel,
        options: SegmenterOptions,
        lane: LaneQueue,
        delivery: Delivery,
        threads: RecognitionThreads,
    ) -> None:
        self.model = model
        self.lane = lane
        self._delivery = delivery
        self._threads = threads
        self._activity = VoiceActivity()
        self._segmenter = Segmenter(options)
        self._lock = threading.Lock()
        self._is_finished = False
        self._room: asyncio.Event | None = None

    def push(self, frames: Sequence[Frame]) -> None:
        """Take the next frames; on the media thread, never blocks. After `finish` they are ignored."""
        judge, push = self._activity.judge, self._segmenter.push
        with self._lock:
            if self._is_finished:
                return
            for frame in frames:
                events = push(frame, judge(frame))
                if events:
                    self._add(events)

    async def wait_room(self, seconds: float) -> None:
        """Return when at most `seconds` of sound wait to be decoded: for a source that is faster than real time.

        For one waiter. Returns at once when the recognizer has died; its FeedFailed tells that.
        """
        if self._room is None:
            self._room = room = asyncio.Event()
            self.lane.on_decoded = lambda: self._delivery.call(room.set)
        lane = self.lane
        while lane.backlog_seconds > seconds and not lane.is_dead:
            self._room.clear()
            if lane.backlog_seconds > seconds and not lane.is_dead:
                await self._room.wait()

    async def finish(self) -> None:
        """End the open utterance, decode what waits, deliver all events, then return; may be called again."""
        with self._lock:
            if not self._is_finished:
                self._is_finished = True
                self._add(self._segmenter.flush())
                self.lane.add(Drained())
                self._threads.schedule(self.lane)
        await asyncio.shield(self._delivery.drained)

    def tell(self, event: FeedEvent) -> None:
        """Put an event of somebody else's among the feed's own, for its listener; for any thread."""
        self._delivery.send(event)

    def abandon(self) -> None:
        """Take no more frames: what follows is for nobody."""
        with self._lock:
            self._is_finished = True

    def _add(self, events: Sequence[SegmentEvent]) -> None:
        for event in events:
            self.lane.add(event)
        self._threads.schedule(self.lane)
