"""Moonshine behind the Recognizer protocol: English, whole utterances, text only (PyPI moonshine-voice 0.1.0)."""

import ctypes
import os
import queue
import threading
from pathlib import Path
from typing import Any, Final

import numpy as np

from app.domain.audio import SAMPLE_RATE, pcm_seconds
from app.speech.recognizer import Recognition, RecognitionFailed, Recognizer

_SINGLE_THREAD_VARIABLE: Final = "MOONSHINE_ORT_SINGLE_THREAD"
_loading = threading.Lock()

_HALLUCINATIONS: Final = frozenset({"", "you", "the", "uh"})
"""What Moonshine writes for sound without words (measured with noise of all levels and lengths, ADR 0006)."""

_PADDING_SAMPLES: Final = SAMPLE_RATE // 5
"""Silence behind the sound: without it Moonshine ends half of its sentences with a comma."""

_PITCH_LAGS: Final = slice(SAMPLE_RATE // 400, SAMPLE_RATE // 70)
_PITCH_WINDOW: Final = 320
_VOICED_CORRELATION: Final = 0.7
_VOICED_WINDOWS: Final = 3


class MoonshineEngine:
    """Moonshine's model, once per thread that may decode at a time.

    One object used by two threads gives wrong text, and two that load at the same moment crash (measured), so objects
    are loaded under a lock and lent out one by one. Recognizers are only buffers in front of them.
    """

    pause_lead_ms: int | None = None

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self._transcribers: list[Any] = []
        self._free: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for _ in range(size):
            transcriber = _load(path)
            self._transcribers.append(transcriber)
            _decode(transcriber, np.zeros(SAMPLE_RATE, np.float32))
            self._free.put(transcriber)

    def create_recognizer(self) -> Recognizer:
        """Return a recognizer; it costs nothing."""
        return MoonshineRecognizer(self)

    def decode(self, pcm: bytes) -> str:
        """Return the text of `pcm`, waiting for a free transcriber; RecognitionFailed when the library fails."""
        samples = np.zeros(len(pcm) // 2 + _PADDING_SAMPLES, np.float32)
        np.multiply(np.frombuffer(pcm, np.int16), np.float32(1 / 32768), out=samples[: len(pcm) // 2])
        transcriber = self._free.get()
        try:
            text = _decode(transcriber, samples)
        finally:
            self._free.put(transcriber)
        return "" if _is_hallucination(text, samples) else text

    def close(self) -> None:
        """Unload all copies of the model."""
        for transcriber in self._transcribers:
            transcriber.close()
        self._transcribers.clear()


class MoonshineRecognizer:
    """Collects one lane's utterance and decodes it when its text is wanted; a text is kept until new sound comes."""

    def __init__(self, engine: MoonshineEngine) -> None:
        self.accepted_seconds = 0.0
        self._engine = engine
        self._pcm = bytearray()
        self._decoded_bytes = 0
        self._text = ""

    def accept(self, pcm: bytes) -> None:
        """Keep the next piece."""
        self.accepted_seconds += pcm_seconds(pcm)
        self._pcm += pcm

    def interim(self) -> str:
        """Decode what there is so far: 30 to 50 ms per second of it."""
        if self._decoded_bytes != len(self._pcm):
            self._text = self._engine.decode(bytes(self._pcm))
            self._decoded_bytes = len(self._pcm)
        return self._text

    def prepare(self) -> None:
        """Decode now; `finish` is free if nothing follows."""
        self.interim()

    def finish(self) -> Recognition:
        """Return the utterance's text; no words, no confidence."""
        text = self.interim()
        self.reset()
        return Recognition(text)

    def reset(self) -> None:
        """Drop the utterance."""
        self._pcm.clear()
        self._decoded_bytes = 0
        self._text = ""

    def close(self) -> None:
        """Drop the sound; the model belongs to the engine."""
        self.reset()


def _load(path: Path) -> Any:
    """Load one transcriber: single-threaded (its threads fight, 0.031 against 0.085 s a second), its own VAD off."""
    with _loading:
        os.environ.setdefault(_SINGLE_THREAD_VARIABLE, "1")
        # Only these two modules: the package's star import loads PortAudio.
        from moonshine_voice.moonshine_api import ModelArch
        from moonshine_voice.transcriber import MoonshineError, Transcriber

        try:
            return Transcriber(str(path), ModelArch.TINY, options={"vad_threshold": "0.0"})
        except MoonshineError as error:
            raise RecognitionFailed(f"Moonshine could not load the model in {path}: {error}") from error


def _decode(transcriber: Any, samples: "np.ndarray[Any, np.dtype[np.float32]]") -> str:
    """Call the C function with the buffer itself: the package's own method copies a list sample by sample."""
    from moonshine_voice.moonshine_api import TranscriptC

    transcript = ctypes.POINTER(TranscriptC)()
    pointer = samples.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
    error = transcriber._lib.moonshine_transcribe_without_streaming(
        transcriber._handle,
        pointer,
        len(samples),
        SAMPLE_RATE,
        0,
        ctypes.byref(transcript),
    )
    if error != 0:
        raise RecognitionFailed(f"Moonshine failed on {len(samples)} samples of sound: error {error}")
    lines = transcript.contents
    texts = (ctypes.string_at(lines.lines[index].text) for index in range(lines.line_count))
    return " ".join(text.decode("utf-8", "replace").strip() for text in texts).strip()


def _is_hallucination(text: str, samples: "np.ndarray[Any, np.dtype[np.float32]]") -> bool:
    """Tell whether `text` is one that Moonshine makes of noise, and the sound has no pitch to speak for it."""
    plain = "".join(character for character in text.lower() if character.isalnum())
    return plain in _HALLUCINATIONS and not _has_voice(samples)


def _has_voice(samples: "np.ndarray[Any, np.dtype[np.float32]]") -> bool:
    """Tell whether three windows of 40 ms among the louder half repeat themselves at a voice's pitch (70 to 400 Hz)."""
    count = len(samples) // _PITCH_WINDOW
    if count == 0:
        return False
    windows = samples[: count * _PITCH_WINDOW].reshape(count, _PITCH_WINDOW)
    windows = windows - windows.mean(axis=1, keepdims=True)
    energies = (windows**2).sum(axis=1)
    loud = windows[energies >= max(np.median(energies), 1e-4)]
    if len(loud) == 0:
        return False
    spectrum = np.fft.rfft(loud, 2 * _PITCH_WINDOW, axis=1)
    correlation = np.fft.irfft(np.abs(spectrum) ** 2, axis=1)[:, :_PITCH_WINDOW]
    # A window shifted by a lag overlaps itself less and less: correct for it, so that a low voice counts as much.
    correlation /= correlation[:, :1] * (1 - np.arange(_PITCH_WINDOW) / _PITCH_WINDOW)
    voiced = (correlation[:, _PITCH_LAGS].max(axis=1) > _VOICED_CORRELATION).sum()
    return bool(voiced >= _VOICED_WINDOWS)
