"""Error rates of recognised text: one normaliser, word error rate, and character error rate for Korean."""

import re
from collections.abc import Sequence
from typing import Final

import jiwer

_APOSTROPHES: Final = str.maketrans({"’": "'", "‘": "'"})
_NOT_WORD: Final = re.compile(r"[^\w\s]|_")
_TITLES: Final = {"mr": "mister", "mrs": "missus", "dr": "doctor"}
_SMALL: Final = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS: Final = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def normalise(text: str) -> str:
    """Lower case, no punctuation, hyphens as spaces, titles in full, whole numbers up to 99 in words, single spaces.

    Longer numbers are read digit by digit, as callers say them.
    """
    plain = text.lower().translate(_APOSTROPHES).replace("-", " ").replace("'", "")
    words = (_TITLES.get(word, word) for word in _NOT_WORD.sub(" ", plain).split())
    return " ".join(_spell(word) if word.isascii() and word.isdigit() else word for word in words)


def word_error_rate(references: Sequence[str], hypotheses: Sequence[str]) -> float:
    """Word error rate over all pairs together, after `normalise`; 0.1 = 10 %."""
    return float(jiwer.wer([normalise(text) for text in references], [normalise(text) for text in hypotheses]))


def character_error_rate(references: Sequence[str], hypotheses: Sequence[str]) -> float:
    """Character error rate over all pairs together, without white space: Korean spaces are not words' borders."""
    return float(jiwer.cer([_letters(text) for text in references], [_letters(text) for text in hypotheses]))


def _letters(text: str) -> str:
    return normalise(text).replace(" ", "")


def _spell(digits: str) -> str:
    number = int(digits)
    if len(digits) > 2 or (len(digits) == 2 and digits[0] == "0"):
        return " ".join(_SMALL[int(digit)] for digit in digits)
    if number < 20:
        return _SMALL[number]
    return _TENS[number // 10] + (f" {_SMALL[number % 10]}" if number % 10 else "")
