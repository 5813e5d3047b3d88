"""One lane's way through the recognition threads: its steps in order, one thread at a time, bounded in seconds."""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from app.domain.audio import pcm_seconds
from app.speech.feed_events import FeedEvent, Gap, Interim, SpeechEnded, SpeechStarted
from app.speech.feed_events import Final as FinalText
from app.speech.recognition_counts import RecognitionCounts
from app.speech.recognition_load import LoadLevel, RecognitionLoad
from app.speech.recognizer import Recognition, RecognizedWord, Recognizer
from app.speech.recognizer_shelf import RecognizerSource
from app.speech.segment_events import SegmentEvent, UtteranceAudio, UtteranceEnded, UtterancePaused, UtteranceStarted

_SHORTEST_VOICED_SECONDS: Final = 0.08
"""Less voice than this is a click or a knock, not a word."""

_INTERIM_SECONDS: Final = 0.4
_INTERIM_COST_FACTOR: Final = 16
"""An engine that decodes all again for an interim spends at most a seventeenth of the time on it."""
_INTERIM_BACKLOG_SECONDS: Final = 0.5
_ROOM_TO_BEGIN_SECONDS: Final = 1.0
PIECE_SLACK_SECONDS: Final = 4.0
"""A piece of an utterance that goes on may wait so much longer than an end: ends go first, none waits for ever."""


@dataclass(frozen=True, slots=True)
class Drained:
    """Everything before this was decoded and delivered: the last step of a feed."""


@dataclass(frozen=True, slots=True)
class _Skipped:
    gap: Gap


Step = SegmentEvent | _Skipped | Drained


