"""Human or machine? How somebody answers a telephone, judged by the first seconds: frames in, a verdict out.

People say a short hello and wait for the other side; machines say whole sentences, or give a tone. What lengths tell
them apart is the field's common measure: a greeting of more than 2.5 s is a machine's, 0.8 s of silence after a
shorter one is somebody who waits.
"""

from collections import deque
from collections.abc import Sequence

import numpy as np

from app.domain.audio import FRAME_SAMPLES, FRAME_SECONDS, SAMPLE_RATE, Frame
from app.domain.call import AnsweredBy
from app.speech.voice_activity import SILENCE_DB, VoiceActivity

GREETING_SECONDS = 2.5
AFTER_GREETING_SECONDS = 0.8
FIRST_WORD_SECONDS = 4.0
MOST_SECONDS = 8.0
BEEP_SECONDS = 0.16

_LEAST_SPEECH_SECONDS = 0.1
"""Less voice is a click or a breath, no greeting."""
_WINDOW_FRAMES = 5
_VOICED_FRAMES = 3
_BEEP_PITCHES = (350.0, 2500.0)
_BEEP_PURITY = 0.9
_BEEP_DB = -40.0
_BEEP_DRIFT_HERTZ = 30.0
_WINDOW = np.hanning(FRAME_SAMPLES)
_HERTZ_PER_BIN = SAMPLE_RATE / FRAME_SAMPLES


class AnswerJudge:
    """Takes the frames of what the called party says, from the answer on, in their order, on any one thread."""

    def __init__(self) -> None:
        self._activity = VoiceActivity()
        self._recent: deque[bool] = deque(maxlen=_WINDOW_FRAMES)
        self._seconds = 0.0
        self._greeting_from: float | None = None
        self._greeting_until = 0.0
        self._voiced_seconds = 0.0
        self._beep_frames = 0
        self._beep_pitch = 0.0
        self.verdict: AnsweredBy | None = None
        """None until there is one; what comes after it changes nothing."""

    def push(self, frames: Sequence[Frame]) -> AnsweredBy | None:
        """Judge the next frames; the verdict, None while there is none."""
        for frame in frames:
            if self.verdict is None:
                self.verdict = self._judge(frame)
        return self.verdict

    def _judge(self, frame: Frame) -> AnsweredBy | None:
        activity = self._activity.judge(frame)
        begun_at, self._seconds = self._seconds, self._seconds + FRAME_SECONDS
        pitch = _pure_pitch(frame, activity.level_db)
        if self._is_beep(pitch):
            return AnsweredBy.MACHINE
        # A tone is no voice, but it may take some frames until it is known for one.
        is_voice = pitch is None and (activity.is_speech or activity.is_onset)
        self._recent.append(is_voice)
        if sum(self._recent) >= _VOICED_FRAMES:
            self._voiced_seconds += FRAME_SECONDS
            if self._greeting_from is None:
                self._greeting_from = max(0.0, begun_at - (_VOICED_FRAMES - 1) * FRAME_SECONDS)
            self._greeting_until = self._seconds
        return self._weigh()

    def _weigh(self) -> AnsweredBy | None:
        since_voice = self._seconds - self._greeting_until
        if self._greeting_from is None:
            return AnsweredBy.UNSURE if self._seconds >= FIRST_WORD_SECONDS else None
        if self._greeting_until - self._greeting_from > GREETING_SECONDS:
            return AnsweredBy.MACHINE
        if since_voice >= AFTER_GREETING_SECONDS:
            if self._voiced_seconds >= _LEAST_SPEECH_SECONDS:
                return AnsweredBy.HUMAN
            self._greeting_from, self._voiced_seconds = None, 0.0
        return AnsweredBy.UNSURE if self._seconds >= MOST_SECONDS else None

    def _is_beep(self, pitch: float | None) -> bool:
        """Whether a tone has now stood at one pitch for long enough."""
        if pitch is None:
            self._beep_frames = 0
            return False
        if self._beep_frames and abs(pitch - self._beep_pitch) > _BEEP_DRIFT_HERTZ:
            self._beep_frames = 0
        if not self._beep_frames:
            self._beep_pitch = pitch
        self._beep_frames += 1
        return self._beep_frames * FRAME_SECONDS >= BEEP_SECONDS


def _pure_pitch(frame: Frame, level_db: float) -> float | None:
    """The pitch of a frame that holds one tone and nothing else, None for any other sound."""
    if level_db <= max(SILENCE_DB, _BEEP_DB) or frame.is_concealed:
        return None
    samples = np.frombuffer(frame.pcm, np.int16) * _WINDOW
    power = np.abs(np.fft.rfft(samples)) ** 2
    peak = int(power[1:].argmax()) + 1
    near = power[max(0, peak - 2) : peak + 3]
    if near.sum() < _BEEP_PURITY * power.sum():
        return None
    pitch = (
        float((near * np.arange(max(0, peak - 2), max(0, peak - 2) + len(near))).sum() / near.sum()) * _HERTZ_PER_BIN
    )
    return pitch if _BEEP_PITCHES[0] <= pitch <= _BEEP_PITCHES[1] else None
