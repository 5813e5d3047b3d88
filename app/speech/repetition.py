"""Texts that go round in circles: what a model writes when it has lost the thread."""

from typing import Final

_MOST_WORDS: Final = 8
_LONG_LETTERS: Final = 8
"""Nobody says a block of so many letters twice without a breath; shorter ones (numbers, "no") people do repeat."""
_MOST_SHORT: Final = 4


def has_loop(text: str) -> bool:
    """Tell whether a block of 1 to 8 words follows itself: a long one at once, a short one more than four times."""
    words = [plain for word in text.lower().split() if (plain := "".join(filter(str.isalnum, word)))]
    for size in range(1, min(_MOST_WORDS, len(words) // 2) + 1):
        for begin in range(len(words) - 2 * size + 1):
            block = words[begin : begin + size]
            times = 1
            while words[begin + times * size : begin + (times + 1) * size] == block:
                times += 1
            if times > (1 if sum(map(len, block)) >= _LONG_LETTERS else _MOST_SHORT):
                return True
    return False
