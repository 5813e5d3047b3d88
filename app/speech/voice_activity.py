"""Is this frame speech? webrtcvad for what sounds like a voice, a level above the room for where it really ends."""

import math
from typing import Final, NamedTuple

import numpy as np
import webrtcvad

from app.domain.audio import SAMPLE_RATE, SILENT_FRAME, Frame

SILENCE_DB: Final = -90.0
"""Level of digital silence; all levels are dB below full scale (RMS of a frame)."""

_FULL_SCALE_DB: Final = 20 * math.log10(32768)
_NOISE_BLOCK_FRAMES: Final = 25
_NOISE_BLOCKS: Final = 4
_QUIETEST_NOISE_DB: Final = -56.0
_LOUDEST_NOISE_DB: Final = -30.0
_FIRST_NOISE_DB: Final = -55.0
_PEAK_DECAY_DB: Final = 0.1
_REMEMBERED_FRAMES: Final = 10
"""Of digital silence webrtcvad learns nothing, but its filters and its hangover run out."""

_ONSET_ABOVE_NOISE_DB: Final = 8.0
_SPEECH_ABOVE_NOISE_DB: Final = 6.0
_SPEECH_BELOW_PEAK_DB: Final = 26.0
_LOUD_BELOW_PEAK_DB: Final = 14.0


class Activity(NamedTuple):
    """What one frame is.

    `is_onset`: clear enough to begin an utterance. `is_speech`: keeps one going; strict, without the 100 to 175 ms that
    webrtcvad hangs over. `is_audible`: above the room's noise: where a word begins, seen backwards from its onset.
    """

    is_onset: bool
    is_speech: bool
    is_audible: bool
    level_db: float


_NOTHING: Final = Activity(False, False, False, SILENCE_DB)


class VoiceActivity:
    """Judges the frames of one lane in their order; it adapts to the room, so every lane has its own.

    The room's noise is the quietest frame of the last two seconds (speech always has dips, noise has none), the
    voice's level a peak that decays by 5 dB a second. webrtcvad's mode 2 decides about beginnings (it clips onsets by
    5 ms where mode 3 clips up to 105), its mode 3 about ends.
    """

    def __init__(self) -> None:
        self._eager = webrtcvad.Vad(2)
        self._strict = webrtcvad.Vad(3)
        self._left_out = 0
        self._noise_db = _FIRST_NOISE_DB
        self._peak_db = SILENCE_DB
        self._block_frames = 0
        self._block_quietest_db = 0.0
        self._quietest_db = [_FIRST_NOISE_DB] * _NOISE_BLOCKS

    @property
    def noise_db(self) -> float:
        """The room's noise as estimated now."""
        return self._noise_db

    def judge(self, frame: Frame) -> Activity:
        """Judge the next frame; a concealed one says nothing about the voice and changes nothing."""
        if frame.is_concealed:
            return _NOTHING
        pcm = frame.pcm
        if pcm == SILENT_FRAME:
            # A tap of an idle direction gives nothing else.
            self._left_out = min(self._left_out + 1, _REMEMBERED_FRAMES)
            self._peak_db -= _PEAK_DECAY_DB
            return _NOTHING
        if self._left_out:
            self._catch_up()
        samples = np.frombuffer(pcm, np.int16).astype(np.float32)
        energy = float(np.dot(samples, samples)) / len(samples)
        level = 10 * math.log10(energy) - _FULL_SCALE_DB if energy > 1 else SILENCE_DB
        is_eager = self._eager.is_speech(pcm, SAMPLE_RATE)
        is_strict = self._strict.is_speech(pcm, SAMPLE_RATE)
        if level > SILENCE_DB:
            self._follow_noise(level)
        noise, peak = self._noise_db, self._peak_db
        is_audible = level > noise + _SPEECH_ABOVE_NOISE_DB
        is_onset = is_eager and level > noise + _ONSET_ABOVE_NOISE_DB
        if is_onset and level > peak:
            self._peak_db = peak = level
        else:
            self._peak_db = peak - _PEAK_DECAY_DB
        is_speech = is_audible and (
            (is_strict and level > peak - _SPEECH_BELOW_PEAK_DB) or (is_eager and level > peak - _LOUD_BELOW_PEAK_DB)
        )
        return Activity(is_onset, is_speech, is_audible, level)

    def _catch_up(self) -> None:
        """Let webrtcvad hear as much of the silence before as it remembers."""
        for _ in range(self._left_out):
            self._eager.is_speech(SILENT_FRAME, SAMPLE_RATE)
            self._strict.is_speech(SILENT_FRAME, SAMPLE_RATE)
        self._left_out = 0

    def _follow_noise(self, level: float) -> None:
        self._block_quietest_db = min(self._block_quietest_db, level)
        if level < self._noise_db:
            self._noise_db = max(level, _QUIETEST_NOISE_DB)
        self._block_frames += 1
        if self._block_frames == _NOISE_BLOCK_FRAMES:
            self._quietest_db.append(self._block_quietest_db)
            del self._quietest_db[0]
            self._noise_db = min(max(min(self._quietest_db), _QUIETEST_NOISE_DB), _LOUDEST_NOISE_DB)
            self._block_frames = 0
            self._block_quietest_db = 0.0
