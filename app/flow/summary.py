"""A summary without a language model: the sentences that say most about all the others (TextRank).

Mihalcea and Tarau, "TextRank: Bringing Order into Texts", 2004: sentences that share many words vote for each other,
and the votes of important sentences count more. The chosen ones stay as they were said, in their order.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence

MAX_SENTENCES = 400
"""Of a longer talk the sentences with most words are looked at: the work grows with the square of them."""
_DAMPING = 0.85
_ROUNDS = 30
_SENTENCE_END = re.compile(r"(?<=[.!?。！？])\s*(?=\S)")
_WORD = re.compile(r"\w+")
_UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR")
"""Scripts (the beginnings of their characters' names) that put no spaces between words."""


def summarise(texts: Sequence[str], *, max_sentences: int = 5, max_characters: int = 1000) -> str:
    """Return the most telling sentences of what was said, one a line; all of it where that is short enough."""
    sentences = list(dict.fromkeys(each for text in texts for each in _split(text)))
    if not sentences:
        return ""
    words = [frozenset(_list_words(each)) for each in sentences]
    looked_at = sorted(sorted(range(len(sentences)), key=lambda place: -len(words[place]))[:MAX_SENTENCES])
    scores = _rank([words[place] for place in looked_at])
    best = sorted(zip(scores, looked_at, strict=True), key=lambda each: (-each[0], each[1]))
    chosen: list[int] = []
    room = max_characters
    for _, place in best:
        if len(chosen) < max_sentences and len(sentences[place]) < room:
            chosen.append(place)
            room -= len(sentences[place]) + 1
    if not chosen:
        return sentences[best[0][1]][:max_characters]
    return "\n".join(sentences[place] for place in sorted(chosen))


def _split(text: str) -> Iterator[str]:
    for part in _SENTENCE_END.split(text):
        if _WORD.search(part):
            yield " ".join(part.split())


def _list_words(sentence: str) -> Iterator[str]:
    """Yield the words; where a script has no spaces, pairs of characters stand for them."""
    for word in _WORD.findall(sentence.casefold()):
        if unicodedata.name(word[0], "").startswith(_UNSPACED) and len(word) > 1:
            yield from (word[place : place + 2] for place in range(len(word) - 1))
        else:
            yield word


def _rank(sentences: Sequence[frozenset[str]]) -> list[float]:
    """Return how important each sentence is."""
    count = len(sentences)
    frequency = Counter(word for words in sentences for word in words)
    # Words of nearly every sentence (the, and) tell nothing about any: their weight goes to 0, in every language.
    weight = {word: math.log(1 + count / each) - math.log(2) * (each == count) for word, each in frequency.items()}
    size = [math.log(1 + len(words)) or 1.0 for words in sentences]
    votes: list[dict[int, float]] = [{} for _ in sentences]
    for one in range(count):
        for other in range(one):
            shared = sum(weight[word] for word in sentences[one] & sentences[other])
            if shared > 0:
                votes[one][other] = votes[other][one] = shared / (size[one] + size[other])
    total = [sum(each.values()) for each in votes]
    scores = [1.0] * count
    for _ in range(_ROUNDS):
        scores = [
            1 - _DAMPING + _DAMPING * sum(scores[other] * vote / total[other] for other, vote in votes[one].items())
            for one in range(count)
        ]
    # A short sentence that shares one word with each other one must not win over one that says something.
    return [score * min(1.0, len(words) / 6) for score, words in zip(scores, sentences, strict=True)]
