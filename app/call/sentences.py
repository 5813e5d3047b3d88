"""Texts cut into sentences, so that speech begins before all of it is synthesised, and can be stopped between: pure."""

import re

MOST_CHARACTERS = 240
"""A sentence longer than this is cut where it can be, at a comma or a space."""

# A mark that ends a sentence, closing quotes and brackets after it, then space or the end; marks of Chinese and
# Japanese need no space behind them. A line's end is a boundary too.
_SENTENCE = re.compile(r"""[^\n]*?(?:[.!?…]+["'”’)\]]*(?=\s|$)|[。！？]+["'”’」』）]*|$|(?=\n))""")
_PAUSES = (", ", "; ", ": ", "、", "，")
_MARKUP = re.compile(r"\ufeff?\s*<")


def split_sentences(text: str) -> tuple[str, ...]:
    """Return the sentences of `text` without the space around them. What begins as markup (SSML) stays whole."""
    if _MARKUP.match(text):
        return (text,)
    pieces: list[str] = []
    for line in text.splitlines():
        for found in _SENTENCE.finditer(line):
            pieces += _cut(found.group().strip())
    return tuple(pieces)


def _cut(sentence: str) -> list[str]:
    pieces = []
    while len(sentence) > MOST_CHARACTERS:
        head = sentence[:MOST_CHARACTERS]
        at = max(head.rfind(mark) for mark in _PAUSES) + 1
        if at <= 0:
            at = head.rfind(" ") if " " in head else MOST_CHARACTERS
        pieces.append(sentence[:at].strip())
        sentence = sentence[at:].strip()
    return [*pieces, sentence] if sentence else pieces
