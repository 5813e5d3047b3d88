"""Prompts of ours whose text is known: how each sounds in a tap, sample by sample."""

import asyncio
import wave
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from app.domain.audio import FRAME_BYTES, SAMPLE_RATE
from app.domain.language import parse_language
from app.logs import get_log
from app.speech.prompt_rendering import PIECE_CHARACTERS
from app.speech.spoken_text import Text
from app.speech.ssml import parse_prompt

log = get_log("transcribe")

_MOST_BYTES: Final = 64_000_000
_HEARD: Final = round(32768 * 10 ** (-50 / 20))


@dataclass(frozen=True, slots=True)
class KnownPrompt:
    """One piece of text and its sound (8 kHz, 16-bit, mono): Asterisk's taps give it as it is in the file.

    `first_byte` and `end_byte` bound what is heard of it, without the silence around. `text` is empty for a sound
    without words; `language` is the text's primary language.
    """

    text: str
    language: str
    sound: bytes
    first_byte: int
    end_byte: int


class KnownPrompts:
    """The prompts that were prepared last, by media URI. Noted on the event loop, found on any thread."""

    def __init__(self) -> None:
        self._prompts: OrderedDict[str, KnownPrompt] = OrderedDict()
        self._bytes = 0

    async def note(self, uri: str, path: Path, text: str, language: str) -> None:
        """Remember what `uri` says, if it is one piece of plain text: of others it is not known when which word comes.

        `text` is as it was given to be spoken (plain or SSML). Nothing is raised: an unknown prompt is just decoded.
        """
        if uri in self._prompts:
            self._prompts.move_to_end(uri)
            return
        parts = parse_prompt(text) if text else ()
        if len(parts) > 1 or any(not isinstance(part, Text) or len(part.text) > PIECE_CHARACTERS for part in parts):
            return
        spoken = "".join(part.text for part in parts if isinstance(part, Text))
        try:
            prompt = await asyncio.to_thread(_read, path, spoken, parse_language(language).primary)
        except (OSError, EOFError, wave.Error) as error:
            log.warning("a prompt's sound could not be read and will be recognised", reason=str(error))
            return
        if prompt is not None and uri not in self._prompts:
            self._prompts[uri] = prompt
            self._bytes += len(prompt.sound)
            while self._bytes > _MOST_BYTES:
                _, oldest = self._prompts.popitem(last=False)
                self._bytes -= len(oldest.sound)

    def find(self, uri: str) -> KnownPrompt | None:
        """Return what `uri` says, where that is known."""
        return self._prompts.get(uri)


def _read(path: Path, text: str, language: str) -> KnownPrompt | None:
    """Read the WAV of a prompt; None when nothing is heard in it. Blocks."""
    with wave.open(str(path)) as wav:
        if (wav.getframerate(), wav.getnchannels(), wav.getsampwidth()) != (SAMPLE_RATE, 1, 2):
            return None
        pcm = wav.readframes(wav.getnframes())
    heard = np.flatnonzero(np.abs(np.frombuffer(pcm, np.int16).astype(np.int32)) > _HEARD)
    if len(pcm) < FRAME_BYTES or not len(heard):
        return None
    return KnownPrompt(text, language, pcm, int(heard[0]) * 2, int(heard[-1] + 1) * 2)
