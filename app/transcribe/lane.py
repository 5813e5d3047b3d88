"""What stands behind one tap: recognised utterances of one direction become stored transcripts and events, in order."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.domain.events import Event, EventType
from app.domain.ids import new_id
from app.domain.timestamps import now
from app.domain.transcribe import Direction, Transcribe
from app.domain.transcript import SpeechEvent, Transcript, Word
from app.event_bus import EventBus
from app.logs import get_log
from app.speech.feed_events import FeedEvent, FeedFailed, Final, Gap, Interim, SpeechEnded, SpeechStarted
from app.transcribe.ports import TranscriptRows

log = get_log("transcribe")

_SPEECH_TYPES = {
    SpeechStarted: EventType.TRANSCRIBE_SPEECH_STARTED,
    Interim: EventType.TRANSCRIBE_SPEECH_INTERIM,
    SpeechEnded: EventType.TRANSCRIBE_SPEECH_ENDED,
}


@dataclass(frozen=True, slots=True)
class TimeZero:
    """The transcribe's `tm_create` on both clocks: what offsets count from, for both directions alike."""

    wall: datetime
    monotonic: float

    def offset(self, at: float) -> timedelta:
        """How long after the start the monotonic moment `at` was; never negative."""
        return timedelta(seconds=max(0.0, at - self.monotonic))

    def moment(self, at: float) -> datetime:
        """The wall time of the monotonic moment `at`."""
        return self.wall + timedelta(seconds=at - self.monotonic)


class Lane:
    """One direction of one transcribe. `note` takes recognition events; `run` commits them one after the other."""

    def __init__(
        self, transcribe: Transcribe, direction: Direction, zero: TimeZero, rows: TranscriptRows, bus: EventBus
    ) -> None:
        self.direction = direction
        self.transcripts = 0
        self.gap_seconds = 0.0
        self.failure: str | None = None
        self._transcribe = transcribe
        self._zero = zero
        self._rows = rows
        self._bus = bus
        self._streaming_id = new_id()
        # Not bounded here: the recognition pool bounds the audio behind these events, and finals are never dropped.
        self._events: asyncio.Queue[FeedEvent | None] = asyncio.Queue()

    def note(self, event: FeedEvent) -> None:
        """Take one event of the feed, on the event loop."""
        self._events.put_nowait(event)

    def end(self) -> None:
        """No more events will come; `run` returns after those that it has."""
        self._events.put_nowait(None)

    async def run(self) -> None:
        """Store and publish until `end`, or until the recognizer failed."""
        while (event := await self._events.get()) is not None:
            if isinstance(event, Final):
                await self._commit(event)
            elif isinstance(event, Gap):
                seconds = event.ended_at - event.started_at
                self.gap_seconds += seconds
                log.warning(
                    "speech was not transcribed: recognition is behind",
                    direction=str(self.direction),
                    seconds=round(seconds, 2),
                )
            elif isinstance(event, FeedFailed):
                self.failure = event.message
                log.error("the recognizer failed", direction=str(self.direction), reason=event.message)
                return
            else:
                self._publish_speech(event)

    async def _commit(self, final: Final) -> None:
        words = None
        if final.words is not None:
            began = self._zero.offset(final.started_at)
            words = tuple(
                Word(
                    word.word,
                    began + timedelta(seconds=word.start_seconds),
                    began + timedelta(seconds=word.end_seconds),
                    word.confidence,
                )
                for word in final.words
            )
        transcript = Transcript(
            id=new_id(),
            customer_id=self._transcribe.customer_id,
            transcribe_id=self._transcribe.id,
            direction=self.direction,
            message=final.text,
            offset=self._zero.offset(final.started_at),
            duration=timedelta(seconds=max(0.0, final.ended_at - final.started_at)),
            engine=self._transcribe.engine,
            model=self._transcribe.model,
            tm_create=now(),
            confidence=final.confidence,
            words=words,
        )
        # The store first: whoever hears of a transcript can read it back.
        transcript = await self._rows.insert(transcript)
        self.transcripts += 1
        self._bus.publish(Event(EventType.TRANSCRIPT_CREATED, transcript))

    def _publish_speech(self, event: SpeechStarted | Interim | SpeechEnded) -> None:
        speech = SpeechEvent(
            id=new_id(),
            customer_id=self._transcribe.customer_id,
            transcribe_id=self._transcribe.id,
            direction=self.direction,
            streaming_id=self._streaming_id,
            tm_event=self._zero.moment(event.at),
            tm_create=now(),
            message=event.text if isinstance(event, Interim) else None,
        )
        self._bus.publish(Event(_SPEECH_TYPES[type(event)], speech))
