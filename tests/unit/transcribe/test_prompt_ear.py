"""Our own prompts in a tap: what is known, what is decoded all the same, and that no frame is lost."""

import wave
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from app.call.played_media import PlayedMedia
from app.domain.audio import FRAME_SECONDS, Frame
from app.speech.feed_events import FeedEvent, Final, SpeechEnded, SpeechStarted
from app.transcribe.known_prompts import KnownPrompts
from app.transcribe.prompt_ear import PromptEar
from tests.speech_files import frames_of, prompt_file, read_samples

URI = "sound:http://127.0.0.1/prompts/1.wav"
TEXT = "The person at this extension is on the phone."
QUIET = bytes(16000)


@pytest.fixture(scope="module")
def pcm() -> bytes:
    spoken = read_samples(prompt_file("vm-isonphone")[0]) + read_samples(prompt_file("vm-theperson")[0])
    return spoken + bytes(-len(spoken) % 320)


class Ear:
    """A prompt ear, what it passed on and what it told."""

    def __init__(self, prompts: KnownPrompts, language: str = "en") -> None:
        self.played = PlayedMedia()
        self.passed: list[Frame] = []
        self.told: list[FeedEvent] = []
        self.ear = PromptEar(self.played, prompts.find, language, self.passed.extend, self.told.append)

    def hear(self, frames: Sequence[Frame]) -> None:
        for frame in frames:
            self.ear.push([frame])

    def finish(self) -> None:
        while self.ear.take_rest(20):
            pass

    @property
    def texts(self) -> list[str]:
        return [event.text for event in self.told if isinstance(event, Final)]


