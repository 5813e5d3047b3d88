"""Prompts: made once, written whole, found again, bounded; with the real engines and with a scripted one."""

import asyncio
import os
import threading
import wave
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.language import Language, parse_language
from app.errors import InvalidArgument
from app.speech.phone_sound import silence, to_phone_pcm, tone
from app.speech.prompt_cache import Prompts, open_prompts
from app.speech.prompt_rendering import PIECE_CHARACTERS, render_prompt, split_text
from app.speech.spoken_text import Silence, Text
from app.speech.synthesizer import SpeechSynthesisFailed
from app.speech.voices import Voices, find_voices

EN_US = parse_language("en-US")


class ScriptedSynthesizer:
    """Speaks a tone of 10 ms per character; can be held up, and can fail."""

    def __init__(self, name: str = "scripted", *, fails: bool = False) -> None:
        self.name = name
        self.fails = fails
        self.spoken: list[str] = []
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.has_begun = threading.Event()

    def voice_for(self, language: Language) -> str:
        return f"voice-{language.primary}"

    def load(self) -> None:
        if self.fails:
            raise SpeechSynthesisFailed("scripted to fail")

    def speak(self, text: str, language: Language) -> bytes:
        self.load()
        self.spoken.append(text)
        self.has_begun.set()
        assert self.may_go_on.wait(30)
        return tone(400, len(text) / 100)


@pytest.fixture
def scripted() -> ScriptedSynthesizer:
    return ScriptedSynthesizer()


@pytest.fixture
async def prompts(tmp_path: Path, scripted: ScriptedSynthesizer) -> AsyncIterator[Prompts]:
    async with open_prompts(tmp_path / "prompts", Voices(scripted), warm_language=None) as prompts:
        yield prompts


async def test_the_real_engines_make_wav_files_that_asterisk_plays(tmp_path: Path) -> None:
    async with open_prompts(tmp_path, find_voices()) as prompts:
        await prompts.warm_up()
        made = [
            await prompts.prepare("Please hold the line.", "en-us"),
            await prompts.prepare("안녕하세요", "ko-KR"),
            await prompts.prepare('<speak>Wait<break time="1s"/>now</speak>', EN_US),
            await prompts.beep(),
        ]
    for prompt in made:
        with wave.open(str(prompt.path)) as wav:
            assert wav.getparams()[:4] == (1, 2, 8000, round(prompt.seconds * 8000))
            assert wav.getnframes() % 160 == 0
            assert np.abs(np.frombuffer(wav.readframes(-1), "<i2")).max() > 8000
        assert prompt.path.stat().st_mode & 0o777 == 0o644
        assert prompt.path.name == f"{prompt.key}.wav"
    assert made[-1].seconds == 0.2


async def test_one_key_is_made_once_for_all_who_ask_together(prompts: Prompts, scripted: ScriptedSynthesizer) -> None:
    scripted.may_go_on.clear()
    asking = [asyncio.create_task(prompts.prepare("Hello", "en-US")) for _ in range(10)]
    await asyncio.to_thread(scripted.has_begun.wait, 10)
    asking[0].cancel()
    scripted.may_go_on.set()
    answers = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(answers[0], asyncio.CancelledError)
    assert len(set(answers[1:])) == 1
    assert scripted.spoken == ["Hello"]
    assert await prompts.prepare("Hello", "en-US") == answers[1]
    assert scripted.spoken == ["Hello"]


async def test_text_voice_and_language_make_different_keys(prompts: Prompts) -> None:
    keys = {(await prompts.prepare(text, tag)).key for text in ("One", "Two") for tag in ("en-US", "en-GB", "de")}
    assert len(keys) == 6


async def test_a_key_cannot_be_told_from_its_text(tmp_path: Path, scripted: ScriptedSynthesizer) -> None:
    keys = set()
    for secret in (b"one", b"other"):
        async with open_prompts(tmp_path, Voices(scripted), warm_language=None, secret=secret) as prompts:
            keys |= {(await prompts.prepare("Your code is 1234", "en-US")).key, (await prompts.beep()).key}
    assert len(keys) == 4


