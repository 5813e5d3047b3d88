"""The files of one recording: frames in on the media thread, written by another one, side by side on one time line."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from app.domain.audio import FRAME_SECONDS, Frame
from app.media.recording_track import RecordingTrack
from app.media.wav_writer import WavWriter, create_wav

MOST_WAITING_SECONDS = 30.0
"""So long a disk may hang before sound is lost."""
_MOST_FRAMES = int(MOST_WAITING_SECONDS / FRAME_SECONDS)


class RecorderSide:
    """One file of a recording. `push` is for the media thread: it queues, and nothing else.

    `on_written` hears the frames in their order, on the thread that writes.
    """

    def __init__(self, path: Path, on_written: Callable[[Sequence[Frame]], None] | None = None) -> None:
        self.path = path
        self.overflow_frames = 0
        """Frames that found no room, silence in the file."""
        self._on_written = on_written
        self._lock = threading.Lock()
        self._waiting: deque[Frame] = deque()
        self._track: RecordingTrack | None = None
        self._writer: WavWriter | None = None

    @property
    def samples(self) -> int:
        """How much is written."""
        return self._writer.samples if self._writer is not None else 0

    def push(self, frames: Sequence[Frame]) -> None:
        """Take the next frames; never blocks. What comes before the recording's begin is left out then."""
        with self._lock:
            room = _MOST_FRAMES - len(self._waiting)
            self._waiting.extend(frames[:room])
            self.overflow_frames += max(0, len(frames) - room)

    # The rest is for the thread that writes; all of it may raise OSError.

    def open(self, zero: float) -> None:
        """Make the file; its first sample is that of the moment `zero`."""
        self._track = RecordingTrack(zero)
        self._writer = create_wav(self.path)

    def write(self) -> None:
        """Write what waits."""
        if self._track is None or self._writer is None:
            return
        with self._lock:
            frames, self._waiting = self._waiting, deque()
        pieces: list[bytes] = []
        for frame in frames:
            silence, pcm = self._track.place(frame)
            if silence:
                self._writer.write(b"".join(pieces))
                pieces.clear()
                self._writer.write_silence(silence)
            pieces.append(pcm)
        self._writer.write(b"".join(pieces))
        if self._on_written is not None and frames:
            self._on_written(frames)

    def finish(self, samples: int) -> None:
        """Make the file as long as that, by silence or by a cut."""
        if self._writer is not None:
            self._writer.cut(samples)
            if samples > self._writer.samples:
                self._writer.write_silence(samples - self._writer.samples)

    def close(self) -> None:
        """Close the file."""
        if self._writer is not None:
            self._writer.close()


class Recorder:
    """All sides of one recording; they begin at the same moment and end with the same length.

    Everything but the sides' `push` blocks and belongs to one thread at a time, not the event loop. A side that cannot
    be written raises OSError; `close` is right after that too.
    """

    def __init__(self, *sides: RecorderSide) -> None:
        self.sides = sides

    @property
    def overflow_frames(self) -> int:
        """Frames that were lost because the disk did not keep up."""
        return sum(side.overflow_frames for side in self.sides)

    def open(self, zero: float) -> None:
        """Make the files; their first sample is that of the moment `zero` of `time.monotonic()`."""
        for side in self.sides:
            side.open(zero)

    def write(self) -> None:
        """Write what waits; to be called every second or so."""
        for side in self.sides:
            side.write()

    def finish(self, samples: int, *, is_most: bool = False) -> int:
        """Write the rest and make all sides equally long; return the length in samples.

        It is that of the longest side, and `samples` at least; `is_most`: exactly `samples`, the rest is cut off.
        """
        self.write()
        length = samples if is_most else max(samples, *(side.samples for side in self.sides))
        for side in self.sides:
            side.finish(length)
        return length

    def close(self) -> None:
        """Close all files."""
        for side in self.sides:
            side.close()
