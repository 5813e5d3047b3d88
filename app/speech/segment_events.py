"""What a segmenter says about a lane: where utterances begin, pause and end, and the sound in them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UtteranceStarted:
    """Somebody began to speak at `started_at`; the sound that follows begins at `audio_from`, a pre-roll earlier.

    Both in seconds of `time.monotonic()`.
    """

    started_at: float
    audio_from: float


@dataclass(frozen=True, slots=True)
class UtteranceAudio:
    """The next piece of the utterance's sound (8 kHz, 16-bit, mono), without a gap after the one before."""

    pcm: bytes


@dataclass(frozen=True, slots=True)
class UtterancePaused:
    """Silence for a while: most likely the end, so the work of decoding may be done ahead. Sound may still follow."""


@dataclass(frozen=True, slots=True)
class UtteranceEnded:
    """The utterance is over: speech lasted from `started_at` to `ended_at`, `voiced_seconds` of it with a voice.

    `is_cut`: it was cut at the maximum length, or by the end of the lane, and not by silence.
    """

    started_at: float
    ended_at: float
    voiced_seconds: float
    is_cut: bool


SegmentEvent = UtteranceStarted | UtteranceAudio | UtterancePaused | UtteranceEnded
