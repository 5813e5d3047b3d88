"""Music on hold of our own making: soft chords, so that no file from elsewhere is needed, with rights of others."""

import wave
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE: Final = 8000
CHORD_SECONDS: Final = 6.0
FADE_SECONDS: Final = 2.0
LEVEL: Final = 3000.0
"""Of the loudest sample, of 32767: well below speech, which is telephone music's usual fault."""

_CHORDS: Final = ((57, 60, 64, 67), (53, 57, 60, 64), (48, 55, 60, 64), (55, 59, 62, 69))
"""MIDI notes: A minor 7, F major 7, C major, G with the ninth; all above 130 Hz, where telephones can be heard."""

_OVERTONES: Final = ((1.0, 1.0), (2.0, 0.35), (3.0, 0.12))
_MELODY: Final = (76, 72, 79, 74)
FILE_NAME: Final = "soft-chords.wav"


def write_hold_music(folder: Path) -> Path:
    """Write the music into `folder` (made when it is not there), unless it is there already; return the file's path.

    24 s, 8 kHz, 16 bits, mono, the same at every time and place; its end flows into its beginning.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / FILE_NAME
    pcm = make_hold_music().astype("<i2").tobytes()
    if path.exists() and path.stat().st_size == len(pcm) + 44:
        return path
    path.unlink(missing_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        file.writeframes(pcm)
    return path


def make_hold_music() -> NDArray[np.int16]:
    """Return the samples."""
    length = int(CHORD_SECONDS * len(_CHORDS) * SAMPLE_RATE)
    music = np.zeros(length)
    for number, (chord, top) in enumerate(zip(_CHORDS, _MELODY, strict=True)):
        start = int(number * CHORD_SECONDS * SAMPLE_RATE)
        _add(music, start, sum((_tone(note) for note in chord), start=np.zeros(1)))
        _add(music, start + int(CHORD_SECONDS / 2 * SAMPLE_RATE), 0.5 * _tone(top))
    samples: NDArray[np.int16] = np.rint(music * (LEVEL / np.abs(music).max())).astype(np.int16)
    return samples


def _tone(note: int) -> NDArray[np.float64]:
    """A note that swells and dies away, longer than a chord so that chords melt into each other."""
    seconds = np.arange(int((CHORD_SECONDS + FADE_SECONDS) * SAMPLE_RATE)) / SAMPLE_RATE
    hertz = 440.0 * 2 ** ((note - 69) / 12)
    swell = np.minimum(1.0, seconds / FADE_SECONDS) * np.minimum(1.0, (seconds[-1] - seconds) / FADE_SECONDS)
    shimmer = 1.0 + 0.1 * np.sin(2 * np.pi * 0.5 * seconds + note)
    waves = sum(
        (weight * np.sin(2 * np.pi * hertz * factor * seconds) for factor, weight in _OVERTONES), start=np.zeros(1)
    )
    shaped: NDArray[np.float64] = waves * shimmer * np.sin(swell * np.pi / 2) ** 2
    return shaped


def _add(music: NDArray[np.float64], start: int, sound: NDArray[np.float64]) -> None:
    """Mix `sound` in from `start` on; what reaches over the end goes to the beginning."""
    places = (start + np.arange(len(sound))) % len(music)
    music[places] += sound
