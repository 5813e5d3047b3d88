"""The segmenter with judged frames: no clock, no engine."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.audio import FRAME_BYTES, FRAME_SECONDS, Frame
from app.speech.segment_events import SegmentEvent, UtteranceAudio, UtteranceEnded, UtterancePaused, UtteranceStarted
from app.speech.segmenter import Segmenter, SegmenterOptions
from app.speech.voice_activity import SILENCE_DB, Activity

SILENT = Activity(False, False, False, -60.0)
LOUD = Activity(True, True, True, -15.0)
SOFT = Activity(True, True, True, -22.0)
BREATH = Activity(False, False, True, -45.0)
NOTHING = Activity(False, False, False, SILENCE_DB)
LETTERS = {".": SILENT, "#": LOUD, "+": SOFT, "b": BREATH, "x": NOTHING}
SURE = "#" * 30 + "+" * 15


def frame(index: int, *, is_concealed: bool = False) -> Frame:
    return Frame(index.to_bytes(2, "little") * (FRAME_BYTES // 2), index * FRAME_SECONDS, is_concealed)


def run(pattern: str, segmenter: Segmenter | None = None, *, is_flushed: bool = True) -> list[SegmentEvent]:
    segmenter = segmenter or Segmenter(SegmenterOptions())
    events: list[SegmentEvent] = []
    for index, letter in enumerate(pattern):
        events.extend(segmenter.push(frame(index, is_concealed=letter == "x"), LETTERS[letter]))
    if is_flushed:
        events.extend(segmenter.flush())
    return events


def heard(events: Sequence[SegmentEvent]) -> list[int]:
    pcm = b"".join(event.pcm for event in events if isinstance(event, UtteranceAudio))
    return [int.from_bytes(pcm[offset : offset + 2], "little") for offset in range(0, len(pcm), FRAME_BYTES)]


def endings(events: Sequence[SegmentEvent]) -> list[UtteranceEnded]:
    return [event for event in events if isinstance(event, UtteranceEnded)]


def test_an_utterance_has_its_pre_roll_its_bounds_and_a_pause_before_its_end() -> None:
    events = run("." * 40 + SURE + "." * 30)
    started, ended = events[0], events[-1]
    assert isinstance(started, UtteranceStarted)
    assert [started.started_at, started.audio_from] == pytest.approx([0.8, 0.5])
    assert isinstance(ended, UtteranceEnded)
    assert [ended.started_at, ended.ended_at] == pytest.approx([0.8, 1.7])
    assert not ended.is_cut
    assert isinstance(events[-2], UtterancePaused)
    assert heard(events) == list(range(25, 40 + len(SURE) + 8))


@pytest.mark.parametrize(
    ("pattern", "utterances"),
    [
        ("." * 100, 0),
        ("." * 20 + "##" + "." * 40, 0),  # a click
        ("." * 20 + "#.#.#" + "." * 40, 1),
        ("." * 20 + "#..#..#..#" + "." * 40, 0),
        ("." * 20 + "##", 1),  # the lane ends in the first word
        ("." * 20 + SURE + "." * 13 + SURE + "." * 40, 1),
        ("." * 20 + SURE + "." * 15 + SURE + "." * 40, 2),
        ("." * 20 + SURE + "." * 7 + "#" + "." * 40, 1),
        ("." * 20 + SURE + "." * 6 + "xxxx" + "." * 6 + SURE, 1),
        ("." * 20 + SURE + "x" * 40 + SURE, 2),
    ],
)
def test_what_is_an_utterance(pattern: str, utterances: int) -> None:
    assert len(endings(run(pattern))) == utterances


@pytest.mark.parametrize(("speech", "silence"), [(SURE, 14), ("#" * 45, 25), ("#" * 10 + "+" * 10, 25)])
def test_more_silence_is_asked_for_where_the_voice_has_not_fallen_or_little_was_said(speech: str, silence: int) -> None:
    before = "." * 20 + speech
    assert not endings(run(before + "." * (silence - 1), is_flushed=False))
    assert endings(run(before + "." * silence, is_flushed=False))


def test_a_click_in_the_silence_does_not_prolong_it() -> None:
    quiet = endings(run("." * 20 + SURE + "." * 14, is_flushed=False))
    clicked = endings(run("." * 20 + SURE + "." * 8 + "#" + "." * 5, is_flushed=False))
    assert [event.ended_at for event in quiet] == [event.ended_at for event in clicked]


def test_the_pause_is_announced_a_lead_before_the_end() -> None:
    segmenter = Segmenter(SegmenterOptions(pause_lead_ms=80))
    events = run("." * 20 + SURE + "." * 10, segmenter, is_flushed=False)
    assert isinstance(events[-1], UtterancePaused)


def test_a_breath_before_the_onset_belongs_to_the_speech() -> None:
    started = run("." * 20 + "bbb" + SURE)[0]
    assert isinstance(started, UtteranceStarted)
    assert started.started_at == pytest.approx(0.4)


def test_a_long_utterance_is_cut_at_its_quietest_place_and_nothing_is_lost() -> None:
    segmenter = Segmenter(SegmenterOptions(maximum_seconds=15))
    pattern = "." * 30 + "#" * 640 + "+++" + "#" * 200 + "." * 40
    events = run(pattern, segmenter)
    first, second = endings(events)
    assert first.is_cut
    assert first.ended_at == second.started_at == pytest.approx(671.5 * FRAME_SECONDS, abs=0.021)
    sound = heard(events)
    assert sound == list(range(sound[0], sound[0] + len(sound)))


def test_a_jump_of_the_clock_ends_the_utterance() -> None:
    segmenter = Segmenter(SegmenterOptions())
    events = run("." * 20 + SURE, segmenter, is_flushed=False)
    late = Frame(bytes(FRAME_BYTES), 100.0)
    assert not endings(events)
    assert endings(segmenter.push(late, SILENT))


@settings(deadline=None)
@given(st.lists(st.sampled_from(["." * 9, "." * 30, "#" * 7, SURE, "#" * 300, "x" * 3, "#.", "+#", "b"]), max_size=25))
def test_utterances_are_ordered_bounded_and_whole(parts: list[str]) -> None:
    pattern = "".join(parts)
    options = SegmenterOptions(maximum_seconds=5, long_seconds=3)
    events = run(pattern, Segmenter(options))
    at = -1.0
    open_from: float | None = None
    sound: list[int] = []
    for event in events:
        match event:
            case UtteranceStarted(started_at, audio_from):
                assert open_from is None
                assert at <= audio_from <= started_at
                open_from, sound = audio_from, []
            case UtteranceAudio():
                assert open_from is not None
                sound.extend(heard([event]))
            case UtteranceEnded(started_at, ended_at):
                assert open_from is not None
                assert sound == list(
                    range(round(open_from / FRAME_SECONDS), round(open_from / FRAME_SECONDS) + len(sound))
                )
                assert len(sound) * FRAME_SECONDS <= 5 + 0.011
                assert started_at < ended_at <= open_from + len(sound) * FRAME_SECONDS + 1e-6
                at, open_from = open_from + len(sound) * FRAME_SECONDS - 1e-6, None
    assert open_from is None
