"""Cuts the time line into frames of 20 ms, whatever the packets' length is (10, 30, 60 ms ...): pure."""

from app.domain.audio import FRAME_BYTES, SILENT_FRAME, Frame
from app.media.jitter_buffer import Chunk
from app.media.media_clock import MediaClock


class Framer:
    """Appends one stream's frames to `frames`, each timed by the clock when its last sample is there."""

    __slots__ = ("_clock", "_frames", "_has_sound", "_rest", "_rest_position")

    def __init__(self, clock: MediaClock, frames: list[Frame]) -> None:
        self._clock = clock
        self._frames = frames
        self._rest = b""  # the beginning of the next frame
        self._rest_position = 0
        self._has_sound = False  # whether a part of `_rest` did arrive

    def cut(self, chunk: Chunk) -> None:
        """Append the frames that `chunk` completes. A frame of which any sample arrived does not count as concealed."""
        position, pcm, arrived_at, _ = chunk
        is_concealed = arrived_at is None
        if not self._rest and len(pcm) == FRAME_BYTES:  # nearly always
            self._frames.append(Frame(pcm, self._clock.time_at(position), is_concealed))
            return
        start = 0
        if self._rest:
            start = FRAME_BYTES - len(self._rest)
            self._has_sound = self._has_sound or not is_concealed
            self._rest += pcm[:start]
            if len(self._rest) < FRAME_BYTES:
                return
            self._finish_rest()
        position += start >> 1
        while start + FRAME_BYTES <= len(pcm):
            piece = SILENT_FRAME if is_concealed else pcm[start : start + FRAME_BYTES]
            self._frames.append(Frame(piece, self._clock.time_at(position), is_concealed))
            start += FRAME_BYTES
            position += FRAME_BYTES >> 1
        self._rest = pcm[start:]
        self._rest_position = position
        self._has_sound = not is_concealed

    def flush(self) -> None:
        """Append what is left as a frame that silence fills up; nothing when the time line ended on a frame."""
        if self._rest:
            self._rest += bytes(FRAME_BYTES - len(self._rest))
            self._finish_rest()

    def _finish_rest(self) -> None:
        self._frames.append(Frame(self._rest, self._clock.time_at(self._rest_position), not self._has_sound))
        self._rest = b""
