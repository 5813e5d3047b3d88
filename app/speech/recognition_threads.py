"""The threads that decode: they take turns among the lanes, what is due first goes first, one step at a time."""

import heapq
import threading
import time
from collections.abc import Callable

from app.logs import get_log
from app.speech.lane_queue import LaneQueue
from app.speech.recognition_load import RecognitionLoad
from app.speech.thread_name import show_name
from app.speech.thread_priority import step_back

_log = get_log("speech")


class RecognitionThreads:
    """Runs lanes that have steps. A lane is run by one thread at a time, so its steps stay in order.

    The lane goes first whose step was due first (`LaneQueue.due_at`): the oldest end of an utterance, with all that
    still waits before it. A patient lane runs only when no other has a step, and while others are there (`live_lanes`)
    never on all threads, and under load not at all: one of its steps can take a second, and nobody may wait that long.

    What a lane raises ends that lane alone: `on_failure(lane, error)` is called, on the recognition thread.
    """

    def __init__(self, count: int, load: RecognitionLoad, on_failure: Callable[[LaneQueue, Exception], None]) -> None:
        self.live_lanes = 0
        """How many lanes are open that are not patient; for the pool to keep."""
        self._load = load
        self._on_failure = on_failure
        lock = threading.Lock()
        self._changed = threading.Condition(lock)
        self._has_rested = threading.Condition(lock)
        # Ready lanes: when each is due, and since when it is ready. The heap has them in order, and entries that are
        # not true any more: a lane that got an end while it waited, one that was taken out.
        self._ready: dict[LaneQueue, tuple[float, float]] = {}
        self._order: list[tuple[float, int, LaneQueue]] = []
        self._entries = 0
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

    def wake(self) -> None:
        """Look again whether patient lanes may run."""
        with self._changed:
            self._changed.notify_all()

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
        return is_full or bool(self._ready)

    def _enqueue(self, lane: LaneQueue) -> None:
        now = time.monotonic()
        if lane.is_patient:
            self._patient.setdefault(lane, now)
            self._changed.notify()
            return
        due_at = lane.due_at
        if due_at is None:  # its step was done before the one who added it could say so
            return
        known_due_at, since = self._ready.get(lane, (None, now))
        if due_at == known_due_at:
            return
        self._ready[lane] = due_at, since
        self._entries += 1
        heapq.heappush(self._order, (due_at, self._entries, lane))
        if known_due_at is None:
            self._changed.notify()

    def _run(self) -> None:
        show_name()
        step_back()
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
            took = time.monotonic() - begun
            lane.counts.busy_seconds += took
            if not lane.is_patient:
                self._load.note_busy(took)
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
            while not (self._ready or self._may_be_patient() or self._is_stopping):
                self._changed.wait()
            if self._is_stopping:
                return None
            now = time.monotonic()
            if self._ready:
                lane, due_at = self._pop_first()
                _, since = self._ready.pop(lane)
                if not self._ready:
                    self._order.clear()
                self._load.note_begun(now - since, now - due_at)
            else:
                lane = next(iter(self._patient))
                since = self._patient.pop(lane)
            self._running.add(lane)
            self._running_patient += lane.is_patient
            return lane, now - since

    def _pop_first(self) -> tuple[LaneQueue, float]:
        while True:
            due_at, _, lane = heapq.heappop(self._order)
            known = self._ready.get(lane)
            if known is not None and known[0] == due_at:
                return lane, due_at

    def _may_be_patient(self) -> bool:
        if self.live_lanes and self._load.is_shedding:
            return False
        most = len(self._threads) - (1 if self.live_lanes and len(self._threads) > 1 else 0)
        return bool(self._patient) and self._running_patient < most
