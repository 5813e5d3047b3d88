"""Lays the frames of one direction on the time line of a recording: pure.

A tap's frames follow each other, but not without end: packets are lost, a stream pauses, a clock drifts. So each frame
is held against the moment at which it was heard, and the file is never further from the truth than TOLERANCE_MS: two
files of one recording stay within twice that of each other, however long they are.
"""

from typing import NamedTuple

from app.domain.audio import SAMPLE_RATE, SILENT_FRAME, Frame

TOLERANCE_MS = 10
_TOLERANCE_SAMPLES = TOLERANCE_MS * SAMPLE_RATE // 1000
_QUIET_TOLERANCE_SAMPLES = 2 * SAMPLE_RATE // 1000
"""In silence nobody hears a correction, so it is made earlier there."""


class Placed(NamedTuple):
    """What comes next in the file: first so many samples of silence, then `pcm`."""

    silence_samples: int
    pcm: bytes


class RecordingTrack:
    """One direction. `zero` is the moment of the file's first sample, in seconds of `time.monotonic()`."""

    def __init__(self, zero: float) -> None:
        self.samples = 0
        """How long the track is so far."""
        self._zero = zero

    def place(self, frame: Frame) -> Placed:
        """Return what the next frame adds; nothing for one that is too late or from before the begin."""
        behind = round((frame.captured_at - self._zero) * SAMPLE_RATE) - self.samples
        if self.samples == 0:
            tolerance = 0
        else:
            tolerance = _QUIET_TOLERANCE_SAMPLES if frame.pcm == SILENT_FRAME else _TOLERANCE_SAMPLES
        silence, pcm = 0, frame.pcm
        if behind > tolerance:
            silence = behind
        elif behind < -tolerance:
            pcm = pcm[-2 * behind :]
        self.samples += silence + len(pcm) // 2
        return Placed(silence, pcm)
