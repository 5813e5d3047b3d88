"""Frames of a tap wait here until a recognizer is ready for them, so that the first word is not lost meanwhile."""

import threading
from collections.abc import Callable, Sequence

from app.domain.audio import FRAME_SECONDS, Frame

MOST_WAITING_SECONDS = 12.0
_MOST_FRAMES = int(MOST_WAITING_SECONDS / FRAME_SECONDS)


class FrameGate:
    """A sink for a tap. `push` is called on the media thread; `open` once, on the event loop.

    `on_lost` is told, on the media thread, from when to when sound found no room.
    """

    def __init__(self, on_lost: Callable[[float, float], None] = lambda _started_at, _ended_at: None) -> None:
        self._on_lost = on_lost
        self.lost_seconds = 0.0
        """Sound that came while the gate was closed and full."""
        self._lock = threading.Lock()
        self._waiting: list[Frame] = []
        self._sink: Callable[[Sequence[Frame]], None] | None = None

    def push(self, frames: Sequence[Frame]) -> None:
        """Pass frames on, or keep them while the gate is closed: at most MOST_WAITING_SECONDS, the earliest ones."""
        with self._lock:
            if self._sink is not None:
                self._sink(frames)
            elif len(self._waiting) < _MOST_FRAMES:
                self._waiting.extend(frames)
            elif frames:
                self.lost_seconds += len(frames) * FRAME_SECONDS
                self._on_lost(frames[0].captured_at, frames[-1].captured_at + FRAME_SECONDS)

    def open(self, sink: Callable[[Sequence[Frame]], None]) -> None:
        """Hand everything that waits to `sink`, and from now on everything that comes, in order."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
            if waiting:
                sink(waiting)
            self._sink = sink
