"""How late recognition is, and what is done about it: interims go first, then no new transcribe is taken (ADR 0040).

Pure: fed with what the recognition threads did and with the time, without a clock of its own.
"""

import math
import threading
from collections.abc import Callable
from enum import IntEnum
from typing import Final

from app.domain.histogram import Histogram
from app.errors import Unavailable

SAMPLE_SECONDS: Final = 0.25
"""How often the load is looked at: often enough for ends of utterances, which should not wait half a second."""

SHED_DELAY_SECONDS: Final = 0.2
"""The rest of a final's way takes 0.4 s (p50) to 0.7 s (p95): so much on top of it is not a burst any more."""
SHED_BUSY: Final = 0.85
"""Two threads with random work hardly wait below this; above it every further lane makes all of them late."""
MOST_DELAY_SECONDS: Final = 0.5
"""With this on top finals come 1 s after the last word (p95): one more transcribe would harm those that are there."""

_CALM_SHARE: Final = 0.5
"""A level is left when the delay is below this share of what led to it: without the gap it would come and go."""
LUXURY_SHARE: Final = 0.25
"""Interims of engines that decode all again for each may take so much of the threads, all lanes together."""
CALM_BUSY: Final = SHED_BUSY - 0.05
"""What the threads may be busy for SHEDDING to be left, less what interims took before and will take again: shedding
them is not taken for a fall of the load."""
_CALM_SECONDS: Final = 4.0
"""How long it has to be calm: longer than most utterances, which are what the load is made of."""
_LONGEST_CALM_SECONDS: Final = 12.0
_RELAPSE_SECONDS: Final = 30.0
"""A level that comes back this soon after it was left was left too early: the next calm has to last twice as long."""
_DELAY_MEMORY_SECONDS: Final = 1.0
_BUSY_MEMORY_SECONDS: Final = 5.0

RETRY_SECONDS: Final = 10
"""What a client is told to wait: about what a short peak takes to pass, with the calm after it."""


class LoadLevel(IntEnum):
    """What recognition can do now."""

    NORMAL = 0
    SHEDDING = 1
    """No interims, nothing is decoded ahead, recordings wait."""
    FULL = 2
    """No new transcribe is taken either."""


class RecognitionOverloaded(Unavailable):
    """Recognition is behind: one more transcribe would make those of all calls late."""

    code = "RECOGNITION_OVERLOADED"
    retry_after_seconds = RETRY_SECONDS

    def __init__(self, delay_seconds: float) -> None:
        super().__init__(
            f"recognition is at its limit ({delay_seconds:.1f} s behind): no new transcribe is started until it has "
            f"caught up; try again in {RETRY_SECONDS} s",
            limited_by="recognition",
            delay_ms=round(delay_seconds * 1000),
        )


class _Level:
    """One level's own hysteresis: since when it has been calm below it, and how long that has to last."""

    def __init__(self) -> None:
        self.calm_seconds = _CALM_SECONDS
        self._calm_since: float | None = None
        self._left_at = -math.inf

    def note(self, now: float, *, is_calm: bool) -> None:
        if not is_calm:
            self._calm_since = None
        elif self._calm_since is None:
            self._calm_since = now

    def enter(self, now: float) -> None:
        is_relapse = now - self._left_at < _RELAPSE_SECONDS
        self.calm_seconds = min(2 * self.calm_seconds, _LONGEST_CALM_SECONDS) if is_relapse else _CALM_SECONDS

    def may_leave(self, now: float) -> bool:
        return self._calm_since is not None and now - self._calm_since >= self.calm_seconds

    def leave(self, now: float) -> None:
        self._left_at = now


