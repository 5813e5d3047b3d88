"""One lane's way through the recognition threads: its steps in order, one thread at a time, bounded in seconds."""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from app.domain.audio import pcm_seconds
from app.speech.feed_events import FeedEvent, Gap, Interim, SpeechEnded, SpeechStarted
from app.speech.feed_events import Final as FinalText
from app.speech.recognition_counts import RecognitionCounts
from app.speech.recognizer import Recognition, RecognizedWord, Recognizer
from app.speech.segment_events import SegmentEvent, UtteranceAudio, UtteranceEnded, UtterancePaused, UtteranceStarted

_SHORTEST_VOICED_SECONDS: Final = 0.08
"""Less voice than this is a click or a knock, not a word."""

_INTERIM_SECONDS: Final = 0.4
_INTERIM_COST_FACTOR: Final = 16
"""An engine that decodes all again for an interim spends at most a seventeenth of the time on it."""
_INTERIM_BACKLOG_SECONDS: Final = 0.5
_ROOM_TO_BEGIN_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Drained:
    """Everything before this was decoded and delivered: the last step of a feed."""


@dataclass(frozen=True, slots=True)
class _Skipped:
    gap: Gap


Step = SegmentEvent | _Skipped | Drained


class RecognizerSource(Protocol):
    """Where a lane gets a fresh recognizer when its own has grown too big."""

    def replace(self, recognizer: Recognizer) -> Recognizer:
        """Return `recognizer` itself, or a fresh warm one instead and close the old one."""


class LaneQueue:
    """Steps of one lane. `add` is called by the media thread, `run` by one recognition thread at a time.

    The bound: with more than `most_seconds` of sound waiting the utterance is ended where it stands and what follows is
    left out, until half of the backlog is gone; then a Gap says what is missing and the utterance goes on as a new one.
    """

    def __init__(
        self,
        recognizer: Recognizer,
        source: RecognizerSource,
        deliver: Callable[[FeedEvent | Drained], None],
        *,
        most_seconds: float,
        has_interims: bool,
        is_preparing_luxury: bool,
        is_patient: bool = False,
    ) -> None:
        """`is_patient`: nobody waits for what this lane decodes, so all others go first."""
        self.is_patient = is_patient
        self.on_decoded: Callable[[], None] = lambda: None
        """Called after a piece was decoded, or when the lane died, on a recognition thread."""
        self.recognizer = recognizer
        self._source = source
        self._deliver = deliver
        self.counts = RecognitionCounts()
        """This lane's own; written by the one thread that runs it."""
        self._most_seconds = most_seconds
        self._has_interims = has_interims
        self._is_preparing_luxury = is_preparing_luxury
        self.is_dead = False
        self._lock = threading.Lock()
        self._steps: deque[Step] = deque()
        self._ends_waiting = 0
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
    def has_end(self) -> bool:
        """Whether the end of an utterance waits: such lanes go first."""
        return self._ends_waiting > 0

    def add(self, event: SegmentEvent | Drained) -> None:
        """Queue what the segmenter says, within the bound."""
        match event:
            case UtteranceStarted(started_at, audio_from):
                self._speech_from, self._sound_at = started_at, audio_from
                if self.backlog_seconds > self._most_seconds - _ROOM_TO_BEGIN_SECONDS:
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
        if self._gap_from is not None and self.backlog_seconds <= self._most_seconds / 2:
            self._close_gap()
            self._speech_from = self._sound_at
            self._put(UtteranceStarted(self._sound_at, self._sound_at))
        if self._gap_from is None and self.backlog_seconds + seconds > self._most_seconds:
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
            if not self.is_dead or isinstance(step, Drained):
                self._steps.append(step)
                self._ends_waiting += isinstance(step, UtteranceEnded | Drained)

    def die(self) -> bool:
        """Leave out everything but the end of the feed: the recognizer is dead. Return whether that end waits."""
        with self._lock:
            self.is_dead = True
            self._steps = deque(step for step in self._steps if isinstance(step, Drained))
            self._ends_waiting = len(self._steps)
            self.backlog_seconds = 0.0
            has_end = bool(self._steps)
        self.on_decoded()
        return has_end

    def run(self, is_pool_busy: Callable[[], bool]) -> bool:
        """Do the next step; return whether more wait. Raises what the recognizer raises.

        There may be none: a lane is scheduled after its step was added, and that step may be done by then.
        """
        with self._lock:
            if not self._steps:
                return False
            step = self._steps.popleft()
            self._ends_waiting -= isinstance(step, UtteranceEnded | Drained)
        match step:
            case UtteranceStarted():
                self._audio_from = self._decoded_to = step.audio_from
                self._interim_text = ""
                self._interim_due = time.monotonic() + _INTERIM_SECONDS
                self._deliver(SpeechStarted(step.started_at))
            case UtteranceAudio(pcm):
                self._decode(pcm, is_pool_busy)
            case UtterancePaused():
                if not self._steps and not (self._is_preparing_luxury and is_pool_busy()):
                    self.recognizer.prepare()
                    if self._has_interims:
                        self._say_interim()
            case UtteranceEnded():
                self._finish(step)
            case _Skipped(gap):
                self.counts.gaps += 1
                self.counts.gap_seconds += gap.ended_at - gap.started_at
                self._deliver(gap)
            case Drained():
                self._deliver(step)
        return bool(self._steps)

    def _decode(self, pcm: bytes, is_pool_busy: Callable[[], bool]) -> None:
        seconds = pcm_seconds(pcm)
        self.recognizer.accept(pcm)
        self._decoded_to += seconds
        self.counts.decoded_seconds += seconds
        with self._lock:
            self.backlog_seconds -= seconds
        self.on_decoded()
        if self._has_interims and time.monotonic() >= self._interim_due:
            if (
                self._steps
                or self.backlog_seconds > _INTERIM_BACKLOG_SECONDS
                or (self._is_preparing_luxury and is_pool_busy())
            ):
                self.counts.shed_interims += 1
                self._interim_due = time.monotonic() + _INTERIM_SECONDS
            else:
                self._say_interim()

    def _say_interim(self) -> None:
        begun = time.monotonic()
        text = self.recognizer.interim()
        done = time.monotonic()
        self._interim_due = done + max(_INTERIM_SECONDS, _INTERIM_COST_FACTOR * (done - begun))
        if text and text != self._interim_text:
            self._interim_text = text
            self.counts.interims += 1
            self._deliver(Interim(text, self._decoded_to))

    def _finish(self, ended: UtteranceEnded) -> None:
        if ended.voiced_seconds < _SHORTEST_VOICED_SECONDS:
            self.recognizer.reset()
            self._deliver(SpeechEnded(ended.ended_at))
        else:
            recognition = self.recognizer.finish()
            self._deliver(SpeechEnded(ended.ended_at))
            if recognition.text:
                self.counts.finals += 1
                self._deliver(self._final(recognition, ended))
        self.recognizer = self._source.replace(self.recognizer)

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