async def test_a_prompt_outlives_a_restart(tmp_path: Path, scripted: ScriptedSynthesizer) -> None:
    for _ in range(2):
        async with open_prompts(tmp_path, Voices(scripted), warm_language=None) as prompts:
            prompt = await prompts.prepare("Hello", "en-US")
            assert prompt.path.is_file()
    assert scripted.spoken == ["Hello"]


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-2])


def _garble(path: Path) -> None:
    path.write_bytes(b"x" * 500)


@pytest.mark.parametrize("damage", [_empty, _cut_off, _garble, Path.unlink])
async def test_a_damaged_file_is_made_anew(
    prompts: Prompts, scripted: ScriptedSynthesizer, damage: Callable[[Path], None]
) -> None:
    first = await prompts.prepare("Hello", "en-US")
    whole = first.path.read_bytes()
    damage(first.path)
    assert await prompts.prepare("Hello", "en-US") == first
    assert first.path.read_bytes() == whole
    assert len(scripted.spoken) == 2


async def test_only_keys_lead_to_files(prompts: Prompts, tmp_path: Path) -> None:
    prompt = await prompts.prepare("Hello", "en-US")
    assert prompts.path_of(prompt.key) == prompt.path
    (tmp_path / "secret.wav").write_bytes(b"secret")
    for key in ("", "0" * 64, prompt.key.upper(), f"{prompt.key}\n", f"{prompt.key}.wav", "../secret", "../" * 20):
        assert prompts.path_of(key) is None


async def test_the_least_recently_used_is_removed(tmp_path: Path, scripted: ScriptedSynthesizer) -> None:
    size = 44 + 2 * 800
    async with open_prompts(tmp_path, Voices(scripted), warm_language=None, limit_bytes=3 * size) as prompts:
        made = [await prompts.prepare(f"text {n:05}", "en-US") for n in range(3)]
        for age, prompt in enumerate(made):
            os.utime(prompt.path, (1000 + age, 1000 + age))
        await prompts.prepare("text 00000", "en-US")
        newest = await prompts.prepare("text 00003", "en-US")
        kept = [made[0].path, made[2].path, newest.path]
        assert sorted(tmp_path.iterdir()) == sorted(kept)
    async with open_prompts(tmp_path, Voices(scripted), warm_language=None, limit_bytes=size) as prompts:
        assert len(list(tmp_path.iterdir())) == 1
        big = await prompts.prepare("longer than the limit allows", "en-US")
        assert list(tmp_path.iterdir()) == [big.path]


async def test_the_beep_is_never_removed(tmp_path: Path, scripted: ScriptedSynthesizer) -> None:
    async with open_prompts(tmp_path, Voices(scripted), warm_language=None, limit_bytes=1) as prompts:
        beep = await prompts.beep()
        spoken = [await prompts.prepare(text, "en-US") for text in ("One", "Two")]
        assert sorted(tmp_path.iterdir()) == sorted([beep.path, spoken[1].path])


async def test_half_written_files_are_removed_at_start(tmp_path: Path, scripted: ScriptedSynthesizer) -> None:
    (tmp_path / "tmp123.part").write_bytes(b"half")
    async with open_prompts(tmp_path, Voices(scripted), warm_language=None):
        assert list(tmp_path.iterdir()) == []


async def test_a_prompt_that_takes_too_long_fails(tmp_path: Path, scripted: ScriptedSynthesizer) -> None:
    scripted.may_go_on.clear()
    voices = Voices(scripted)
    async with open_prompts(tmp_path, voices, warm_language=None, limit_seconds=0.05) as prompts:
        with pytest.raises(SpeechSynthesisFailed, match=r"not ready within 0\.05 s"):
            await prompts.prepare("Hello. " * 100, "en-US")
        scripted.may_go_on.set()
    assert len(scripted.spoken) == 1, "the other pieces are not spoken for nobody"


