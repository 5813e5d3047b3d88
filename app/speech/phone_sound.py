"""Sound as the telephone carries it, made from an engine's samples: 8 kHz, trimmed, at one loudness; tones, silence."""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray

from app.domain.audio import FRAME_BYTES, SAMPLE_RATE

PEAK = 10 ** (-3 / 20)
"""-3 dBFS: loud enough for a bad line, and nothing clips when a codec overshoots."""
LEAD_MS = 50
TAIL_MS = 150
_HEARD = 10 ** (-50 / 20)
_DEAD = 1e-4
"""Samples this small at the engine's own scale are no speech: they are not blown up to full loudness."""


def to_phone_pcm(samples: NDArray[np.float32], rate: int) -> bytes:
    """Return `samples` (mono, -1 to 1, `rate` Hz) as 8 kHz 16-bit PCM that peaks at -3 dBFS.

    Before the first sound (-50 dBFS) LEAD_MS are left, after the last one TAIL_MS: a caller hears the prompt at once,
    and as what is left is the engine's own sound, no soft consonant is cut. Returns b"" for silence.
    """
    if samples.size == 0:
        return b""
    heard = samples if rate == SAMPLE_RATE else soxr.resample(samples, rate, SAMPLE_RATE)
    peak = float(np.abs(heard).max())
    if peak < _DEAD:
        return b""
    heard = heard * (PEAK / peak)
    loud = np.flatnonzero(np.abs(heard) > _HEARD)
    begin = loud[0] - LEAD_MS * SAMPLE_RATE // 1000
    end = loud[-1] + 1 + TAIL_MS * SAMPLE_RATE // 1000
    padded = np.pad(heard, (max(0, -begin), max(0, end - heard.size)))
    return _to_pcm(padded[max(0, begin) :][: end - begin])


def tone(frequency: float, seconds: float, *, peak: float = 0.25, fade_seconds: float = 0.01) -> bytes:
    """Return a sine tone (Hz) as 8 kHz 16-bit PCM, faded in and out so that it does not click."""
    count = round(seconds * SAMPLE_RATE)
    wave = peak * np.sin(2 * np.pi * frequency * np.arange(count) / SAMPLE_RATE)
    fade = min(round(fade_seconds * SAMPLE_RATE), count // 2)
    ramp = np.linspace(0.0, 1.0, fade, endpoint=False)
    wave[:fade] *= ramp
    wave[count - fade :] *= ramp[::-1]
    return _to_pcm(wave)


def silence(seconds: float) -> bytes:
    """Return `seconds` of digital silence as 8 kHz 16-bit PCM."""
    return bytes(2 * round(seconds * SAMPLE_RATE))


def fill_last_frame(pcm: bytes) -> bytes:
    """Return `pcm` lengthened with silence to whole frames of 20 ms, as Asterisk plays it."""
    return pcm + bytes(-len(pcm) % FRAME_BYTES)


def _to_pcm(samples: NDArray[np.floating]) -> bytes:
    pcm: bytes = np.clip(np.rint(samples * 32767), -32768, 32767).astype("<i2").tobytes()
    return pcm
