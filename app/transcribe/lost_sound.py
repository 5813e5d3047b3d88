"""Which moments of a tap were lost on their way to us, so that a transcript can say that it is degraded."""

import threading
from collections import deque
from collections.abc import Sequence

from app.domain.audio import FRAME_SECONDS, Frame

MOST_SPANS = 500
NEAR_SECONDS = 0.2
"""A loss this close to the words of an utterance may have cost a part of it: its edges are told by words."""

_TOUCHING_SECONDS = FRAME_SECONDS / 2


class LostSound:
    """Spans of time that never reached the recognizer, the latest MOST_SPANS of them. For any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._spans: deque[tuple[float, float]] = deque(maxlen=MOST_SPANS)

    def note_frames(self, frames: Sequence[Frame]) -> None:
        """Note the stand-ins for lost packets among the next frames; called on the media thread."""
        for frame in frames:
            if frame.is_concealed:
                self.note(frame.captured_at, frame.captured_at + FRAME_SECONDS)

    def note(self, started_at: float, ended_at: float) -> None:
        """Note a span, in seconds of `time.monotonic()`."""
        with self._lock:
            if self._spans and abs(self._spans[-1][1] - started_at) <= _TOUCHING_SECONDS:
                started_at = self._spans.pop()[0]
            self._spans.append((started_at, ended_at))

    def touches(self, started_at: float, ended_at: float) -> bool:
        """Whether something was lost between these moments, or next to them."""
        low, high = started_at - NEAR_SECONDS, ended_at + NEAR_SECONDS
        with self._lock:
            return any(began < high and ended > low for began, ended in self._spans)
