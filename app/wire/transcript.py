"""A transcript and the speech events before it as JSON (contract 4.6, 7.2; our additions as in interface.md)."""

from typing import Annotated

from pydantic import Field

from app.domain.timestamps import format_offset, format_timestamp
from app.domain.transcribe import Direction
from app.domain.transcript import Speaker, SpeechEvent, Transcript, TranscriptSource, Word
from app.wire.forms import Body, Id, Timestamp, milliseconds


class WordBody(Body):
    """One recognised word; times count from the transcribe's `tm_create`."""

    word: str
    start_ms: int
    end_ms: int
    confidence: float | None


class SpeakerBody(Body):
    """Who spoke: the call whose party it was, in a conference also which member."""

    call_id: Id
    conferencecall_id: Id
    name: str


class TranscriptBody(Body):
    """One final utterance. `tm_transcript` is the offset in the transcribe, carried on day 0001-01-01.

    `speaker` is null where it is not known; `degraded`: packets of this utterance were lost on their way here.
    `source`: `speech` = recognised, `prompt` = the text of a prompt of ours that was heard whole, not recognised again.
    """

    id: Id
    customer_id: Id
    transcribe_id: Id
    direction: Direction
    message: str
    tm_transcript: Timestamp
    tm_create: Timestamp
    offset_ms: int
    duration_ms: int
    engine: str
    model: str
    confidence: float | None
    words: tuple[WordBody, ...] | None
    speaker: SpeakerBody | None
    degraded: bool
    source: TranscriptSource


class SpeechBody(Body):
    """A moment of an utterance that goes on; `message` is there in interims only."""

    id: Id
    customer_id: Id
    streaming_id: Id
    transcribe_id: Id
    direction: Direction
    message: Annotated[str | None, Field(exclude_if=lambda message: message is None)] = None
    tm_event: Timestamp
    tm_create: Timestamp


def transcript_body(transcript: Transcript) -> TranscriptBody:
    """Return the JSON body of a transcript."""
    return TranscriptBody(
        id=transcript.id,
        customer_id=transcript.customer_id,
        transcribe_id=transcript.transcribe_id,
        direction=transcript.direction,
        message=transcript.message,
        tm_transcript=format_offset(transcript.offset),
        tm_create=format_timestamp(transcript.tm_create),
        offset_ms=milliseconds(transcript.offset),
        duration_ms=milliseconds(transcript.duration),
        engine=transcript.engine,
        model=transcript.model,
        confidence=transcript.confidence,
        words=None if transcript.words is None else tuple(_word_body(word) for word in transcript.words),
        speaker=None if transcript.speaker is None else _speaker_body(transcript.speaker),
        degraded=transcript.is_degraded,
        source=transcript.source,
    )


def speech_body(speech: SpeechEvent) -> SpeechBody:
    """Return the JSON body of a speech event."""
    return SpeechBody(
        id=speech.id,
        customer_id=speech.customer_id,
        streaming_id=speech.streaming_id,
        transcribe_id=speech.transcribe_id,
        direction=speech.direction,
        message=speech.message,
        tm_event=format_timestamp(speech.tm_event),
        tm_create=format_timestamp(speech.tm_create),
    )


def _speaker_body(speaker: Speaker) -> SpeakerBody:
    return SpeakerBody(call_id=speaker.call_id, conferencecall_id=speaker.conferencecall_id, name=speaker.name)


def _word_body(word: Word) -> WordBody:
    return WordBody(
        word=word.word,
        start_ms=milliseconds(word.start),
        end_ms=milliseconds(word.end),
        confidence=word.confidence,
    )
