"""Summaries out of the sentences that were said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.flow.summary import summarise

TALK = [
    "Hello. This is Anna. I am calling about the delivery of my new kitchen table.",
    "Good morning Anna. How are you? What about the delivery of the table?",
    "The delivery was planned for Monday but the kitchen table did not arrive.",
    "It rains a lot here.",
    "I see that the delivery of your kitchen table is late. The truck broke down.",
    "Can you deliver the table on Friday?",
    "Yes. We will deliver the kitchen table on Friday morning.",
    "Thank you. Goodbye.",
]


def test_the_telling_sentences_in_their_order() -> None:
    lines = summarise(TALK, max_sentences=3).splitlines()
    assert len(lines) == 3
    assert all("table" in line for line in lines)
    talk = " ".join(TALK)
    assert [talk.index(line) for line in lines] == sorted(talk.index(line) for line in lines)


def test_a_short_talk_stays_as_it_is() -> None:
    assert summarise(["Call me back.", "Soon."]) == "Call me back.\nSoon."
    assert summarise([]) == summarise(["", " ... "]) == ""


def test_without_spaces_between_words() -> None:
    talk = [
        "배송이 늦었습니다. 주문한 의자 배송이 아직 안 왔습니다. 날씨가 좋네요.",
        "椅子の配達が遅れています。天気がいい。椅子の配達は月曜日です。",
    ]
    lines = summarise(talk, max_sentences=2).splitlines()
    assert len(lines) == 2
    assert not any("天気" in line or "날씨" in line for line in lines)


@given(st.lists(st.text(max_size=300), max_size=30), st.integers(1, 8), st.integers(1, 300))
def test_any_text(texts: list[str], sentences: int, characters: int) -> None:
    made = summarise(texts, max_sentences=sentences, max_characters=characters)
    assert len(made) <= characters
    assert len(made.splitlines()) <= sentences or "\n" not in made


@pytest.mark.timeout(20)
def test_an_endless_talk_is_done_in_time() -> None:
    talk = [f"Sentence {index} is about thing {index % 17} and place {index % 31} of {index}." for index in range(5000)]
    assert summarise(talk)
