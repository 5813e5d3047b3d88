"""The threads that decode: they take turns among the lanes, ends of utterances first, one step at a time."""

import threading
import time
from collections.abc import Callable

from app.logs import get_log
from app.speech.lane_queue import LaneQueue

_log = get_log("speech")


class RecognitionThreads:
    """Runs lanes that have steps. A lane is run by one thread at a time, so its steps stay in order.

    A patient lane runs only when no other has a step, and while others are there (`live_lanes`) never on all threads:
    one of its steps can take a second, and nobody may have to wait that long.

    What a lane raises ends that lane alone: `on_failure(lane, error)` is called, on the recognition thread.
    """

    def __init__(self, count: int, on_failure: Callable[[LaneQueue, Exception], None]) -> None:
        self.live_lanes = 0
        """How many lanes are open that are not patient; for the pool to keep."""
        self._on_failure = on_failure
        lock = threading.Lock()
        self._changed = threading.Condition(lock)
        self._has_rested = threading.Condition(lock)
        # Ready lanes in the order in which they became so, with the time; lanes with an end of an utterance apart.
        self._urgent: dict[LaneQueue, float] = {}
        self._ready: dict[LaneQueue, float] = {}
        self._patient: dict[LaneQueue, float] = {}
        self._running_patient = 0
        self._running: set[LaneQueue] = set()
        self._again: set[LaneQueue] = set()
        self._removed: set[LaneQueue] = set()
        self._is_stopping = False
        self._threads = [
            threading.Thread(target=self._run, name=f"recognition-{number}", daemon=True) for number in range(count)
        ]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the threads after the steps they are at, and wait for them; what still waits is not done."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def schedule(self, lane: LaneQueue) -> None:
        """Let a thread run `lane`, which got a step; never blocks for long, for any thread."""
        with self._changed:
            if lane in self._running:
                self._again.add(lane)
            else:
                self._enqueue(lane)

    def remove(self, lane: LaneQueue) -> None:
        """Forget `lane` and what it still has to do, and wait until no thread runs it."""
        with self._changed:
            self._urgent.pop(lane, None)
            self._ready.pop(lane, None)
            self._patient.pop(lane, None)
            self._removed.add(lane)
            while lane in self._running:
                self._has_rested.wait()
            self._again.discard(lane)
            self._removed.discard(lane)

    def is_busy(self) -> bool:
        """Whether lanes wait for a thread, or would: with the one that asks, all threads are taken.

        Patient lanes do not count: they can wait.
        """
        is_full = 1 < len(self._threads) <= len(self._running) - self._running_patient
        return is_full or bool(self._urgent or self._ready)

    def _enqueue(self, lane: LaneQueue) -> None:
        now = time.monotonic()
        if lane.is_patient:
            self._patient.setdefault(lane, now)
            self._changed.notify()
            return
        if lane in self._urgent:
            return
        if lane.has_end:
            self._urgent[lane] = self._ready.pop(lane, now)
        else:
            self._ready.setdefault(lane, now)
        self._changed.notify()

    def _run(self) -> None:
        while (taken := self._take()) is not None:
            lane, delay = taken
            lane.counts.queue_delay_seconds = delay
            lane.counts.longest_queue_delay_seconds = max(delay, lane.counts.longest_queue_delay_seconds)
            begun = time.monotonic()
            try:
                has_more = lane.run(self.is_busy)
            except Exception as error:  # noqa: BLE001 - the isolation boundary of one lane
                has_more = lane.die()
                _log.exception("recognizer died", kind=type(error).__name__)
                self._on_failure(lane, error)
            lane.counts.busy_seconds += time.monotonic() - begun
            with self._changed:
                self._running.discard(lane)
                self._running_patient -= lane.is_patient
                if lane.is_patient and self._patient:
                    self._changed.notify()
                if lane in self._removed:
                    self._has_rested.notify_all()
                elif has_more or lane in self._again:
                    self._again.discard(lane)
                    self._enqueue(lane)

    def _take(self) -> tuple[LaneQueue, float] | None:
        with self._changed:
            while not (self._urgent or self._ready or self._may_be_patient() or self._is_stopping):
                self._changed.wait()
            if self._is_stopping:
                return None
            queue = self._urgent or self._ready or self._patient
            lane = next(iter(queue))
            since = queue.pop(lane)
            self._running.add(lane)
            self._running_patient += lane.is_patient
            return lane, time.monotonic() - since

    def _may_be_patient(self) -> bool:
        most = len(self._threads) - (1 if self.live_lanes and len(self._threads) > 1 else 0)
        return bool(self._patient) and self._running_patient < most