@pytest.fixture
async def prompts(tmp_path: Path, pcm: bytes) -> KnownPrompts:
    path = tmp_path / "prompt.wav"
    with wave.open(str(path), "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(8000)
        wav.writeframes(pcm)
    known = KnownPrompts()
    await known.note(URI, path, TEXT, "en-GB")
    return known


def bounds(pcm: bytes) -> tuple[float, float]:
    heard = np.flatnonzero(np.abs(np.frombuffer(pcm, np.int16).astype(np.int32)) > 32768 * 10 ** (-50 / 20))
    return float(heard[0]) / 8000, float(heard[-1] + 1) / 8000


@pytest.mark.parametrize("shift", [0, 37, 159])
async def test_a_prompt_that_is_heard_whole_is_told_and_not_decoded(
    prompts: KnownPrompts, pcm: bytes, shift: int
) -> None:
    ear = Ear(prompts)
    with ear.played.of([URI]):
        ear.hear(frames_of(QUIET + bytes(2 * shift) + pcm + QUIET, 100.0))
    ear.finish()
    started, ended, final = ear.told
    assert isinstance(started, SpeechStarted)
    assert isinstance(ended, SpeechEnded)
    assert isinstance(final, Final)
    assert (final.text, final.is_known, final.words) == (TEXT, True, None)
    first, last = bounds(pcm)
    zero = 100.0 + (len(QUIET) / 2 + shift) / 8000
    assert final.started_at == started.at == pytest.approx(zero + first, abs=1e-3)
    assert final.ended_at == ended.at == pytest.approx(zero + last, abs=1e-3)
    loud = [frame for frame in ear.passed if np.abs(np.frombuffer(frame.pcm, np.int16).astype(int)).max() > 500]
    assert not loud


async def test_what_is_spoken_over_a_prompt_is_decoded_with_all_of_it(prompts: KnownPrompts, pcm: bytes) -> None:
    ear, frames = Ear(prompts), frames_of(pcm + QUIET, 5.0)
    at = len(pcm) // 640
    frames[at] = Frame(bytes([7]) * 320, frames[at].captured_at)
    with ear.played.of([URI]):
        ear.hear(frames)
    ear.finish()
    assert not ear.told
    assert ear.passed == frames


async def test_a_prompt_that_is_cut_off_is_decoded(prompts: KnownPrompts, pcm: bytes) -> None:
    ear, frames = Ear(prompts), frames_of(pcm[: len(pcm) // 640 * 320] + QUIET)
    with ear.played.of([URI]):
        ear.hear(frames)
    ear.finish()
    assert not ear.told
    assert ear.passed == frames


async def test_a_prompt_that_the_hang_up_cuts_off_is_decoded(prompts: KnownPrompts, pcm: bytes) -> None:
    ear, frames = Ear(prompts), frames_of(pcm[: len(pcm) // 640 * 320])
    with ear.played.of([URI]):
        ear.hear(frames)
    assert len(ear.passed) < 20
    ear.finish()
    assert ear.passed == frames


async def test_both_halves_of_an_interrupted_prompt_are_decoded(prompts: KnownPrompts, pcm: bytes) -> None:
    ear, half = Ear(prompts), len(pcm) // 640 * 320
    frames = frames_of(pcm[:half] + QUIET + pcm[half - 1600 :] + QUIET)
    with ear.played.of([URI]):
        ear.hear(frames[:200])
    with ear.played.of([URI]):
        ear.hear(frames[200:])
    ear.finish()
    assert not ear.told
    assert ear.passed == frames


async def test_the_same_prompt_again_is_told_again(prompts: KnownPrompts, pcm: bytes) -> None:
    ear = Ear(prompts)
    for start in (0.0, 60.0):
        with ear.played.of([URI]):
            ear.hear(frames_of(pcm + QUIET, start))
    assert ear.texts == [TEXT, TEXT]
    assert ear.ear.prompts == 2


async def test_a_lost_packet_does_not_matter(prompts: KnownPrompts, pcm: bytes) -> None:
    ear, frames = Ear(prompts), frames_of(pcm + QUIET)
    frames[40] = Frame(bytes(320), frames[40].captured_at, is_concealed=True)
    with ear.played.of([URI]):
        ear.hear(frames)
    assert ear.texts == [TEXT]


async def test_what_is_not_played_or_not_in_this_language_is_decoded(prompts: KnownPrompts, pcm: bytes) -> None:
    frames = frames_of(pcm + QUIET)
    silent, korean = Ear(prompts), Ear(prompts, "ko")
    silent.hear(frames)
    with korean.played.of([URI]):
        korean.hear(frames)
    for ear in (silent, korean):
        ear.finish()
        assert not ear.told
        assert ear.passed == frames


async def test_only_one_piece_of_text_is_known(prompts: KnownPrompts, tmp_path: Path) -> None:
    path = tmp_path / "prompt.wav"
    for uri, text in (("two", "<speak>One.<break time='1s'/>Two.</speak>"), ("long", "long text " * 40)):
        await prompts.note(uri, path, text, "en-US")
        assert prompts.find(uri) is None
    await prompts.note("one", path, "<speak><prosody rate='slow'>One</prosody> two.</speak>", "en-US")
    known = prompts.find("one")
    assert known is not None
    assert known.text == "One two."
    await prompts.note("gone", tmp_path / "nothing.wav", "Words.", "en-US")
    assert prompts.find("gone") is None


def test_handing_on_is_no_faster_than_five_times(prompts: KnownPrompts, pcm: bytes) -> None:
    ear, frames = Ear(prompts), frames_of(pcm[: len(pcm) // 640 * 320] + QUIET)
    counts = [0]
    with ear.played.of([URI]):
        for frame in frames:
            ear.ear.push([frame])
            counts.append(len(ear.passed))
    assert max(after - before for before, after in pairwise(counts)) <= 5


def test_media_are_current_while_they_play_and_a_moment_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [50.0]
    monkeypatch.setattr("app.call.played_media.time.monotonic", lambda: clock[0])
    played = PlayedMedia()
    with played.of(["one", "two"]):
        clock[0] += 100
        assert played.current() == ("one", "two")
        with played.of(["three"]):
            assert played.current() == ("one", "two", "three")
    assert played.begun == 2
    assert "three" in played.current()
    clock[0] += 1 + FRAME_SECONDS
    assert played.current() == ()
