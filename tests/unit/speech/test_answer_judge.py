"""Who has answered, told by human speech, tones, silence and noise."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.audio import SAMPLE_RATE, Frame
from app.domain.call import AnsweredBy
from app.speech.answer_judge import MOST_SECONDS, AnswerJudge
from app.speech.phone_sound import silence, tone
from tests.speech_files import PROMPTS, frames_of, librivox_files, read_samples

HELLO = PROMPTS / "hello.wav"
needs_prompts = pytest.mark.skipif(not HELLO.is_file(), reason="needs asterisk-core-sounds-en-wav")


def judge(pcm: bytes) -> AnsweredBy | None:
    return AnswerJudge().push(frames_of(pcm))


def prompt(name: str) -> bytes:
    return read_samples(PROMPTS / f"{name}.wav")


@needs_prompts
@pytest.mark.parametrize("name", ["hello", "hello-world"])
@pytest.mark.parametrize("before", [0.0, 0.5, 2.0])
def test_a_short_greeting_and_then_silence_is_a_human(name: str, before: float) -> None:
    assert judge(silence(before) + prompt(name) + silence(2)) is AnsweredBy.HUMAN


@needs_prompts
@pytest.mark.parametrize("name", ["vm-intro", "demo-congrats", "demo-thanks"])
@pytest.mark.parametrize("before", [0.0, 1.0])
def test_a_long_greeting_is_a_machine(name: str, before: float) -> None:
    assert judge(silence(before) + prompt(name) + silence(2)) is AnsweredBy.MACHINE


@pytest.mark.parametrize(("path", "text"), librivox_files())
def test_sentences_are_a_machine(path: Path, text: str) -> None:
    assert judge(read_samples(path) + silence(2)) is AnsweredBy.MACHINE


@needs_prompts
@pytest.mark.parametrize("pitch", [440, 1000, 1400, 2000])
@pytest.mark.parametrize("before", [b"", silence(1)])
def test_a_beep_is_a_machine(pitch: int, before: bytes) -> None:
    assert judge(before + tone(pitch, 0.3) + silence(2)) is AnsweredBy.MACHINE
    assert judge(before + prompt("hello") + silence(0.3) + tone(pitch, 0.3) + silence(2)) is AnsweredBy.MACHINE


@needs_prompts
def test_the_beep_of_asterisk_is_a_machine() -> None:
    assert judge(silence(0.5) + prompt("beep") + silence(2)) is AnsweredBy.MACHINE


def test_silence_is_unsure_after_a_while() -> None:
    assert judge(silence(3.9)) is None
    assert judge(silence(4.1)) is AnsweredBy.UNSURE


def test_noise_is_no_human() -> None:
    noise = np.random.default_rng(7).normal(0, 200, 5 * SAMPLE_RATE).astype("<i2").tobytes()
    assert judge(noise) is AnsweredBy.UNSURE


@needs_prompts
def test_a_verdict_stays() -> None:
    judging = AnswerJudge()
    assert judging.push(frames_of(prompt("hello") + silence(2))) is AnsweredBy.HUMAN
    assert judging.push(frames_of(tone(1000, 1))) is AnsweredBy.HUMAN


def test_lost_packets_are_silence() -> None:
    frames = [Frame(tone(1000, 0.02), 0.0, is_concealed=True)] * 300
    assert AnswerJudge().push(frames) is AnsweredBy.UNSURE


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([0, 300, 3000, 20000]), st.floats(0.02, 1.5)), max_size=12), st.integers(0, 9)
)
def test_there_is_always_a_verdict_in_time(parts: list[tuple[int, float]], seed: int) -> None:
    random = np.random.default_rng(seed)
    pcm = b"".join(
        random.integers(-level - 1, level + 1, int(seconds * SAMPLE_RATE)).astype("<i2").tobytes()
        for level, seconds in parts
    )
    assert judge(pcm + silence(MOST_SECONDS + 1)) is not None
