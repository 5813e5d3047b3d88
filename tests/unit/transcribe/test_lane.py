"""A lane turns recognition events into stored transcripts and events, on the transcribe's clock, in order."""

from datetime import timedelta

from app.domain.events import EventType
from app.domain.ids import ZERO_ID, new_id
from app.domain.timestamps import now
from app.domain.transcribe import Direction, ReferenceType, Transcribe, TranscribeStatus
from app.domain.transcript import Speaker, SpeechEvent
from app.speech.feed_events import FeedFailed, Final, Gap, Interim, SpeechEnded, SpeechStarted
from app.speech.recognizer import RecognizedWord
from app.transcribe.lane import Lane
from app.transcribe.lost_sound import LostSound
from app.transcribe.time_zero import TimeZero
from tests.unit.transcribe.telling import Telling


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
    journal, record = Telling(), transcribe()
    zero = TimeZero(record.tm_create, 100.0)
    lane = Lane(record, Direction.IN, zero, journal)
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
    await lane.run()
    events = journal.events
    assert {event.order_key for event in events} == {record.reference_id}, "webhooks keep the order of one call"
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
    assert created == journal.stored[0], "what is told is what is stored"
    (row,) = journal.stored
    assert (row.offset, row.duration) == (timedelta(seconds=1), timedelta(seconds=0.8))
    assert row.words is not None
    assert row.words[1].start == timedelta(seconds=1.5)
    assert (row.engine, row.model, row.confidence) == ("vosk", "small", 0.8)
    assert (row.speaker, row.is_degraded) == (None, False)
    assert (lane.transcripts, lane.gap_seconds) == (1, 2.5)


async def test_a_dead_recognizer_ends_the_lane_with_its_reason() -> None:
    lane = Lane(transcribe(), Direction.OUT, TimeZero(now(), 0.0), Telling())
    lane.note(FeedFailed("the engine is gone"))
    await lane.run()
    assert lane.failure == "the engine is gone"


async def test_speech_before_the_start_counts_from_zero() -> None:
    journal = Telling()
    lane = Lane(transcribe(), Direction.IN, TimeZero(now(), 50.0), journal)
    lane.note(Final("early", 49.9, 50.4, None, None))
    lane.end()
    await lane.run()
    assert journal.stored[0].offset == timedelta(0)
    assert journal.stored[0].words is None


async def test_a_transcript_has_who_spoke_when_it_began() -> None:
    journal, record = Telling(), transcribe()
    speakers = [Speaker("one", name="alice"), None, Speaker("two", name="bob")]
    lane = Lane(record, Direction.OUT, TimeZero(record.tm_create, 0.0), journal, find_speaker=lambda: speakers.pop(0))
    for number in range(3):
        lane.note(SpeechStarted(number + 0.1))
        lane.note(Interim("a", number + 0.3))
        lane.note(SpeechEnded(number + 0.5))
        lane.note(Final(f"text {number}", number + 0.1, number + 0.5, None, None))
    lane.end()
    await lane.run()
    assert [(row.message, row.speaker and row.speaker.name) for row in journal.stored] == [
        ("text 0", "alice"),
        ("text 1", None),
        ("text 2", "bob"),
    ]


async def test_lost_sound_marks_the_utterances_that_it_hit() -> None:
    journal, record, lost = Telling(), transcribe(), LostSound()
    lane = Lane(record, Direction.IN, TimeZero(record.tm_create, 0.0), journal, lost=lost)
    lost.note(2.5, 2.54)
    for event in (
        Final("whole", 1.0, 2.0, None, None),
        Final("holed", 2.2, 3.0, None, None),
        Gap(10.0, 11.0),
        Final("cut off", 11.0, 12.0, None, None),
        Final("whole again", 13.0, 14.0, None, None),
    ):
        lane.note(event)
    lane.end()
    await lane.run()
    assert [row.message for row in journal.stored if row.is_degraded] == ["holed", "cut off"]


async def test_with_a_slow_store_texts_are_kept_and_what_is_of_the_moment_is_left_out() -> None:
    journal, record = Telling(), transcribe()
    lane = Lane(record, Direction.IN, TimeZero(record.tm_create, 0.0), journal)
    for number in range(500):
        lane.note(Interim(f"so far {number}", float(number)))
        if number % 10 == 0:
            lane.note(Final(f"text {number}", float(number), number + 0.5, None, None))
    lane.end()
    await lane.run()
    kinds = [event.type for event in journal.events]
    assert kinds.count(EventType.TRANSCRIPT_CREATED) == 50
    assert kinds.count(EventType.TRANSCRIBE_SPEECH_INTERIM) == 500 - lane.lost_speech_events
    assert lane.lost_speech_events > 300
