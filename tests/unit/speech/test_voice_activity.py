"""Voice activity on silence, noise, tones and human speech."""

import numpy as np
import pytest

from app.domain.audio import FRAME_BYTES, SAMPLE_RATE, Frame
from app.speech.voice_activity import SILENCE_DB, Activity, VoiceActivity
from tests.speech_files import english_files, frames_of, read_samples

RANDOM = np.random.default_rng(4)


def noise(seconds: float, amplitude: float) -> bytes:
    return bytes((RANDOM.standard_normal(int(seconds * SAMPLE_RATE)) * amplitude).astype(np.int16).tobytes())


def judge(pcm: bytes) -> list[Activity]:
    activity = VoiceActivity()
    return [activity.judge(frame) for frame in frames_of(pcm)]


def test_digital_silence_is_nothing() -> None:
    assert set(judge(bytes(FRAME_BYTES * 50))) == {Activity(False, False, False, SILENCE_DB)}


@pytest.mark.parametrize("amplitude", [1, 8, 40, 300])
def test_steady_noise_is_not_speech_after_two_seconds(amplitude: float) -> None:
    judged = judge(noise(6, amplitude))
    assert not any(activity.is_onset or activity.is_speech for activity in judged[110:])


def test_a_tone_after_silence_is_audible() -> None:
    tone = (3000 * np.sin(np.arange(8000) * 2 * np.pi * 1000 / SAMPLE_RATE)).astype(np.int16).tobytes()
    judged = judge(noise(1, 2) + tone)
    assert all(activity.is_audible for activity in judged[51:99])


def test_the_end_of_speech_is_seen_without_hangover() -> None:
    path, _ = english_files()[-1]
    pcm = read_samples(path)
    judged = judge(noise(1, 8) + pcm + noise(1, 8))
    last = max(index for index, activity in enumerate(judged) if activity.is_speech)
    assert last <= 50 + len(pcm) // FRAME_BYTES + 1
    assert sum(activity.is_speech for activity in judged) > len(pcm) / FRAME_BYTES / 2


def test_a_concealed_frame_changes_nothing() -> None:
    activity = VoiceActivity()
    before = activity.noise_db
    judged = activity.judge(Frame(noise(0.02, 9000), 0.0, is_concealed=True))
    assert judged == Activity(False, False, False, SILENCE_DB)
    assert activity.noise_db == before