class LaneQueue:
    """Steps of one lane. `add` is called by the media thread, `run` by one recognition thread at a time.

    A recognizer is borrowed for an utterance, from its first piece of sound to its end: nothing of one utterance is of
    use for the next (ADR 0041), and most lanes are silent at any moment.

    The bound: with more than `most_seconds` of sound waiting the utterance is ended where it stands and what follows is
    left out, until half of the backlog is gone; then a Gap says what is missing and the utterance goes on as a new one.
    """

    def __init__(
        self,
        source: RecognizerSource,
        deliver: Callable[[FeedEvent | Drained], None],
        *,
        load: RecognitionLoad,
        most_seconds: float,
        has_interims: bool,
        is_preparing_luxury: bool,
        is_patient: bool = False,
    ) -> None:
        """`is_patient`: nobody waits for what this lane decodes, so all others go first.

        `is_preparing_luxury`: an interim, or decoding ahead, may be for nothing and costs as much as the final.
        """
        self.is_patient = is_patient
        self.on_decoded: Callable[[], None] = lambda: None
        """Called after a piece was decoded, or when the lane died, on a recognition thread."""
        self.wants_interims: Callable[[], bool] = lambda: True
        """Asked before each interim, on a recognition thread: whether anybody would get it."""
        self.recognizer: Recognizer | None = None
        """Of the utterance that is open."""
        self._source = source
        self._deliver = deliver
        self._load = load
        self.counts = RecognitionCounts()
        """This lane's own; written by the one thread that runs it."""
        self._most_seconds = most_seconds
        self._has_interims = has_interims
        self._is_preparing_luxury = is_preparing_luxury
        self.is_dead = False
        self._lock = threading.Lock()
        self._steps: deque[tuple[float, Step]] = deque()
        """With the time at which each was added."""
        self._ends: deque[float] = deque()
        """When the ends among them were added."""
        self.backlog_seconds = 0.0
        # The media thread's side: where the utterance is, and whether it is being left out.
        self._sound_at = 0.0
        self._speech_from = 0.0
        self._gap_from: float | None = None
        # The recognition thread's side.
        self._audio_from = 0.0
        self._decoded_to = 0.0
        self._interim_text = ""
        self._interim_due = 0.0

    @property
    def due_at(self) -> float | None:
        """By when a thread should have turned to this lane, by `time.monotonic()`; None = nothing waits. Any thread.

        An end of an utterance is due at once: somebody waits for its text. A piece of one that goes on has time.
        """
        with self._lock:
            if not self._steps:
                return None
            first = self._steps[0][0] + PIECE_SLACK_SECONDS
            return min(first, self._ends[0]) if self._ends else first

    @property
    def _room_seconds(self) -> float:
        """How much sound may wait now. When all are late half of it is enough: more is later, and not less is lost."""
        is_full = self._load.level is LoadLevel.FULL and not self.is_patient
        return self._most_seconds / 2 if is_full else self._most_seconds

    def add(self, event: SegmentEvent | Drained) -> None:
        """Queue what the segmenter says, within the bound."""
        match event:
            case UtteranceStarted(started_at, audio_from):
                self._speech_from, self._sound_at = started_at, audio_from
                if self.backlog_seconds > self._room_seconds - _ROOM_TO_BEGIN_SECONDS:
                    self._gap_from = audio_from
                else:
                    self._put(event)
            case UtteranceAudio(pcm):
                self._add_sound(event, pcm_seconds(pcm))
            case UtterancePaused():
                if self._gap_from is None:
                    self._put(event)
            case UtteranceEnded():
                if self._gap_from is None:
                    self._put(event)
                self._close_gap()
            case Drained():
                self._close_gap()
                self._put(event)

    def _add_sound(self, event: UtteranceAudio, seconds: float) -> None:
        room = self._room_seconds
        if self._gap_from is not None and self.backlog_seconds <= room / 2:
            self._close_gap()
            self._speech_from = self._sound_at
            self._put(UtteranceStarted(self._sound_at, self._sound_at))
        if self._gap_from is None and self.backlog_seconds + seconds > room:
            ended_at = max(self._speech_from, self._sound_at)
            self._put(UtteranceEnded(self._speech_from, ended_at, _SHORTEST_VOICED_SECONDS, is_cut=True))
            self._gap_from = self._sound_at
        self._sound_at += seconds
        if self._gap_from is None:
            with self._lock:
                self.backlog_seconds += seconds
            self._put(event)

    def _close_gap(self) -> None:
        if self._gap_from is not None:
            self._put(_Skipped(Gap(self._gap_from, self._sound_at)))
            self._gap_from = None

    def _put(self, step: Step) -> None:
        with self._lock:
            if self.is_dead and not isinstance(step, Drained):
                return
            if isinstance(step, _Skipped) and self._steps and isinstance(last := self._steps[-1][1], _Skipped):
                # One gap after the other is one gap: so the steps are bounded, by the sound that waits.
                step = _Skipped(Gap(last.gap.started_at, step.gap.ended_at))
                self._steps[-1] = self._steps[-1][0], step
                return
            now = time.monotonic()
            self._steps.append((now, step))
            if isinstance(step, UtteranceEnded | Drained):
                self._ends.append(now)

    def die(self) -> bool:
        """Leave out everything but the end of the feed: the recognizer is dead. Return whether that end waits."""
        with self._lock:
            self.is_dead = True
            self._steps = deque(each for each in self._steps if isinstance(each[1], Drained))
            self._ends = deque(added_at for added_at, _ in self._steps)
            self.backlog_seconds = 0.0
            has_end = bool(self._steps)
        self.on_decoded()
        if self.recognizer is not None:
            recognizer, self.recognizer = self.recognizer, None
            self._source.discard(recognizer)
        return has_end

    def release(self) -> None:
        """Give the recognizer back; what it is in the middle of is dropped. When no thread runs the lane any more."""
        if self.recognizer is not None:
            recognizer, self.recognizer = self.recognizer, None
            self._source.give_back(recognizer)

    def run(self, is_pool_busy: Callable[[], bool]) -> bool:
        """Do the next step; return whether more wait. Raises what the recognizer raises.

        There may be none: a lane is scheduled after its step was added, and that step may be done by then.
        """
        with self._lock:
            if not self._steps:
                return False
            added_at, step = self._steps.popleft()
            if isinstance(step, UtteranceEnded | Drained):
                self._ends.popleft()
        match step:
            case UtteranceStarted():
                self._audio_from = self._decoded_to = step.audio_from
                self._interim_text = ""
                self._interim_due = time.monotonic() + _INTERIM_SECONDS
                self._deliver(SpeechStarted(step.started_at))
            case UtteranceAudio(pcm):
                self._decode(pcm, is_pool_busy)
            case UtterancePaused():
                if self.recognizer and not self._steps and not self._is_luxury_left_out(is_pool_busy):
                    self.recognizer.prepare()
                    if self._has_interims and not self._load.is_shedding and self.wants_interims():
                        self._say_interim(self.recognizer)
            case UtteranceEnded():
                self._finish(step)
                if not self.is_patient:
                    self._load.note_final(time.monotonic() - added_at)
            case _Skipped(gap):
                self.counts.gaps += 1
                self.counts.gap_seconds += gap.ended_at - gap.started_at
                self._deliver(gap)
            case Drained():
                self._deliver(step)
        return bool(self._steps)

    def _is_luxury_left_out(self, is_pool_busy: Callable[[], bool]) -> bool:
        return self._is_preparing_luxury and (is_pool_busy() or self._load.is_shedding)

    def _decode(self, pcm: bytes, is_pool_busy: Callable[[], bool]) -> None:
        seconds = pcm_seconds(pcm)
        if self.recognizer is None:
            self.recognizer = self._source.borrow()
        self.recognizer.accept(pcm)
        self._decoded_to += seconds
        self.counts.decoded_seconds += seconds
        with self._lock:
            self.backlog_seconds -= seconds
        self.on_decoded()
        if self._has_interims and time.monotonic() >= self._interim_due and self.wants_interims():
            if (
                self._steps
                or self._load.is_shedding
                or self.backlog_seconds > _INTERIM_BACKLOG_SECONDS
                or (self._is_preparing_luxury and (is_pool_busy() or not self._load.has_luxury))
            ):
                self.counts.shed_interims += 1
                self._interim_due = time.monotonic() + _INTERIM_SECONDS
            else:
                self._say_interim(self.recognizer)

    def _say_interim(self, recognizer: Recognizer) -> None:
        begun = time.monotonic()
        text = recognizer.interim()
        done = time.monotonic()
        self._load.note_luxury(done - begun)
        self._interim_due = done + max(_INTERIM_SECONDS, _INTERIM_COST_FACTOR * (done - begun))
        if text and text != self._interim_text:
            self._interim_text = text
            self.counts.interims += 1
            self._deliver(Interim(text, self._decoded_to))

    def _finish(self, ended: UtteranceEnded) -> None:
        is_word = ended.voiced_seconds >= _SHORTEST_VOICED_SECONDS
        recognition = self.recognizer.finish() if self.recognizer is not None and is_word else None
        self.release()
        self._deliver(SpeechEnded(ended.ended_at))
        if recognition is not None and recognition.text:
            self.counts.finals += 1
            self._deliver(self._final(recognition, ended))

    def _final(self, recognition: Recognition, ended: UtteranceEnded) -> FinalText:
        words = recognition.words
        if not words:
            return FinalText(recognition.text, ended.started_at, ended.ended_at, words, recognition.confidence)
        first = words[0].start_seconds
        return FinalText(
            recognition.text,
            self._audio_from + first,
            self._audio_from + words[-1].end_seconds,
            tuple(
                RecognizedWord(word.word, word.start_seconds - first, word.end_seconds - first, word.confidence)
                for word in words
            ),
            recognition.confidence,
        )
