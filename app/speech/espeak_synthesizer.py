"""Every language by the program espeak-ng: offline, small, understood; anyone hears that a machine speaks."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import threading

import numpy as np
from numpy.typing import NDArray

from app.domain.language import Language
from app.errors import InvalidArgument
from app.speech.espeak_voices import choose_espeak_voice, read_voice_list
from app.speech.phone_sound import to_phone_pcm
from app.speech.synthesizer import SpeechSynthesisFailed

_INSTALL = "install it with: apt-get install espeak-ng (Debian, Ubuntu) or dnf install espeak-ng (Fedora)"
_WORDS_PER_MINUTE = 160
"""The program's own 175 is hurried for a telephone."""


class EspeakSynthesizer:
    """Runs one espeak-ng process per prompt: its library keeps global state and would share our address space.

    Nothing that the caller wrote reaches the command line: the text goes in on standard input, and the voice is one
    of the names that the program itself lists.
    """

    name = "espeak-ng"

    def __init__(self, *, program: str = "espeak-ng", timeout_seconds: float = 10) -> None:
        self._program = program
        self._timeout_seconds = timeout_seconds
        self._lock = threading.Lock()
        self._voices: frozenset[str] | None = None

    def voice_for(self, language: Language) -> str:
        """Return espeak-ng's name of the voice, e.g. `cmn` for zh-CN."""
        voice = choose_espeak_voice(language, self._installed_voices())
        if voice is None:
            raise InvalidArgument(
                "language",
                f"espeak-ng has no voice for {language.tag}; expected a language that espeak-ng --voices lists",
            )
        return voice

    def load(self) -> None:
        """Ask the program for its voices, which also shows whether it is there."""
        self._installed_voices()

    def speak(self, text: str, language: Language) -> bytes:
        """Return `text` as telephone PCM; a process of 10 to 40 ms."""
        voice = self.voice_for(language)
        # -b 1 = UTF-8, -z = no pause at the end.
        arguments = ["-v", voice, "-s", str(_WORDS_PER_MINUTE), "-b", "1", "-z", "--stdin", "--stdout"]
        samples, rate = read_streamed_wav(self._run(arguments, text))
        return to_phone_pcm(samples, rate)

    def _installed_voices(self) -> frozenset[str]:
        with self._lock:
            if self._voices is None:
                self._voices = read_voice_list(self._run(["--voices"], "").decode("utf-8", "replace"))
            return self._voices

    def _run(self, arguments: list[str], text: str) -> bytes:
        path = shutil.which(self._program)
        if path is None:
            raise SpeechSynthesisFailed(f"the program {self._program} is not there; {_INSTALL}")
        try:
            finished = subprocess.run(  # noqa: S603 - fixed program, arguments of ours
                [path, *arguments],
                input=text.encode("utf-8", "replace"),
                capture_output=True,
                timeout=self._timeout_seconds,
                check=True,
                # Not our environment: it holds secrets, and the program needs none of it.
                env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
            )
        except subprocess.TimeoutExpired as error:
            raise SpeechSynthesisFailed(f"espeak-ng did not end within {self._timeout_seconds} s") from error
        except subprocess.CalledProcessError as error:
            raise SpeechSynthesisFailed(f"espeak-ng failed with exit code {error.returncode}; {_INSTALL}") from error
        except OSError as error:
            raise SpeechSynthesisFailed(f"espeak-ng could not be started: {error.strerror}; {_INSTALL}") from error
        return finished.stdout


def read_streamed_wav(wav: bytes) -> tuple[NDArray[np.float32], int]:
    """Return (samples from -1 to 1, rate) of a 16-bit mono WAV whose lengths are not filled in (espeak-ng --stdout).

    Nothing at all (espeak-ng given only spaces) is no samples. Raises SpeechSynthesisFailed for any other form.
    """
    if not wav:
        return np.empty(0, np.float32), 8000
    begin = wav.find(b"data") + 8
    if not wav.startswith(b"RIFF") or begin < 44:
        raise SpeechSynthesisFailed("espeak-ng gave something that is not a WAV file")
    channels, rate = struct.unpack_from("<HI", wav, 22)
    (bits,) = struct.unpack_from("<H", wav, 34)
    if channels != 1 or bits != 16:
        raise SpeechSynthesisFailed(f"espeak-ng gave {bits} bits and {channels} channels; expected 16 and 1")
    body = wav[begin : len(wav) - (len(wav) - begin) % 2]
    samples: NDArray[np.float32] = np.frombuffer(body, dtype="<i2").astype(np.float32) / np.float32(32768)
    return samples, rate
