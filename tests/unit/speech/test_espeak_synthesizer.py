"""All other languages by the real program espeak-ng."""

import stat
import struct
from pathlib import Path

import numpy as np
import pytest

from app.domain.audio import pcm_seconds
from app.domain.language import parse_language
from app.errors import InvalidArgument
from app.speech.espeak_synthesizer import EspeakSynthesizer, read_streamed_wav
from app.speech.espeak_voices import choose_espeak_voice, read_voice_list
from app.speech.synthesizer import SpeechSynthesisFailed

GREETINGS = {
    "en-US": "Hello, this call is recorded.",
    "en-GB": "Hello, this call is recorded.",
    "es-ES": "Hola, esta llamada se graba.",
    "fr-FR": "Bonjour, cet appel est enregistré.",
    "de-DE": "Guten Tag, dieser Anruf wird aufgezeichnet.",
    "ja-JP": "こんにちは、お元気ですか。",
    "ko-KR": "안녕하세요. 통화가 녹음됩니다.",
    "zh-CN": "你好，通话将被录音。",
}


@pytest.fixture(scope="module")
def espeak() -> EspeakSynthesizer:
    return EspeakSynthesizer()


@pytest.mark.parametrize("tag", GREETINGS)
def test_every_language_of_the_tutorial_is_heard(espeak: EspeakSynthesizer, tag: str) -> None:
    pcm = espeak.speak(GREETINGS[tag], parse_language(tag))
    samples = np.frombuffer(pcm, "<i2") / 32768
    assert 1 < pcm_seconds(pcm) < 8
    assert 0.69 <= np.abs(samples).max() <= 0.72
    assert np.sqrt(np.mean(samples**2)) > 0.03
    assert np.flatnonzero(np.abs(samples) > 0.01)[0] <= 800


@pytest.mark.parametrize(
    ("tag", "voice"),
    [
        ("en", "en-us"), ("en-US", "en-us"), ("en-GB", "en-gb"), ("en-AU", "en-gb"), ("en-CA", "en-us"),
        ("zh-CN", "cmn"), ("zh-Hans-CN", "cmn"), ("zh-TW", "cmn"), ("zh-HK", "yue"), ("yue-HK", "yue"),
        ("fr-FR", "fr-fr"), ("fr-CA", "fr-fr"), ("fr-CH", "fr-ch"), ("es-ES", "es"), ("es-MX", "es-419"),
        ("pt-BR", "pt-br"), ("pt-PT", "pt"), ("de-AT", "de"), ("no-NO", "nb"), ("ko-KR", "ko"), ("ja-JP", "ja"),
    ],
)  # fmt: skip
def test_a_language_finds_its_nearest_voice(espeak: EspeakSynthesizer, tag: str, voice: str) -> None:
    assert espeak.voice_for(parse_language(tag)) == voice


def test_a_language_without_a_voice_is_an_error_that_names_it(espeak: EspeakSynthesizer) -> None:
    with pytest.raises(InvalidArgument, match="language: espeak-ng has no voice for xx-YY"):
        espeak.speak("Hello", parse_language("xx-YY"))


def test_text_reaches_the_program_as_text_only(espeak: EspeakSynthesizer) -> None:
    english = parse_language("en-US")
    assert pcm_seconds(espeak.speak("-v de --voices; $(date)", english)) > 1
    assert pcm_seconds(espeak.speak("Smith & Sons < 5", english)) > 0.5
    assert espeak.speak("   ", english) == b""


def test_a_missing_program_says_how_to_get_it() -> None:
    with pytest.raises(SpeechSynthesisFailed, match="apt-get install espeak-ng"):
        EspeakSynthesizer(program="espeak-ng-that-is-not-there").load()


def _program(folder: Path, body: str) -> str:
    path = folder / "espeak-ng"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_a_program_that_hangs_is_ended(tmp_path: Path) -> None:
    hung = EspeakSynthesizer(program=_program(tmp_path, "exec sleep 60"), timeout_seconds=0.1)
    with pytest.raises(SpeechSynthesisFailed, match=r"did not end within 0\.1 s"):
        hung.load()


def test_a_program_that_fails_is_an_error_with_its_code(tmp_path: Path) -> None:
    with pytest.raises(SpeechSynthesisFailed, match="exit code 3"):
        EspeakSynthesizer(program=_program(tmp_path, "exit 3")).load()


def test_the_voice_list_is_read_by_its_columns() -> None:
    table = (
        "Pty Language Age/Gender VoiceName File Other\n 5  de  --/M  German  gmw/de\n\n 2  en-GB  --/M  E  x  (en 2)\n"
    )
    voices = read_voice_list(table)
    assert voices == {"de", "en-gb"}
    assert choose_espeak_voice(parse_language("en-NZ"), voices) == "en-gb"
    assert choose_espeak_voice(parse_language("fr"), voices) is None


@pytest.mark.parametrize("wav", [b"no wav", b"RIFF....WAVEfmt ", b"RIFF" + bytes(40)])
def test_output_that_is_no_wav_is_an_error(wav: bytes) -> None:
    with pytest.raises(SpeechSynthesisFailed):
        read_streamed_wav(wav)


def test_a_wav_without_lengths_and_with_an_odd_byte_is_read() -> None:
    head = b"RIFF\x24\xf0\xff\x7fWAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 22050, 44100, 2, 16)
    samples, rate = read_streamed_wav(head + b"data\x00\xf0\xff\x7f" + struct.pack("<hh", 16384, -32768) + b"\1")
    assert rate == 22050
    assert samples.tolist() == [0.5, -1.0]
