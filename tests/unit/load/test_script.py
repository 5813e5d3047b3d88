import wave
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from app.domain.audio import SAMPLE_RATE
from benchmarks.load.script import LEAD_SECONDS, TAIL_SECONDS, Script, make_script, write_script
from tests.speech_files import SpokenFile


def spoken(folder: Path, name: str, seconds: float, tone: int) -> SpokenFile:
    """A tone with a quarter of a second of silence before and behind it."""
    samples = (8000 * np.sin(np.arange(int(seconds * SAMPLE_RATE)) * tone * 2 * np.pi / SAMPLE_RATE)).astype("<i2")
    quiet = np.zeros(SAMPLE_RATE // 4, "<i2")
    path = folder / f"{name}.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(np.concatenate([quiet, samples, quiet]).tobytes())
    return path, name


@pytest.fixture
def files(tmp_path: Path) -> tuple[list[SpokenFile], list[SpokenFile]]:
    callers = [spoken(tmp_path, f"a{n}", 2 + n, 300) for n in range(3)]
    return callers, [spoken(tmp_path, f"b{n}", 2.5 + n, 500) for n in range(3)]


@pytest.fixture
def script(files: tuple[list[SpokenFile], list[SpokenFile]]) -> Script:
    return make_script(*files, 0, 40.0)


def test_it_lasts_as_long_as_was_asked_for(script: Script) -> None:
    assert script.seconds == 40.0
    assert len(script.callee.pcm) == len(script.caller.pcm)


def test_what_is_said_is_where_the_sound_is(script: Script) -> None:
    for side in (script.caller, script.callee):
        samples = np.abs(np.frombuffer(side.pcm, "<i2").astype(int))
        loud = np.zeros(len(samples), bool)
        for said in side.said:
            loud[int(said.start * SAMPLE_RATE) : int(said.end * SAMPLE_RATE)] = True
            assert samples[int(said.start * SAMPLE_RATE) :][: SAMPLE_RATE // 50].max() > 4000
            assert samples[: int(said.end * SAMPLE_RATE)][-SAMPLE_RATE // 50 :].max() > 4000
        assert samples[~loud].max(initial=0) < 400


def test_nobody_is_interrupted(script: Script) -> None:
    spans = sorted((said.start, said.end) for side in (script.caller, script.callee) for said in side.said)
    assert all(later[0] - earlier[1] >= 0.7 for earlier, later in pairwise(spans))
    assert spans[0][0] >= LEAD_SECONDS
    assert spans[-1][1] <= script.seconds - TAIL_SECONDS


def test_both_sides_talk_about_as_long(script: Script) -> None:
    shares = [
        sum(said.end - said.start for said in side.said) / script.seconds for side in (script.caller, script.callee)
    ]
    assert all(0.25 < share < 0.5 for share in shares)
    assert abs(shares[0] - shares[1]) < 0.15


def test_the_texts_are_in_the_order_in_which_they_are_said(script: Script) -> None:
    assert script.caller.text == " ".join(said.text for said in sorted(script.caller.said, key=lambda said: said.start))
    assert set(script.caller.text.split()) <= {"a0", "a1", "a2"}
    assert script.side("out").text == script.callee.text


def test_conversations_differ(files: tuple[list[SpokenFile], list[SpokenFile]]) -> None:
    first, second = make_script(*files, 0, 30.0), make_script(*files, 1, 30.0, is_first_callee=True)
    assert first.caller.said[0].start < first.callee.said[0].start
    assert second.callee.said[0].start < second.caller.said[0].start


def test_too_short_a_conversation_is_silent(files: tuple[list[SpokenFile], list[SpokenFile]]) -> None:
    script = make_script(*files, 0, 4.0)
    assert not script.caller.said
    assert not any(script.callee.pcm)


def test_both_sides_are_written(script: Script, tmp_path: Path) -> None:
    write_script(script, tmp_path, 3)
    assert (tmp_path / "caller3.pcap").stat().st_size == (tmp_path / "callee3.pcap").stat().st_size
