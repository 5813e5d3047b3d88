"""What a feed tells its listener: all times are seconds of `time.monotonic()`, when things were said, not decoded."""

from dataclasses import dataclass

from app.speech.recognizer import RecognizedWord


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Somebody began to speak at `at`."""

    at: float


@dataclass(frozen=True, slots=True)
class Interim:
    """What is understood so far of the open utterance; the next one, or the final, may say otherwise."""

    text: str
    at: float


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """The utterance ended at `at`; its Final follows if anything was understood."""

    at: float


@dataclass(frozen=True, slots=True)
class Final:
    """The text of an utterance, never empty.

    `started_at` and `ended_at` are the bounds of its words, or of the speech where the engine has no word times. The
    words' seconds count from `started_at`. `confidence` is 0 to 1 or None. `is_known`: the text was not recognised, it
    is that of a prompt of ours.
    """

    text: str
    started_at: float
    ended_at: float
    words: tuple[RecognizedWord, ...] | None
    confidence: float | None
    is_known: bool = False


@dataclass(frozen=True, slots=True)
class Gap:
    """What was said from `started_at` to `ended_at` was not decoded: the recognizers do not keep up."""

    started_at: float
    ended_at: float


@dataclass(frozen=True, slots=True)
class FeedFailed:
    """The feed's recognizer died; nothing more comes from this feed. The message says what failed."""

    message: str


FeedEvent = SpeechStarted | Interim | SpeechEnded | Final | Gap | FeedFailed
