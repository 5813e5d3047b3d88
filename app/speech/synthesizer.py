"""What a speech synthesizer is: text in, telephone sound out; and how its failure looks."""

from __future__ import annotations

from typing import Protocol

from app.domain.language import Language
from app.errors import CallscribeError


class SpeechSynthesisFailed(CallscribeError):
    """The text could not be made into sound; the message says which engine failed and what would help."""

    code = "SPEECH_SYNTHESIS_FAILED"


class Synthesizer(Protocol):
    """One engine. All methods block and may be called from several threads at once; none starts in `__init__`."""

    @property
    def name(self) -> str:
        """The engine's name, one word: `piper`, `espeak-ng`."""

    def voice_for(self, language: Language) -> str:
        """Return the name of the voice that speaks `language`; it is part of a prompt's identity.

        Raises InvalidArgument when the engine has no voice for it, SpeechSynthesisFailed when the engine is missing.
        """

    def load(self) -> None:
        """Load what `speak` needs, so that the first prompt is as quick as the next ones; again = no effect."""

    def speak(self, text: str, language: Language) -> bytes:
        """Return `text` (plain words, no markup) as 8 kHz signed 16-bit little-endian mono PCM.

        It begins with about 50 ms of silence, ends with about 150 ms, and peaks at -3 dBFS; it is empty where the
        text holds nothing that can be said. Raises SpeechSynthesisFailed, and InvalidArgument as `voice_for` does.
        """
