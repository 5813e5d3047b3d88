"""Frames in, utterances out: pure, fed with judged frames, without a clock and without I/O."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from app.domain.audio import FRAME_MS, FRAME_SECONDS, Frame
from app.speech.segment_events import SegmentEvent, UtteranceAudio, UtteranceEnded, UtterancePaused, UtteranceStarted
from app.speech.voice_activity import SILENCE_DB, Activity

_ONSET_WINDOW: Final = 5
_ONSET_FRAMES: Final = 3
_ONSET_FRAMES_AT_END: Final = 2
_BACKTRACK_FRAMES: Final = 5
_FIRM_SILENCE_FRAMES: Final = 5
_BRIDGED_CONCEALED_FRAMES: Final = 5
_JUMP_SECONDS: Final = 0.5
_CUT_WINDOW_SECONDS: Final = 2.5
_TAIL_FRAMES: Final = 15
_FALLEN_DB: Final = 4.0
_SHORT_FRAMES: Final = 25
_NO_EVENTS: Final[Sequence[SegmentEvent]] = ()


@dataclass(frozen=True, slots=True)
class SegmenterOptions:
    """How utterances are cut. Silence is counted from the last frame with a voice; ADR 0004 has the numbers.

    `end_of_silence_ms` end an utterance; where the speaker seems to go on (the voice has not fallen, or hardly anything
    was said yet), `unsure_factor` times as much. After `long_seconds` less and less is asked for, down to a pause; at
    `maximum_seconds` the utterance is cut at its quietest place. UtterancePaused comes `pause_lead_ms` before the end,
    or, where that is None, after `pause_ms` of silence.
    """

    end_of_silence_ms: int = 280
    unsure_factor: float = 1.8
    pause_ms: int = 160
    pause_lead_ms: int | None = None
    pre_roll_ms: int = 300
    chunk_ms: int = 100
    long_seconds: float = 8.0
    maximum_seconds: float = 15.0


@dataclass(slots=True)
class _Utterance:
    started_at: float
    ended_at: float
    unsent: list[tuple[Frame, Activity]]
    held: list[tuple[Frame, Activity]] = field(default_factory=list)
    length: int = 0
    voiced: int = 0
    silence: int = 0
    concealed: int = 0
    recent: int = 0
    is_paused: bool = False
    loudest_db: float = SILENCE_DB
    tail_db: deque[float] = field(default_factory=lambda: deque(maxlen=_TAIL_FRAMES))
    end_frames: int = 0
    pause_frames: int = 0


class Segmenter:
    """Cuts one lane into utterances.

    An utterance begins with 3 clear frames among 5 and takes a pre-roll along. It ends after enough silence; a single
    loud frame in a silence (a click) does not prolong it. Its sound reaches to the pause; the silence after that is
    given out only if speech goes on. Concealed frames shorter than 100 ms in a row do not count as silence.
    """

    def __init__(self, options: SegmenterOptions) -> None:
        self._pre_roll_frames = options.pre_roll_ms // FRAME_MS
        self._chunk_frames = options.chunk_ms // FRAME_MS
        self._end_frames = max(2, options.end_of_silence_ms // FRAME_MS)
        self._unsure_frames = round(self._end_frames * options.unsure_factor)
        self._pause_frames = min(max(1, options.pause_ms // FRAME_MS), self._end_frames - 1)
        self._lead_frames = None if options.pause_lead_ms is None else options.pause_lead_ms // FRAME_MS
        self._long_frames = round(options.long_seconds / FRAME_SECONDS)
        self._maximum_frames = round(options.maximum_seconds / FRAME_SECONDS)
        self._hold_from_frames = self._maximum_frames - round(_CUT_WINDOW_SECONDS / FRAME_SECONDS)
        self._before: deque[tuple[Frame, Activity]] = deque(
            maxlen=self._pre_roll_frames + _ONSET_WINDOW + _BACKTRACK_FRAMES
        )
        self._utterance: _Utterance | None = None
        self._next_at = 0.0

    @property
    def is_speaking(self) -> bool:
        """Whether an utterance is open."""
        return self._utterance is not None

    def push(self, frame: Frame, activity: Activity) -> Sequence[SegmentEvent]:
        """Take the next frame and return what it makes known, most often nothing."""
        events: list[SegmentEvent] = []
        if abs(frame.captured_at - self._next_at) > _JUMP_SECONDS:
            events.extend(self.flush())
        self._next_at = frame.captured_at + FRAME_SECONDS
        if self._utterance is not None:
            self._continue(self._utterance, frame, activity, events)
            return events
        before = self._before
        before.append((frame, activity))
        if activity.is_onset and self._count_onsets() >= _ONSET_FRAMES:
            self._begin(events)
        return events or _NO_EVENTS

    def flush(self) -> Sequence[SegmentEvent]:
        """End the lane, or its present stretch: an open utterance ends here, a word that has just begun is kept."""
        events: list[SegmentEvent] = []
        if self._utterance is None and self._count_onsets() >= _ONSET_FRAMES_AT_END:
            self._begin(events)
        if self._utterance is not None:
            utterance = self._utterance
            if any(activity.is_onset for _, activity in utterance.held):
                utterance.unsent.extend(utterance.held)
            self._end(utterance, events, is_cut=not utterance.is_paused)
        self._before.clear()
        return events

    def _count_onsets(self) -> int:
        before = self._before
        return sum(before[index][1].is_onset for index in range(max(0, len(before) - _ONSET_WINDOW), len(before)))

    def _begin(self, events: list[SegmentEvent]) -> None:
        frames = list(self._before)
        self._before.clear()
        window = range(max(0, len(frames) - _ONSET_WINDOW), len(frames))
        start = next(index for index in window if frames[index][1].is_onset)
        earliest = max(0, start - _BACKTRACK_FRAMES)
        while start > earliest and frames[start - 1][1].is_audible:
            start -= 1
        unsent = frames[max(0, start - self._pre_roll_frames) :]
        self._open(frames[start][0].captured_at, unsent, events)

    def _open(self, started_at: float, unsent: list[tuple[Frame, Activity]], events: list[SegmentEvent]) -> None:
        last = unsent[-1][0]
        utterance = _Utterance(started_at, last.captured_at + FRAME_SECONDS, unsent, length=len(unsent))
        utterance.voiced = sum(activity.is_speech or activity.is_onset for _, activity in unsent)
        self._utterance = utterance
        events.append(UtteranceStarted(started_at, unsent[0][0].captured_at))

    def _continue(self, utterance: _Utterance, frame: Frame, activity: Activity, events: list[SegmentEvent]) -> None:
        utterance.length += 1
        utterance.recent = (utterance.recent << 1 | activity.is_speech) & 0b111
        if activity.is_speech and (utterance.silence < _FIRM_SILENCE_FRAMES or utterance.recent.bit_count() > 1):
            utterance.voiced += 1
            utterance.silence = 0
            utterance.concealed = 0
            utterance.ended_at = frame.captured_at + FRAME_SECONDS
            utterance.is_paused = False
            utterance.unsent.extend(utterance.held)
            utterance.held.clear()
            utterance.unsent.append((frame, activity))
            utterance.tail_db.append(activity.level_db)
            utterance.loudest_db = max(utterance.loudest_db, activity.level_db)
        else:
            if utterance.silence == 0:
                self._ask_silence(utterance)
            utterance.concealed = utterance.concealed + 1 if frame.is_concealed else 0
            if not 0 < utterance.concealed <= _BRIDGED_CONCEALED_FRAMES:
                utterance.silence += 1
            (utterance.held if utterance.is_paused else utterance.unsent).append((frame, activity))
            if utterance.is_paused:
                # A frame of speech at the very end may be the first of more: the next one tells.
                if utterance.silence >= utterance.end_frames and not activity.is_speech:
                    self._end(utterance, events, is_cut=False)
                    return
            elif utterance.silence >= utterance.pause_frames:
                self._send(utterance, events)
                utterance.is_paused = True
                events.append(UtterancePaused())
        if utterance.length >= self._maximum_frames:
            self._cut(utterance, events)
        elif len(utterance.unsent) >= self._chunk_frames and utterance.length < self._hold_from_frames:
            self._send(utterance, events)

    def _ask_silence(self, utterance: _Utterance) -> None:
        """Fix, at the first frame of a silence, how much of it ends the utterance, and when to expect that."""
        has_fallen = utterance.loudest_db - max(utterance.tail_db, default=SILENCE_DB) >= _FALLEN_DB
        is_sure = has_fallen and utterance.voiced >= _SHORT_FRAMES
        end_frames = self._end_frames if is_sure else self._unsure_frames
        if utterance.length > self._long_frames:
            left = (self._maximum_frames - utterance.length) / (self._maximum_frames - self._long_frames)
            end_frames = max(self._pause_frames + 1, round(end_frames * left))
        utterance.end_frames = end_frames
        lead = self._lead_frames
        utterance.pause_frames = self._pause_frames if lead is None else max(1, end_frames - lead)

    def _send(self, utterance: _Utterance, events: list[SegmentEvent]) -> None:
        if utterance.unsent:
            events.append(UtteranceAudio(b"".join([frame.pcm for frame, _ in utterance.unsent])))
            utterance.unsent.clear()

    def _end(self, utterance: _Utterance, events: list[SegmentEvent], *, is_cut: bool) -> None:
        self._send(utterance, events)
        voiced_seconds = utterance.voiced * FRAME_SECONDS
        events.append(UtteranceEnded(utterance.started_at, utterance.ended_at, voiced_seconds, is_cut))
        self._utterance = None
        self._before.extend(utterance.held)

    def _cut(self, utterance: _Utterance, events: list[SegmentEvent]) -> None:
        """End an utterance of the maximum length at the quietest 60 ms that were not given out yet, and go on after."""
        frames = utterance.unsent
        if utterance.is_paused or len(frames) < 2:
            self._end(utterance, events, is_cut=True)
            return
        levels = [activity.level_db for _, activity in frames]
        around = [
            sum(levels[max(0, index - 1) : index + 2]) / len(levels[max(0, index - 1) : index + 2])
            for index in range(len(levels) - 1)
        ]
        quietest = min(range(len(around)), key=around.__getitem__)
        utterance.unsent, rest = frames[: quietest + 1], frames[quietest + 1 :]
        utterance.ended_at = rest[0][0].captured_at
        utterance.voiced -= sum(activity.is_speech for _, activity in rest)
        self._end(utterance, events, is_cut=True)
        self._before.clear()
        self._open(rest[0][0].captured_at, rest, events)
