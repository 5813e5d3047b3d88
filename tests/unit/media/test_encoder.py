"""WAV files as MP3 and Ogg."""

import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]

from app.media.encoder import encode


def write_tone(path: Path, seconds: float = 3.0) -> None:
    moments = np.arange(int(8000 * seconds)) / 8000
    left = (8000 * np.sin(2 * np.pi * 440 * moments)).astype("<i2")
    sides = np.stack([left, np.zeros_like(left)], axis=1)
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, 8000, 0, "NONE", ""))
        file.writeframes(sides.tobytes())


@pytest.mark.parametrize("kind", ["mp3", "ogg"])
def test_both_sides_come_out_apart_and_as_long(tmp_path: Path, kind: str) -> None:
    wav, target = tmp_path / "x.wav", tmp_path / f"x.{kind}"
    write_tone(wav)
    encode(wav, target, kind)
    samples, rate = soundfile.read(target)
    assert (rate, samples.shape[1]) == (8000, 2)
    assert abs(len(samples) / rate - 3.0) < 0.2
    assert np.sqrt((samples[:, 0] ** 2).mean()) > 0.1
    assert np.sqrt((samples[:, 1] ** 2).mean()) < 0.01
    assert target.stat().st_size < wav.stat().st_size / 1.5
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([wav.name, target.name])


def test_what_is_no_sound_leaves_nothing(tmp_path: Path) -> None:
    wav = tmp_path / "x.wav"
    wav.write_bytes(b"no sound")
    with pytest.raises(OSError, match=r"x\.mp3"):
        encode(wav, tmp_path / "x.mp3", "mp3")
    assert [path.name for path in tmp_path.iterdir()] == ["x.wav"]
