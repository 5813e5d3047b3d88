"""A transcript as data: one final piece of text with the time when it was said, and the revisable ones before it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from app.domain.ids import ZERO_ID
from app.domain.transcribe import Direction


@dataclass(frozen=True, slots=True)
class Word:
    """One recognised word; `start` and `end` count from the transcribe's `tm_create`, `confidence` is 0 to 1."""

    word: str
    start: timedelta
    end: timedelta
    confidence: float | None


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who spoke: the call whose party it was, and for a conference the member. `name` is the party's address or name.

    Not known (None in its place) for what a call's party hears: that is a prompt or whoever it is connected with.
    """

    call_id: str
    conferencecall_id: str = ZERO_ID
    name: str = ""


class TranscriptSource(StrEnum):
    """Where a text comes from."""

    SPEECH = "speech"
    """Speech that was recognised."""
    PROMPT = "prompt"
    """A prompt of ours, heard whole: its text as it was given to be spoken."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """One final, stored utterance.

    `offset` = start of the first word (or of speech, where the engine has no word times) counted from the
    transcribe's `tm_create`; `duration` = how long it was spoken. `words` is None where the engine gives none.
    `is_degraded` = packets of this utterance were lost on their way to the recognizer.
    """

    id: str
    customer_id: str
    transcribe_id: str
    direction: Direction
    message: str
    offset: timedelta
    duration: timedelta
    engine: str
    model: str
    tm_create: datetime
    confidence: float | None = None
    words: tuple[Word, ...] | None = None
    speaker: Speaker | None = None
    is_degraded: bool = False
    source: TranscriptSource = TranscriptSource.SPEECH
    tm_delete: datetime | None = None


@dataclass(frozen=True, slots=True)
class SpeechEvent:
    """A moment of an utterance that is still going on: started, an interim text, ended. Never stored."""

    id: str
    customer_id: str
    transcribe_id: str
    direction: Direction
    streaming_id: str
    tm_event: datetime
    tm_create: datetime
    message: str | None = None