class RecognitionLoad:
    """The load of the recognition threads; `level` may be read on any thread at any time.

    A step is late from the moment at which it was due (`LaneQueue.due_at`): the end of an utterance at once, a piece of
    one that goes on some seconds later. `delay_seconds` is the worst lateness of each sample, averaged over a second;
    `busy_share` the part of the threads' time, over five seconds, that live lanes took.
    """

    def __init__(self, threads: int, *, most_delay_seconds: float = MOST_DELAY_SECONDS) -> None:
        """`most_delay_seconds` leads to FULL; 0 = never."""
        self.level = LoadLevel.NORMAL
        self.delay_seconds = 0.0
        self.busy_share = 0.0
        self.luxury_share = 0.0
        """The part of it that went into interims, over a second or two."""
        self.refused = 0
        """How many transcribes were refused."""
        self.waits = Histogram()
        """How long lanes that had something to decode waited for a thread."""
        self.finals = Histogram()
        """From the end of an utterance in the queue to its text, decoding included."""
        self.on_change: Callable[[LoadLevel], None] = lambda _level: None
        """Called by `sample` when the level has changed."""
        self._threads = threads
        self._full_seconds = most_delay_seconds or math.inf
        self._shed_seconds = min(SHED_DELAY_SECONDS, self._full_seconds / 2)
        self._lock = threading.Lock()
        self._worst_seconds = 0.0
        self._busy_seconds = 0.0
        self._luxury_seconds = 0.0
        self._sampled_at: float | None = None
        self._calm_busy = CALM_BUSY
        self._shedding = _Level()
        self._full = _Level()

    @property
    def is_shedding(self) -> bool:
        """Whether what nobody needs is left out now."""
        return self.level is not LoadLevel.NORMAL

    @property
    def has_luxury(self) -> bool:
        """Whether a costly interim may be made now."""
        return self.level is LoadLevel.NORMAL and self.luxury_share < LUXURY_SHARE

    def note_begun(self, waited_seconds: float, late_seconds: float) -> None:
        """A thread turns to a live lane that waited for it, and was due so long ago (negative = is not due yet)."""
        with self._lock:
            self.waits.observe(waited_seconds)
            self._worst_seconds = max(self._worst_seconds, late_seconds)

    def note_final(self, seconds: float) -> None:
        """The text of an utterance is there, so long after its end was queued."""
        with self._lock:
            self.finals.observe(seconds)

    def note_busy(self, seconds: float) -> None:
        """A thread was so long at a step of a live lane."""
        with self._lock:
            self._busy_seconds += seconds

    def note_luxury(self, seconds: float) -> None:
        """An interim took so long; `note_busy` is told of it as well."""
        with self._lock:
            self._luxury_seconds += seconds

    def sample(self, now: float, earliest_due_at: float | None) -> LoadLevel:
        """Look at the load; `earliest_due_at` is when the first step that waits was due, None where none waits."""
        with self._lock:
            worst, self._worst_seconds = self._worst_seconds, 0.0
            busy, self._busy_seconds = self._busy_seconds, 0.0
            luxury, self._luxury_seconds = self._luxury_seconds, 0.0
        since, self._sampled_at = self._sampled_at, now
        if since is None or now <= since:
            return self.level
        if earliest_due_at is not None:
            worst = max(worst, now - earliest_due_at)
        passed = now - since
        room = passed * self._threads
        self.delay_seconds = _blend(self.delay_seconds, worst, passed / _DELAY_MEMORY_SECONDS)
        self.busy_share = _blend(self.busy_share, min(1.0, busy / room), passed / _BUSY_MEMORY_SECONDS)
        self.luxury_share = _blend(self.luxury_share, min(1.0, luxury / room), passed / _DELAY_MEMORY_SECONDS)
        self._judge(now)
        return self.level

    def require_room(self) -> None:
        """Raise RecognitionOverloaded when no new transcribe is taken now."""
        if self.level is LoadLevel.FULL:
            self.refused += 1
            raise RecognitionOverloaded(self.delay_seconds)

    def _judge(self, now: float) -> None:
        delay, busy = self.delay_seconds, self.busy_share
        self._full.note(now, is_calm=delay < self._full_seconds * _CALM_SHARE)
        self._shedding.note(now, is_calm=delay < self._shed_seconds * _CALM_SHARE and busy < self._calm_busy)
        before = self.level
        if before is LoadLevel.NORMAL:
            self._calm_busy = CALM_BUSY - min(self.luxury_share, LUXURY_SHARE)
        if before is not LoadLevel.FULL and delay >= self._full_seconds:
            if before is LoadLevel.NORMAL:
                self._shedding.enter(now)
            self._full.enter(now)
            self.level = LoadLevel.FULL
        elif before is LoadLevel.NORMAL and (delay >= self._shed_seconds or busy >= SHED_BUSY):
            self._shedding.enter(now)
            self.level = LoadLevel.SHEDDING
        elif before is LoadLevel.FULL and self._full.may_leave(now):
            self._full.leave(now)
            self.level = LoadLevel.SHEDDING
        elif before is LoadLevel.SHEDDING and self._shedding.may_leave(now):
            self._shedding.leave(now)
            self.level = LoadLevel.NORMAL
        if self.level is not before:
            self.on_change(self.level)


def _blend(old: float, new: float, memories: float) -> float:
    """Return the average after `memories` times its memory has passed with the value `new`."""
    return old + (new - old) * -math.expm1(-memories)
