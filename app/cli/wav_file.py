"""Reading WAV files of any rate as the one form of sound that a call carries."""

import wave
from pathlib import Path

import numpy as np
import soxr

from app.domain.audio import SAMPLE_RATE
from app.errors import InvalidArgument


def read_wav(path: Path) -> bytes:
    """Return a 16-bit PCM WAV file as 8 kHz mono little-endian samples; InvalidArgument says what is wrong with it."""
    try:
        with wave.open(str(path), "rb") as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            pcm = file.readframes(file.getnframes())
    except FileNotFoundError:
        raise InvalidArgument("file", f"{path} does not exist") from None
    except (wave.Error, EOFError, OSError) as error:
        raise InvalidArgument("file", f"{path} is not a WAV file that can be read ({error})") from None
    if width != 2:
        raise InvalidArgument("file", f"{path} has {8 * width}-bit samples; expected 16-bit PCM")
    samples = np.frombuffer(pcm[: len(pcm) // (2 * channels) * 2 * channels], dtype="<i2")
    if channels > 1:
        samples = samples.reshape(-1, channels).mean(axis=1).astype("<i2")
    if rate != SAMPLE_RATE:
        samples = soxr.resample(samples, rate, SAMPLE_RATE)
    return bytes(np.asarray(samples, dtype="<i2").tobytes())


def write_wav(path: Path, pcm: bytes) -> None:
    """Write 8 kHz 16-bit mono samples as a WAV file."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(pcm)
