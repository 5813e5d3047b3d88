"""Grammars on the real Korean model, which has no word for what it does not know."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from app.speech.hints import match_hints
from app.speech.model_library import ModelLibrary
from app.speech.recognizer import GrammarEngine, Recognition
from app.speech.vosk_grammar import UNKNOWN, VoskGrammar
from app.speech.vosk_recognizer import VoskEngine
from tests.speech_files import NO_KOREAN, korean_files, read_samples

RATE = 16_000  # bytes a second
COFFEE, PRESIDENT, REGION = "한 잔의 커피", "박근혜 대통령이", "다른 지역에서는"


class Vocabulary:
    """Stands for a Vosk model: all of it that a grammar asks for."""

    def __init__(self, *words: str) -> None:
        self._words = words

    def vosk_model_find_word(self, word: str) -> int:
        return self._words.index(word) if word in self._words else -1


def test_phrases_are_words_of_the_model_and_one_for_all_others() -> None:
    grammar = VoskGrammar(Vocabulary(UNKNOWN, "technical", "support", "don't"))
    assert grammar.make_phrases(["Technical Support!", "technical  support", "sales", "Don’t"]) == (
        "technical support",
        "don't",
        UNKNOWN,
    )
    assert grammar.make_phrases(["sales"]) == ()
    assert grammar.find_unknown(["Technical sales", "sales team"]) == ("sales", "team")


def test_syllables_stand_in_where_there_is_no_word_for_others() -> None:
    grammar = VoskGrammar(Vocabulary("커피", "네", "가", "나", "간", "갛"))
    assert grammar.make_phrases(["커피"]) == ("커피", "가", "간", "나", "네")
    assert grammar.make_phrases(["네"]) == ("네", "가", "간"), (
        "those that begin like a word of one syllable are left out"
    )


def test_a_korean_word_is_made_up_of_the_fewest_words() -> None:
    grammar = VoskGrammar(Vocabulary(UNKNOWN, "한", "잔", "의", "잔의", "커", "피", "가", "커피"))
    assert grammar.make_phrases(["한잔의 커피가"]) == ("한 잔의 커피 가", UNKNOWN)
    assert grammar.find_unknown(["한잔의 녹차"]) == ("녹차",)


def test_a_model_of_another_language_without_it_has_the_hints_alone() -> None:
    assert VoskGrammar(Vocabulary("bonjour")).make_phrases(["Bonjour"]) == ("bonjour",)


@pytest.fixture(scope="module")
def engine() -> Iterator[VoskEngine]:
    engine = VoskEngine(ModelLibrary(Path("/nowhere")).resolve("ko-KR").path)
    yield engine
    engine.close()


def hear(engine: VoskEngine, hints: Sequence[str], pcm: bytes) -> Recognition:
    recognizer = engine.create_hinted_recognizer(hints)
    recognizer.accept(pcm + bytes(4000))
    heard = recognizer.finish()
    recognizer.close()
    return heard


def cut(number: int, start: float, end: float) -> bytes:
    """Seconds of one of the Korean files (1 = the first)."""
    pcm = read_samples(korean_files()[number - 1][0])
    return pcm[int(start * RATE) // 2 * 2 : int(end * RATE) // 2 * 2]


def test_it_is_an_engine_with_grammars(engine: VoskEngine) -> None:
    assert isinstance(engine, GrammarEngine)
    assert engine.find_unknown_words(["상담원 연결", "Callscribe 상담"]) == ("callscribe",)


def test_hints_that_the_model_does_not_know_leave_it_without_a_grammar(engine: VoskEngine) -> None:
    assert hear(engine, ["Callscribe"], bytes(RATE)).text == ""


@pytest.mark.skipif(not korean_files(), reason=NO_KOREAN)
@pytest.mark.parametrize(
    ("number", "start", "end", "expected"),
    [
        (5, 0.0, 1.95, COFFEE),
        (8, 0.0, 2.5, PRESIDENT),
        (6, 0.0, 2.6, REGION),
        (1, 1.0, 2.2, None),
        (9, 1.0, 2.2, None),
        (10, 3.0, 4.2, None),
        (2, 2.0, 3.2, None),
    ],
)
def test_right_answers_are_hints_and_wrong_ones_are_not(
    engine: VoskEngine, number: int, start: float, end: float, expected: str | None
) -> None:
    hints = [COFFEE, PRESIDENT, REGION]
    heard = hear(engine, hints, cut(number, start, end))
    match = match_hints(heard.text, hints, 0.75)
    assert (match.hint if match else None) == expected, heard.text
    if expected is not None:
        assert heard.confidence is not None
        assert heard.confidence > 0.5
