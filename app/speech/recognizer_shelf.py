"""Warm recognizers of one loaded model: a lane borrows one for an utterance and gives it back after it."""

import math
import threading
from concurrent.futures import Executor
from typing import Final, Protocol

from app.errors import CallscribeError
from app.logs import get_log
from app.speech.recognizer import Recognizer, SpeechEngine

_log = get_log("speech")
_MOST_KEPT: Final = 6
"""So many are kept for the next calls when none is there."""
_TALKING_SHARE: Final = 0.5
"""Recognizers that are made ahead, per lane: two who talk with each other have one utterance between them mostly."""


class RecognizerSource(Protocol):
    """Where a lane has its recognizer from; all methods are for any thread."""

    def borrow(self) -> Recognizer:
        """Return a warm recognizer for one utterance; blocks up to a second where none waits. RecognitionFailed."""

    def give_back(self, recognizer: Recognizer) -> None:
        """Take back a recognizer that works; an utterance that it is in is dropped."""

    def discard(self, recognizer: Recognizer) -> None:
        """Take back a recognizer that failed: nobody gets it any more."""


class RecognizerShelf:
    """Keeps warm recognizers ready for all lanes, and replaces those that have heard too much.

    Who was used last is lent first: what a Vosk recognizer has decoded makes what follows cheaper, in it alone, so few
    shall hear most of it (ADR 0041). Its memory grows too, and only closing gives it back, so one is not used for
    more than `most_seconds` of sound. They are made ahead, one at a time, by `maker`, for `_TALKING_SHARE` of the lanes
    and one more than are lent; at most as many as there are lanes, or `spares`, are kept. All methods are for any
    thread.
    """

    def __init__(self, engine: SpeechEngine, maker: Executor, *, spares: int, most_seconds: float) -> None:
        self.engine = engine
        self.recycled = 0
        """How many were closed because of their age."""
        self.late = 0
        """How many were made while a lane waited for them."""
        self._maker = maker
        self._spares = spares
        self._most_seconds = most_seconds
        self._lock = threading.Lock()
        self._waiting: list[Recognizer] = []
        """The one to lend next is the last."""
        self._lent = 0
        self._lanes = 0
        self._is_filling = False
        self._is_closed = False

    def open_lane(self) -> None:
        """Reckon with one lane more; blocks up to a second when there is no recognizer at all. RecognitionFailed."""
        with self._lock:
            is_first = not self._waiting and not self._lent
        if is_first:
            self._keep(self.engine.create_recognizer())
        with self._lock:
            self._lanes += 1
        self._fill_later()

    def close_lane(self) -> None:
        """Reckon with one lane less, and close what is too many now."""
        with self._lock:
            self._lanes -= 1
            surplus = max(0, len(self._waiting) - max(_MOST_KEPT, self._lanes))
            closing, self._waiting = self._waiting[:surplus], self._waiting[surplus:]
        for recognizer in closing:
            recognizer.close()

    def borrow(self) -> Recognizer:
        """Return the warmest that waits, or else a new one, which takes up to a second."""
        with self._lock:
            self._lent += 1
            recognizer = self._waiting.pop() if self._waiting else None
            self.late += recognizer is None
        self._fill_later()
        if recognizer is None:
            try:
                recognizer = self.engine.create_recognizer()
            except BaseException:
                with self._lock:
                    self._lent -= 1
                raise
        return recognizer

    def give_back(self, recognizer: Recognizer) -> None:
        """Keep `recognizer` for the next utterance of any lane, or close it."""
        try:
            recognizer.reset()
        except CallscribeError as error:
            _log.warning("recognizer died between two utterances", error=error.message)
            self.discard(recognizer)
            return
        with self._lock:
            self._lent -= 1
            is_old = recognizer.accepted_seconds >= self._most_seconds
            self.recycled += is_old
        if is_old:
            self._close_later(recognizer)
            self._fill_later()
        else:
            self._keep(recognizer)

    def discard(self, recognizer: Recognizer) -> None:
        """Close `recognizer`, which has failed."""
        with self._lock:
            self._lent -= 1
        self._close_later(recognizer)
        self._fill_later()

    def fill(self) -> None:
        """Create recognizers until the wanted number waits; a failure is logged, the next `borrow` would raise it."""
        try:
            while self._is_short():
                self._keep(self.engine.create_recognizer(), is_used=False)
        except CallscribeError as error:
            _log.warning("no spare recognizer could be made", error=error.message)
        finally:
            with self._lock:
                self._is_filling = False

    def close(self) -> None:
        """Close what waits, then the engine; the maker is shut down by then."""
        with self._lock:
            self._is_closed = True
            waiting, self._waiting = self._waiting, []
        for recognizer in waiting:
            recognizer.close()
        self.engine.close()

    def _keep(self, recognizer: Recognizer, *, is_used: bool = True) -> None:
        """Put it to those that wait: one that has heard something is lent before those that have not."""
        with self._lock:
            is_kept = not self._is_closed and len(self._waiting) < max(_MOST_KEPT, self._lanes)
            if is_kept:
                self._waiting.insert(len(self._waiting) if is_used else 0, recognizer)
        if not is_kept:
            recognizer.close()

    def _fill_later(self) -> None:
        with self._lock:
            if self._is_filling or self._is_closed or not self._is_short_now:
                return
            self._is_filling = True
        self._maker.submit(self.fill)

    def _close_later(self, recognizer: Recognizer) -> None:
        """Free its memory elsewhere: that takes long, and who gives back has others to decode for."""
        self._maker.submit(recognizer.close)

    def _is_short(self) -> bool:
        with self._lock:
            return not self._is_closed and self._is_short_now

    @property
    def _is_short_now(self) -> bool:
        ahead = max(self._spares, math.ceil(self._lanes * _TALKING_SHARE))
        wanted = max(ahead, min(self._lent + 1, self._lanes))
        return self._lent + len(self._waiting) < wanted
