"""Which of the expected phrases somebody said: free text, or what a grammar let through, matched by distance.

A phrase counts wherever it is in what was heard ("yes, please" says "yes"): every run of words about as long as the
phrase is compared with it, without regard to case, punctuation and spaces (languages and engines differ in where they
put spaces). The distance is the normalised indel distance of rapidfuzz.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rapidfuzz.distance import Indel

from app.speech.recognizer import RecognizedWord

_MOST_EXTRA_WORDS: Final = 2
"""How many words more or fewer than the phrase has a run may have: "call back" is heard for "callback"."""
_KEPT: Final = frozenset("'")


@dataclass(frozen=True, slots=True)
class HintMatch:
    """The phrase that was said: as its author wrote it; `similarity` is 0 to 1, words `start` to `end` said it."""

    hint: str
    similarity: float
    start: int
    end: int


def to_words(text: str) -> tuple[str, ...]:
    """Return the words of a text as engines know them: lower case, without punctuation."""
    plain = unicodedata.normalize("NFKC", text).replace("’", "'").casefold()
    spaced = "".join(each if each.isalnum() or each in _KEPT or _is_mark(each) else " " for each in plain)
    return tuple(word for each in spaced.split() if (word := each.strip("'")))


def match_hints(heard: str, hints: Sequence[str], threshold: float) -> HintMatch | None:
    """Return the best of `hints` for what was heard; None when all are farther than `threshold` (0 to 1) allows.

    Of equally near ones the longer wins ("sales support" before "sales"); two that are equal in both were both said,
    so it is not known which one is meant, and none is returned.
    """
    words = to_words(heard)
    ranked: list[tuple[float, int, HintMatch]] = []
    for hint in hints:
        match = _match(words, hint, threshold)
        if match is not None:
            ranked.append((round(match.similarity, 4), len("".join(to_words(hint))), match))
    ranked.sort(key=lambda each: each[:2], reverse=True)
    if not ranked:
        return None
    best = ranked[0]
    rivals = [each for each in ranked[1:] if each[:2] == best[:2]]
    if any(to_words(each[2].hint) != to_words(best[2].hint) for each in rivals):
        return None
    return best[2]


def confidence_of(words: Sequence[RecognizedWord] | None, start: int, end: int) -> float | None:
    """Return the mean confidence of the engine's words from `start` to `end`; None where it has none."""
    chosen = list(words or ())[start:end]
    return sum(word.confidence for word in chosen) / len(chosen) if chosen else None


def _match(words: Sequence[str], hint: str, threshold: float) -> HintMatch | None:
    wanted_words = to_words(hint)
    wanted = "".join(wanted_words)
    best: HintMatch | None = None
    if not wanted:
        return None
    count = len(wanted_words)
    for size in range(max(1, count - _MOST_EXTRA_WORDS), min(len(words), count + _MOST_EXTRA_WORDS) + 1):
        for start in range(len(words) - size + 1):
            run = "".join(words[start : start + size])
            similarity = Indel.normalized_similarity(run, wanted, score_cutoff=threshold)
            if similarity >= threshold and similarity > 0 and (best is None or similarity > best.similarity):
                best = HintMatch(hint, similarity, start, start + size)
    return best


def _is_mark(character: str) -> bool:
    return unicodedata.category(character).startswith("M")
