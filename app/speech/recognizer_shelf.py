"""Warm recognizers of one loaded model, waiting for their next lane."""

import threading
from concurrent.futures import Executor
from typing import Final

from app.errors import CallscribeError
from app.logs import get_log
from app.speech.recognizer import Recognizer, SpeechEngine

_log = get_log("speech")
_MOST_KEPT: Final = 6


class RecognizerShelf:
    """Keeps some warm recognizers ready, takes used ones back, replaces those that have heard too much.

    A Vosk recognizer's memory grows with what it hears and only closing gives it back, so one is not used for more than
    `most_seconds` of sound. All methods are for any thread.
    """

    def __init__(self, engine: SpeechEngine, executor: Executor, *, spares: int, most_seconds: float) -> None:
        self.engine = engine
        self.recycled = 0
        self._executor = executor
        self._spares = spares
        self._most_seconds = most_seconds
        self._lock = threading.Lock()
        self._waiting: list[Recognizer] = []
        self._is_closed = False

    def take(self) -> Recognizer:
        """Return a warm recognizer: one that waits, or else a new one, which takes up to a second."""
        with self._lock:
            recognizer = self._waiting.pop() if self._waiting else None
        self._executor.submit(self.fill)
        return recognizer or self.engine.create_recognizer()

    def replace(self, recognizer: Recognizer) -> Recognizer:
        """Return `recognizer`, or a fresh one instead where it has heard too much."""
        if recognizer.accepted_seconds < self._most_seconds:
            return recognizer
        fresh = self.take()
        recognizer.close()
        self.recycled += 1
        return fresh

    def give_back(self, recognizer: Recognizer) -> None:
        """Keep `recognizer`, which is between two utterances, for the next lane, or close it."""
        if recognizer.accepted_seconds < self._most_seconds:
            recognizer.reset()
            with self._lock:
                if len(self._waiting) < _MOST_KEPT and not self._is_closed:
                    self._waiting.append(recognizer)
                    return
        recognizer.close()

    def fill(self) -> None:
        """Create recognizers until the wanted number waits; a failure is logged, the next `take` would raise it."""
        try:
            while self._is_short():
                recognizer = self.engine.create_recognizer()
                with self._lock:
                    self._waiting.append(recognizer)
        except CallscribeError as error:
            _log.warning("no spare recognizer could be made", error=error.message)

    def close(self) -> None:
        """Close what waits, then the engine."""
        with self._lock:
            self._is_closed = True
            waiting, self._waiting = self._waiting, []
        for recognizer in waiting:
            recognizer.close()
        self.engine.close()

    def _is_short(self) -> bool:
        with self._lock:
            return not self._is_closed and len(self._waiting) < self._spares
