"""Which characters a text from outside may hold: what every store, Asterisk and SIP header can take."""

import unicodedata

MAX_NAME = 255
"""How long a name or a target may be, in characters."""
MAX_DETAIL = 4096
"""How long a description may be, in characters."""
_LINE_CHARACTERS = frozenset("\n\r\t")
_CONTROL = frozenset({"Cc", "Cs"})
"""Control characters, and lone halves of UTF-16 pairs, which no database takes."""


def check_one_line(text: str) -> str:
    """Return `text`; ValueError when it holds control characters, line breaks among them."""
    if any(unicodedata.category(each) in _CONTROL for each in text):
        raise ValueError("must not hold control characters")
    return text


def check_lines(text: str) -> str:
    """Return `text`; ValueError when it holds control characters other than line breaks and tabs."""
    if any(unicodedata.category(each) in _CONTROL and each not in _LINE_CHARACTERS for each in text):
        raise ValueError("must not hold control characters other than line breaks and tabs")
    return text
