"""What a party answered by voice."""

from dataclasses import dataclass
from enum import StrEnum


class SpeechStatus(StrEnum):
    """What became of a question that was to be answered by voice."""

    UNDERSTOOD = "understood"
    NOT_UNDERSTOOD = "not_understood"
    SILENCE = "silence"


@dataclass(frozen=True, slots=True)
class AnswerRequest:
    """How an answer is heard; `language` is a canonical tag.

    `hints` are the expected phrases, empty = any text; `hint_threshold` is how much of a phrase must be heard, 0 to 1.
    """

    language: str
    hints: tuple[str, ...] = ()
    hint_threshold: float = 0.75
    end_of_silence_ms: int | None = None


@dataclass(frozen=True, slots=True)
class HeardAnswer:
    """One utterance: its text, the hint that it was taken for (as its author wrote it; empty = none), and how surely.

    `confidence` is 0 to 1, None where the engine has none.
    """

    text: str
    hint: str = ""
    confidence: float | None = None
