"""What a prompt is made of, words and pauses, and how written text becomes words that an engine may be given."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Text:
    """Words to say: one line, not empty, no markup."""

    text: str


@dataclass(frozen=True, slots=True)
class Silence:
    """A pause of `seconds` (more than 0)."""

    seconds: float


Part = Text | Silence

_PHONEME_MARK = re.compile(r"\[\[+|\]\]+")
_DIGITS = re.compile(r"\+|\d+")


def clean_text(text: str) -> str:
    """Return `text` on one line, without control characters and lone surrogates.

    `[[` and `]]` lose one bracket: between them both engines read phonemes instead of words.
    """
    visible = "".join(" " if unicodedata.category(letter) in ("Cc", "Cs") else letter for letter in text)
    return " ".join(_PHONEME_MARK.sub(" ", visible).split())


def expand_say_as(text: str, interpret_as: str) -> str:
    """Return `text` as SSML's `<say-as interpret-as=...>` wants it read (W3C note "SSML 1.0 say-as", 2005).

    `digits` = one by one; `characters`, `spell-out`, `verbatim` = letter by letter; `telephone` = digit by digit with
    a pause where the writer grouped them. Numbers, dates, money and whatever else are read as the engine reads them.
    """
    match interpret_as.lower():
        case "digits" | "number:digits":
            return ", ".join(digit for digit in text if digit.isdigit()) or text
        case "characters" | "character" | "spell-out" | "verbatim":
            return ", ".join(letter.upper() for letter in text if not letter.isspace())
        case "telephone":
            groups = (" ".join(group) for group in _DIGITS.findall(text))
            return ", ".join(groups).replace("+, ", "+ ") or text
        case _:
            return text
