"""Moonshine behind the Recognizer protocol: English, whole utterances, text only (PyPI moonshine-voice 0.1.0)."""

from pathlib import Path
from typing import Any, Final

import numpy as np

from app.domain.audio import SAMPLE_RATE, pcm_seconds
from app.speech.moonshine_model import MoonshineModel, Tokens
from app.speech.recognizer import Recognition, Recognizer
from app.speech.repetition import has_loop

_HALLUCINATIONS: Final = frozenset({"", "you", "the", "uh"})
"""What Moonshine writes for sound without words (measured with noise of all levels and lengths, ADR 0006)."""

_PADDING_SAMPLES: Final = SAMPLE_RATE // 5
"""Silence behind the sound: without it Moonshine ends half of its sentences with a comma."""

_OTHER_BEGINNINGS: Final = (SAMPLE_RATE // 50, SAMPLE_RATE // 10, SAMPLE_RATE // 4)
"""Silence in samples before a sound of which the model made a loop ("Massachusetts, Massachusetts, ...")."""

_PITCH_LAGS: Final = slice(SAMPLE_RATE // 400, SAMPLE_RATE // 70)
_PITCH_WINDOW: Final = 320
_VOICED_CORRELATION: Final = 0.7
_VOICED_WINDOWS: Final = 3


class MoonshineEngine:
    """Moonshine's model, once for all threads. Recognizers are only buffers in front of it."""

    is_streaming: bool = False
    pause_lead_ms: int | None = 100
    """So late that speech goes on after 0.4 of the decodes ahead (0.9 after 160 ms of silence), and still in time."""

    def __init__(self, path: Path) -> None:
        self._model = MoonshineModel(path)
        # What is slow once (memory, first use of each operator) is over when the first caller speaks.
        self._model.decode(np.zeros(SAMPLE_RATE, np.float32))

    def create_recognizer(self) -> Recognizer:
        """Return a recognizer; it costs nothing."""
        return MoonshineRecognizer(self)

    def decode(self, pcm: bytes, draft: Tokens = ()) -> tuple[str, Tokens]:
        """Return the text of `pcm` and its tokens, the draft of a decode of more; RecognitionFailed."""
        samples = np.zeros(len(pcm) // 2 + _PADDING_SAMPLES, np.float32)
        np.multiply(np.frombuffer(pcm, np.int16), np.float32(1 / 32768), out=samples[: len(pcm) // 2])
        tokens = self._model.decode(samples, draft)
        text = self._model.text_of(tokens)
        if has_loop(text):
            text, tokens = self._decode_anew(samples, text, tokens)
        return "" if _is_hallucination(text, samples) else text, tokens

    def _decode_anew(
        self, samples: "np.ndarray[Any, np.dtype[np.float32]]", text: str, tokens: Tokens
    ) -> tuple[str, Tokens]:
        """Decode a little shifted, so that the model sees other windows; the first text that is no loop, or `text`."""
        for silence in _OTHER_BEGINNINGS:
            other = self._model.decode(np.concatenate([np.zeros(silence, np.float32), samples]))
            if not has_loop(said := self._model.text_of(other)):
                return said, other
        return text, tokens

    def close(self) -> None:
        """Let go of the model; its memory is free when the last recognizer is gone."""
        del self._model


class MoonshineRecognizer:
    """Collects one lane's utterance and decodes it when its text is wanted; a text is kept until new sound comes."""

    def __init__(self, engine: MoonshineEngine) -> None:
        self.accepted_seconds = 0.0
        self._engine = engine
        self._pcm = bytearray()
        self._decoded_bytes = 0
        self._text = ""
        self._tokens: Tokens = ()

    def accept(self, pcm: bytes) -> None:
        """Keep the next piece."""
        self.accepted_seconds += pcm_seconds(pcm)
        self._pcm += pcm

    def interim(self) -> str:
        """Decode what there is so far: some 5 ms per second of it, and 2 for each word that is new or has changed."""
        if self._decoded_bytes != len(self._pcm):
            self._text, self._tokens = self._engine.decode(bytes(self._pcm), self._tokens)
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
        self._text, self._tokens = "", ()

    def close(self) -> None:
        """Drop the sound; the model belongs to the engine."""
        self.reset()


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
