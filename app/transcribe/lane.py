"""What stands behind one tap: recognised utterances of one direction become stored transcripts and events, in order."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

from app.domain.events import Event, EventType
from app.domain.ids import new_id
from app.domain.timestamps import now
from app.domain.transcribe import Direction, Transcribe
from app.domain.transcript import Speaker, SpeechEvent, Transcript, TranscriptSource, Word
from app.logs import get_log
from app.speech.feed_events import FeedEvent, FeedFailed, Final, Gap, Interim, SpeechEnded, SpeechStarted
from app.transcribe.lost_sound import LostSound
from app.transcribe.ports import Telling
from app.transcribe.time_zero import TimeZero

log = get_log("transcribe")

_SPEECH_TYPES = {
    SpeechStarted: EventType.TRANSCRIBE_SPEECH_STARTED,
    Interim: EventType.TRANSCRIBE_SPEECH_INTERIM,
    SpeechEnded: EventType.TRANSCRIBE_SPEECH_ENDED,
}

_OF_THE_MOMENT = tuple(_SPEECH_TYPES)

MOST_WAITING_EVENTS = 200
"""So many of a lane wait only when the store is slow: then what is of the moment is left out, and texts are kept."""

FindSpeaker = Callable[[], Speaker | None]
"""Tells who is heard now; None = not known."""


def nobody_known() -> Speaker | None:
    """Tell of no speaker."""
    return None


class Lane:
    """One direction of one party of a transcribe. `note` takes recognition events; `run` commits them in order.

    Who speaks is asked when an utterance begins: a call's other party can change, or be gone when its last words are
    stored. `lost` tells which sound never came.
    """

    def __init__(
        self,
        transcribe: Transcribe,
        direction: Direction,
        zero: TimeZero,
        journal: Telling,
        *,
        find_speaker: FindSpeaker = nobody_known,
        lost: LostSound | None = None,
        is_live: bool = True,
    ) -> None:
        """`is_live`: whether speech is told while it goes on; of a recording only the transcripts are."""
        self.direction = direction
        self.transcripts = 0
        self.gap_seconds = 0.0
        self.lost_speech_events = 0
        """Starts, ends and interims that were left out because too much waited to be stored."""
        self.failure: str | None = None
        self._transcribe = transcribe
        self._zero = zero
        self._journal = journal
        self._find_speaker = find_speaker
        self._lost = lost or LostSound()
        self._is_live = is_live
        self._speaker: Speaker | None = None
        self._streaming_id = new_id()
        # Bounded by MOST_WAITING_EVENTS, but for finals: these are never dropped, and speech makes one or two a second.
        self._events: asyncio.Queue[tuple[FeedEvent, Speaker | None] | None] = asyncio.Queue()

    def note(self, event: FeedEvent) -> None:
        """Take one event of the feed, on the event loop."""
        if isinstance(event, SpeechStarted):
            self._speaker = self._find_speaker()
        elif isinstance(event, Gap):
            self._lost.note(event.started_at, event.ended_at)
        if isinstance(event, _OF_THE_MOMENT) and self._events.qsize() >= MOST_WAITING_EVENTS:
            self.lost_speech_events += 1
            return
        self._events.put_nowait((event, self._speaker))

    def end(self) -> None:
        """No more events will come; `run` returns after those that it has."""
        self._events.put_nowait(None)

    async def run(self) -> None:
        """Store and tell until `end`, or until the recognizer failed."""
        while (next_event := await self._events.get()) is not None:
            event, speaker = next_event
            if isinstance(event, Final):
                await self._commit(event, speaker)
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
            elif self._is_live:
                await self._tell_speech(event)

    async def _commit(self, final: Final, speaker: Speaker | None) -> None:
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
            speaker=speaker,
            is_degraded=self._lost.touches(final.started_at, final.ended_at),
            source=TranscriptSource.PROMPT if final.is_known else TranscriptSource.SPEECH,
        )
        # The store first: whoever hears of a transcript can read it back.
        await self._journal.create(transcript, EventType.TRANSCRIPT_CREATED, about=self._transcribe.reference_id)
        self.transcripts += 1

    async def _tell_speech(self, event: SpeechStarted | Interim | SpeechEnded) -> None:
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
        await self._journal.tell(Event(_SPEECH_TYPES[type(event)], speech, about=self._transcribe.reference_id))