async def test_the_next_voice_speaks_when_the_first_fails(tmp_path: Path, scripted: ScriptedSynthesizer) -> None:
    broken = ScriptedSynthesizer("broken", fails=True)
    async with open_prompts(tmp_path, Voices(scripted, {"en": broken})) as prompts:
        await prompts.prepare("Hello", "en-US")
        assert scripted.spoken == ["Hello"]
        scripted.fails = True
        with pytest.raises(SpeechSynthesisFailed, match="scripted to fail"):
            await prompts.prepare("Other", "en-US")


async def test_closing_while_a_prompt_is_spoken(tmp_path: Path, scripted: ScriptedSynthesizer) -> None:
    scripted.may_go_on.clear()
    async with open_prompts(tmp_path, Voices(scripted), warm_language=None) as prompts:
        asking = asyncio.create_task(prompts.prepare("Hello", "en-US"))
        await asyncio.to_thread(scripted.has_begun.wait, 10)
        scripted.may_go_on.set()
    with pytest.raises(SpeechSynthesisFailed, match="closed"):
        await asking
    with pytest.raises(SpeechSynthesisFailed, match="closed"):
        await prompts.prepare("Hello", "en-US")
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("prompts")]


async def test_wrong_text_and_language_name_their_field(prompts: Prompts) -> None:
    with pytest.raises(InvalidArgument, match=r"^text: is malformed SSML"):
        await prompts.prepare("<speak>", "en-US")
    with pytest.raises(InvalidArgument, match=r"^language: 'english' is not a BCP 47"):
        await prompts.prepare("Hello", "english")


async def test_a_folder_that_cannot_be_written_is_an_error_that_names_it(prompts: Prompts, tmp_path: Path) -> None:
    (tmp_path / "prompts").rmdir()
    with pytest.raises(SpeechSynthesisFailed, match=f"could not be written to {tmp_path}"):
        await prompts.prepare("Hello", "en-US")


def test_pauses_count_from_word_to_word(scripted: ScriptedSynthesizer) -> None:
    def render(*parts: Text | Silence) -> float:
        return len(render_prompt(parts, scripted, EN_US, lambda: False)) / 16000

    assert render(Text("x" * 50)) == 0.5
    assert render(Text("x" * 50), Silence(0.7), Text("x" * 50)) == pytest.approx(1.5)
    assert render(Silence(0.5)) == 0.5
    assert render(Text("abc")) == pytest.approx(0.04), "whole frames of 20 ms"


def test_a_text_that_no_engine_can_say_fails() -> None:
    class Mute(ScriptedSynthesizer):
        def speak(self, text: str, language: Language) -> bytes:
            return b""

    with pytest.raises(SpeechSynthesisFailed, match="found nothing"):
        render_prompt((Text("..."), Silence(1)), Mute(), EN_US, lambda: False)


@given(st.text(alphabet="ab.,! 。，\n", max_size=2000))
def test_long_texts_are_cut_without_losing_a_letter(text: str) -> None:
    pieces = list(split_text(text))
    assert all(len(piece) <= PIECE_CHARACTERS for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


def test_pieces_end_at_sentences() -> None:
    sentence = "This is a sentence of some length. "
    assert all(piece.endswith(".") for piece in split_text((sentence * 20).strip()))


def test_sound_is_brought_to_the_telephone() -> None:
    seconds = np.arange(22050) / 22050
    quiet = np.concatenate([np.zeros(22050), 0.05 * np.sin(2 * np.pi * 440 * seconds), np.zeros(22050)])
    samples = np.frombuffer(to_phone_pcm(quiet.astype(np.float32), 22050), "<i2")
    assert len(samples) == pytest.approx(0.05 * 8000 + 8000 + 0.15 * 8000, abs=80)
    assert np.abs(samples).max() == pytest.approx(32767 * 0.708, abs=30)
    assert to_phone_pcm(np.zeros(8000, np.float32), 8000) == to_phone_pcm(np.empty(0, np.float32), 8000) == b""


def test_a_tone_begins_and_ends_without_a_click() -> None:
    samples = np.frombuffer(tone(1000, 0.2), "<i2")
    assert len(samples) == 1600
    assert np.abs(samples).max() == pytest.approx(8192, abs=50)
    assert max(abs(samples[0]), abs(samples[-1])) < 200
    assert silence(0.02) == bytes(320)
