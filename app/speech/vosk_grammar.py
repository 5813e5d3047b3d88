"""Grammars of Vosk: which words a model knows, and what stands for all others where the model has no word for them.

Vosk makes a small language model of the phrases (src/recognizer.cc, UpdateGrammarFst): their words come in any order,
and with nothing else to choose every sound becomes one of them. `[unk]` is what else there is, where a model has it.
The Korean model has none (its `<UNK>` is hardly ever chosen: measured), so the syllables of the language stand in for
it: a wrong answer becomes a row of syllables, a right one stays, because a long word is cheaper than many short ones.
That model's words are morphemes, so a Korean word that it does not have is heard as the fewest words that make it up.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from app.speech.hints import to_words

UNKNOWN: Final = "[unk]"

_FIRST_SYLLABLE, _LAST_SYLLABLE = 0xAC00, 0xD7A3  # Hangul Syllables (Unicode 3.12)
_CODAS: Final = 28
_PER_ONSET: Final = 21 * _CODAS
_PLAIN_CODAS: Final = frozenset({0, 4, 8, 16, 21})
"""No coda, n, l, m, ng: with all 28 a decode costs up to half as much again, and no more is refused (ADR 0031)."""


class VoskGrammar:
    """What one model can do with phrases."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._fillers: tuple[str, ...] | None = None

    def knows(self, word: str) -> bool:
        """Tell whether the model has this word."""
        return bool(self._model.vosk_model_find_word(word) >= 0)

    def find_unknown(self, phrases: Sequence[str]) -> tuple[str, ...]:
        """Return the words of `phrases` that the model does not have, each once."""
        words = dict.fromkeys(word for phrase in phrases for word in to_words(phrase))
        return tuple(word for word in words if not self._split(word))

    def make_phrases(self, hints: Sequence[str]) -> tuple[str, ...]:
        """Return the phrases of a grammar for `hints`; empty where the model knows no word of them."""
        phrases = [" ".join(part for word in to_words(hint) for part in self._split(word)) for hint in hints]
        known = tuple(dict.fromkeys(phrase for phrase in phrases if phrase))
        if not known:
            return ()
        return (*known, *self._unknown_phrases(known))

    def _split(self, word: str) -> tuple[str, ...]:
        """Return the word itself, or the fewest words of the model that make up a Korean one; empty when unknown."""
        if self.knows(word):
            return (word,)
        if not all(_is_syllable(each) for each in word):
            return ()
        # The best way to say the first n syllables, for every n.
        ways: list[tuple[str, ...] | None] = [()]
        for end in range(1, len(word) + 1):
            found = [
                (*way, word[start:end])
                for start, way in enumerate(ways)
                if way is not None and self.knows(word[start:end])
            ]
            ways.append(min(found, key=len, default=None))
        return ways[-1] or ()

    def _unknown_phrases(self, phrases: Sequence[str]) -> tuple[str, ...]:
        if self.knows(UNKNOWN):
            return (UNKNOWN,)
        if self._fillers is None:
            self._fillers = tuple(each for each in _list_syllables() if self.knows(each))
        # A word of one syllable would lose to its neighbours, so those that begin alike are left out.
        short = {_onset(word) for phrase in phrases for word in phrase.split() if _is_syllable(word)}
        return tuple(each for each in self._fillers if _onset(each) not in short)


def _list_syllables() -> Iterator[str]:
    for code in range(_FIRST_SYLLABLE, _LAST_SYLLABLE + 1):
        if (code - _FIRST_SYLLABLE) % _CODAS in _PLAIN_CODAS:
            yield chr(code)


def _is_syllable(word: str) -> bool:
    return len(word) == 1 and _FIRST_SYLLABLE <= ord(word) <= _LAST_SYLLABLE


def _onset(syllable: str) -> int:
    return (ord(syllable) - _FIRST_SYLLABLE) // _PER_ONSET
