"""What a speech engine must do for Callscribe: 8 kHz sound in, text out; and the engine that makes recognizers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

from app.errors import CallscribeError


class RecognitionFailed(CallscribeError):
    """A speech engine failed on sound that it was given, or could not be loaded; the message names the engine."""

    code: ClassVar[str] = "RECOGNITION_FAILED"


@dataclass(frozen=True, slots=True)
class RecognizedWord:
    """One word; seconds count from the first sample of the utterance, `confidence` is 0 to 1."""

    word: str
    start_seconds: float
    end_seconds: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Recognition:
    """The final text of one utterance, trimmed, empty where nothing was understood.

    `words` and `confidence` are None where the engine gives none.
    """

    text: str
    words: tuple[RecognizedWord, ...] | None = None
    confidence: float | None = None


class Recognizer(Protocol):
    """Decodes one lane, utterance by utterance; every method blocks, and one thread at a time uses it.

    All methods raise RecognitionFailed, after which the object is only good for `close`.
    """

    accepted_seconds: float
    """Sound accepted in the whole life of this object: the pool replaces it before its memory grows too far."""

    def accept(self, pcm: bytes) -> None:
        """Take the next piece of the utterance (8 kHz, 16-bit little-endian mono, best 100 ms at a time)."""

    def interim(self) -> str:
        """Return the text so far, which may still change; costs a decode where the engine does not stream."""

    def prepare(self) -> None:
        """Do the work of `finish` ahead: speech has paused, and most likely no more sound comes."""

    def finish(self) -> Recognition:
        """End the utterance and return its text; the next `accept` begins another one."""

    def reset(self) -> None:
        """Forget the utterance; the warmth of the engine is kept."""

    def close(self) -> None:
        """Give the memory back; the object is not used afterwards."""


class SpeechEngine(Protocol):
    """One loaded model, shared by all recognizers of a language; its methods may be called from any thread."""

    pause_lead_ms: int | None
    """How long before the end of the endpoint silence `prepare` is best called; None = as soon as speech pauses."""

    def create_recognizer(self) -> Recognizer:
        """Return a warm recognizer; blocks up to a second. Raises RecognitionFailed."""

    def close(self) -> None:
        """Unload the model; all its recognizers are closed by then."""


@runtime_checkable
class GrammarEngine(Protocol):
    """A speech engine that can be told which phrases are expected; its methods may be called from any thread."""

    def create_hinted_recognizer(self, hints: Sequence[str]) -> Recognizer:
        """Return a warm recognizer that hears the words of `hints` rather than others; raises RecognitionFailed."""

    def find_unknown_words(self, phrases: Sequence[str]) -> tuple[str, ...]:
        """Return the words of `phrases` that the model does not have, each once: it can never hear them."""
