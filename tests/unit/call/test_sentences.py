"""Texts cut into sentences."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.call.sentences import MOST_CHARACTERS, split_sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Hello there. How are you? Fine!", ("Hello there.", "How are you?", "Fine!")),
        ('He said "yes." Then 3.5 hours passed… Really', ('He said "yes."', "Then 3.5 hours passed…", "Really")),
        ("안녕하세요. 반갑습니다", ("안녕하세요.", "반갑습니다")),
        ("今日は。元気ですか？", ("今日は。", "元気ですか？")),
        ("one\n\ntwo\r\nthree", ("one", "two", "three")),
        ("   ", ()),
        ("<speak>One. Two.</speak>", ("<speak>One. Two.</speak>",)),
    ],
)
def test_sentences(text: str, sentences: tuple[str, ...]) -> None:
    assert split_sentences(text) == sentences


def test_a_long_sentence_is_cut_at_a_comma_or_a_space() -> None:
    clause = "and so on and so forth without an end"
    assert all(piece.endswith(",") for piece in split_sentences(", ".join([clause] * 20))[:-1])
    assert all(len(piece) <= MOST_CHARACTERS for piece in split_sentences("word " * 200))
    assert [len(piece) for piece in split_sentences("x" * 500)] == [240, 240, 20]


@given(st.text(alphabet="ab .,!?\n。、", max_size=600))
def test_nothing_is_lost(text: str) -> None:
    pieces = split_sentences(text)
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert all(piece.strip() == piece != "" and len(piece) <= MOST_CHARACTERS for piece in pieces)
