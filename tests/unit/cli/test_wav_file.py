"""WAV files for callers: any rate and channels in, 8 kHz mono out, and clear words for what cannot be read."""

import wave
from pathlib import Path

import numpy as np
import pytest

from app.cli.wav_file import read_wav, write_wav
from app.errors import InvalidArgument


def write(path: Path, *, rate: int = 16000, channels: int = 1, width: int = 2, seconds: float = 1.0) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(b"\x10" * (int(rate * seconds) * channels * width))
    return path


@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (16000, 1), (44100, 2), (48000, 1)])
def test_any_rate_becomes_8_khz_mono(tmp_path: Path, rate: int, channels: int) -> None:
    pcm = read_wav(write(tmp_path / "a.wav", rate=rate, channels=channels))
    assert abs(len(pcm) / 2 - 8000) <= 2


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    pcm = np.arange(-500, 500, dtype="<i2").tobytes()
    write_wav(tmp_path / "a.wav", pcm)
    assert read_wav(tmp_path / "a.wav") == pcm


def test_faults_are_named(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("not sound")
    for path, said in (
        (tmp_path / "none.wav", "does not exist"),
        (tmp_path / "text.wav", "not a WAV file"),
        (write(tmp_path / "wide.wav", width=3), "24-bit"),
        (tmp_path, "cannot"),
    ):
        with pytest.raises(InvalidArgument, match=r"wav|folder|/") as error:
            read_wav(path)
        assert said in error.value.message or "can be read" in error.value.message
