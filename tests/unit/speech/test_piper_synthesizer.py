"""English by Piper, heard as a caller would hear it: level, edges, and the words by a recognizer at 8 kHz."""

import os
import re
import threading
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import jiwer
import numpy as np
import pytest

from app.domain.audio import SAMPLE_RATE
from app.domain.language import parse_language
from app.errors import InvalidArgument
from app.speech import piper_synthesizer
from app.speech import voices as voices_module
from app.speech.espeak_synthesizer import EspeakSynthesizer
from app.speech.piper_synthesizer import PiperSynthesizer, PiperVoiceFiles, find_packaged_voice
from app.speech.synthesizer import SpeechSynthesisFailed, Synthesizer
from app.speech.voices import find_voices

EN_US = parse_language("en-US")
SENTENCES = (
    "This call is being transcribed for quality assurance.",
    "Please leave your name after the tone.",
    "Thank you for calling. Please hold the line.",
    "Hello, how can I help you today?",
    "Please say your name and the reason for your call.",
    "Please wait while we connect your call.",
    "The weather in the city is warm and sunny today.",
)


@pytest.fixture(scope="module")
def piper() -> PiperSynthesizer:
    files = find_packaged_voice()
    assert files is not None, "the packaged voice is a dependency of the project"
    return PiperSynthesizer(files)


@pytest.fixture(scope="module")
def hear() -> Callable[[bytes], str]:
    os.environ["MOONSHINE_ORT_SINGLE_THREAD"] = "1"
    from moonshine_voice import transcriber
    from moonshine_voice.moonshine_api import ModelArch

    model = Path(transcriber.__file__).parent / "assets" / "tiny-en"
    engine = transcriber.Transcriber(str(model), ModelArch.TINY, options={"vad_threshold": "0.0"})

    def hear(pcm: bytes) -> str:
        samples = np.frombuffer(pcm, "<i2").astype(np.float32) / 32768
        return " ".join(line.text for line in engine.transcribe_without_streaming(samples.tolist(), SAMPLE_RATE).lines)

    return hear


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^a-z']", " ", text.lower()).split())


def test_what_piper_says_is_understood_at_8_khz(piper: PiperSynthesizer, hear: Callable[[bytes], str]) -> None:
    heard = [_plain(hear(piper.speak(sentence, EN_US))) for sentence in SENTENCES]
    assert jiwer.wer([_plain(sentence) for sentence in SENTENCES], heard) <= 0.08


@pytest.mark.parametrize("text", ["Hello.", "She said yes.", "Thanks", "Five.", SENTENCES[0]])
def test_a_prompt_is_loud_enough_and_begins_at_once(piper: PiperSynthesizer, text: str) -> None:
    samples = np.frombuffer(piper.speak(text, EN_US), "<i2") / 32768
    assert 0.69 <= np.abs(samples).max() <= 0.72
    heard = np.flatnonzero(np.abs(samples) > 10 ** (-50 / 20))
    assert heard[0] <= 0.1 * SAMPLE_RATE
    assert 0.1 * SAMPLE_RATE <= len(samples) - heard[-1] <= 0.2 * SAMPLE_RATE


def test_text_without_anything_to_say_is_empty(piper: PiperSynthesizer) -> None:
    assert piper.speak("...", EN_US) == b""


def test_threads_that_need_the_voice_together_load_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    files = find_packaged_voice()
    assert files is not None
    load = Mock(wraps=piper_synthesizer._load)
    monkeypatch.setattr(piper_synthesizer, "_load", load)
    piper = PiperSynthesizer(files)
    threads = [threading.Thread(target=piper.speak, args=("Yes.", EN_US)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert load.call_count == 1


def test_other_languages_are_refused(piper: PiperSynthesizer) -> None:
    assert piper.voice_for(parse_language("en-GB")) == "en_US-joe-medium"
    with pytest.raises(InvalidArgument, match="does not speak fr-FR"):
        piper.speak("Bonjour", parse_language("fr-FR"))


def test_a_damaged_voice_is_an_error_with_its_name(tmp_path: Path) -> None:
    model = tmp_path / "x.onnx"
    model.write_bytes(b"no model")
    broken = PiperSynthesizer(PiperVoiceFiles("x", model, tmp_path / "x.json", "en"))
    with pytest.raises(SpeechSynthesisFailed, match="Piper voice x could not be loaded"):
        broken.speak("Hello", EN_US)


def test_english_is_piper_with_espeak_behind_it_and_the_rest_espeak() -> None:
    voices = find_voices()
    assert [voice.name for voice in voices.candidates(EN_US)] == ["piper", "espeak-ng"]
    assert [voice.name for voice in voices.candidates(parse_language("ko-KR"))] == ["espeak-ng"]


def test_without_a_piper_voice_espeak_speaks_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voices_module, "find_packaged_voice", lambda: None)
    found: tuple[Synthesizer, ...] = find_voices().candidates(EN_US)
    assert [type(voice) for voice in found] == [EspeakSynthesizer]
