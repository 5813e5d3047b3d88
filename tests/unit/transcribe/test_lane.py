"""A lane turns recognition events into stored transcripts and events, on the transcribe's clock, in order."""

from dataclasses import replace
from datetime import timedelta

from app.domain.events import EventType
from app.domain.ids import ZERO_ID, new_id
from app.domain.timestamps import now
from app.domain.transcribe import Direction, ReferenceType, Transcribe, TranscribeStatus
from app.domain.transcript import SpeechEvent, Transcript
from app.event_bus import EventBus
from app.speech.feed_events import FeedFailed, Final, Gap, Interim, SpeechEnded, SpeechStarted
from app.speech.recognizer import RecognizedWord
from app.transcribe.lane import Lane, TimeZero


class Rows:
    """Keeps what is stored, and as the store does, may move its time on."""

    def __init__(self) -> None:
        self.stored: list[Transcript] = []

    async def insert(self, item: Transcript, /) -> Transcript:
        self.stored.append(replace(item, tm_create=item.tm_create + timedelta(microseconds=1)))
        return self.stored[-1]


def transcribe() -> Transcribe:
    return Transcribe(
        id=new_id(),
        customer_id=new_id(),
        reference_type=ReferenceType.CALL,
        reference_id=ZERO_ID,
        status=TranscribeStatus.PROGRESSING,
        language="en-US",
        direction=Direction.BOTH,
        engine="vosk",
        model="small",
        tm_create=now(),
        tm_update=now(),
    )


async def test_events_become_transcripts_in_order() -> None:
    rows, bus, record = Rows(), EventBus(), transcribe()
    zero = TimeZero(record.tm_create, 100.0)
    lane = Lane(record, Direction.IN, zero, rows, bus)
    words = (RecognizedWord("good", 0.0, 0.4, 0.9), RecognizedWord("day", 0.5, 0.8, 0.7))
    for event in (
        SpeechStarted(101.0),
        Interim("good", 101.4),
        SpeechEnded(101.9),
        Final("good day", 101.0, 101.8, words, 0.8),
        Gap(103.0, 105.5),
    ):
        lane.note(event)
    lane.end()
    with bus.subscribe() as heard:
        await lane.run()
        heard.close()
        events = [event async for event in heard]
    assert [event.type for event in events] == [
        EventType.TRANSCRIBE_SPEECH_STARTED,
        EventType.TRANSCRIBE_SPEECH_INTERIM,
        EventType.TRANSCRIBE_SPEECH_ENDED,
        EventType.TRANSCRIPT_CREATED,
    ]
    started, interim, ended, created = (event.data for event in events)
    assert isinstance(started, SpeechEvent)
    assert started.tm_event == record.tm_create + timedelta(seconds=1)
    assert isinstance(interim, SpeechEvent)
    assert interim.message == "good"
    assert isinstance(ended, SpeechEvent)
    assert len({started.id, interim.id, ended.id}) == 3
    assert started.streaming_id == ended.streaming_id
    assert created == rows.stored[0], "what is told is what is stored"
    (row,) = rows.stored
    assert (row.offset, row.duration) == (timedelta(seconds=1), timedelta(seconds=0.8))
    assert row.words is not None
    assert row.words[1].start == timedelta(seconds=1.5)
    assert (row.engine, row.model, row.confidence) == ("vosk", "small", 0.8)
    assert (lane.transcripts, lane.gap_seconds) == (1, 2.5)


async def test_a_dead_recognizer_ends_the_lane_with_its_reason() -> None:
    lane = Lane(transcribe(), Direction.OUT, TimeZero(now(), 0.0), Rows(), EventBus())
    lane.note(FeedFailed("the engine is gone"))
    await lane.run()
    assert lane.failure == "the engine is gone"


async def test_speech_before_the_start_counts_from_zero() -> None:
    rows = Rows()
    lane = Lane(transcribe(), Direction.IN, TimeZero(now(), 50.0), rows, EventBus())
    lane.note(Final("early", 49.9, 50.4, None, None))
    lane.end()
    await lane.run()
    assert rows.stored[0].offset == timedelta(0)
    assert rows.stored[0].words is None
