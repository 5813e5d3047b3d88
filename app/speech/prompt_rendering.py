"""One prompt from its parts: pieces of text spoken one after the other, pauses between them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from app.domain.language import Language
from app.speech.phone_sound import LEAD_MS, TAIL_MS, fill_last_frame, silence
from app.speech.spoken_text import Part, Silence, Text
from app.speech.synthesizer import SpeechSynthesisFailed, Synthesizer

PIECE_CHARACTERS = 300
"""Longer texts are spoken in pieces, so that one run of an engine stays short (about a second) and can be abandoned."""

_OWN_SILENCE_SECONDS = (LEAD_MS + TAIL_MS) / 1000
_ENDS = (re.compile(r"[.!?…]+[\"'”’)]*\s|[。！？]"), re.compile(r"[,;:]\s|[、，；：]"), re.compile(r"\s"))


def render_prompt(
    parts: Sequence[Part], synthesizer: Synthesizer, language: Language, is_abandoned: Callable[[], bool]
) -> bytes:
    """Return the prompt as 8 kHz 16-bit mono PCM in whole 20 ms frames. Blocks for as long as the engine needs.

    A pause lasts from the end of one word to the begin of the next: the silence around spoken pieces is part of it.
    Raises SpeechSynthesisFailed, also when there was nothing that can be said or `is_abandoned()` came true.
    """
    pieces: list[bytes] = []
    is_after_text = False
    for part in parts:
        if isinstance(part, Silence):
            own = _OWN_SILENCE_SECONDS if is_after_text else 0.0
            pieces.append(silence(max(0.0, part.seconds - own)))
            is_after_text = False
            continue
        for text in split_text(part.text):
            if is_abandoned():
                raise SpeechSynthesisFailed("the prompt was given up before it was spoken to its end")
            pieces.append(synthesizer.speak(text, language))
        is_after_text = True
    if not any(pieces) or (any(isinstance(part, Text) for part in parts) and not _has_sound(pieces)):
        raise SpeechSynthesisFailed(f"{synthesizer.name} found nothing in the text that can be said")
    return fill_last_frame(b"".join(pieces))


def split_text(text: str) -> Iterator[str]:
    """Yield `text` in pieces of at most PIECE_CHARACTERS, cut after a sentence, else after a comma, else at a space."""
    rest = text
    while len(rest) > PIECE_CHARACTERS:
        cut = _find_cut(rest)
        yield rest[:cut].rstrip()
        rest = rest[cut:].lstrip()
    if rest:
        yield rest


def _find_cut(text: str) -> int:
    for end in _ENDS:
        cuts = [match.end() for match in end.finditer(text, 0, PIECE_CHARACTERS)]
        if cuts:
            return cuts[-1]
    return PIECE_CHARACTERS


def _has_sound(pieces: Sequence[bytes]) -> bool:
    return any(piece.strip(b"\0") for piece in pieces)
