import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.speech.hints import confidence_of, match_hints, to_words
from app.speech.recognizer import RecognizedWord

THRESHOLD = 0.75


def hear(text: str, *hints: str, threshold: float = THRESHOLD) -> str | None:
    match = match_hints(text, hints, threshold)
    return match.hint if match else None


@pytest.mark.parametrize(
    ("heard", "hints", "expected"),
    [
        ("Sales.", ("sales", "support"), "sales"),
        ("Yes, please!", ("yes", "no"), "yes"),
        ("I want to talk to technical support now", ("sales", "Technical Support"), "Technical Support"),
        ("technical suport", ("sales", "technical support"), "technical support"),
        ("call back", ("callback", "cancel"), "callback"),
        ("Ours.", ("hours", "location"), "hours"),
        ("I don't know", ("no", "yes"), None),
        ("what a lovely day", ("sales", "support", "billing"), None),
        ("sales support", ("sales", "sales support"), "sales support"),
        ("yes no", ("no", "yes"), "yes"),
        ("cats dogs", ("cats", "dogs"), None),  # both, equally: which one is meant is not known
        ("한 잔 의 커피 가 솜", ("한 잔의 커피", "상담원"), "한 잔의 커피"),
        ("만 방 래 동 히 겸", ("상담원", "예약"), None),
        ("Straße", ("STRASSE",), "STRASSE"),
        ("", ("sales",), None),
        ("...", ("sales",), None),
        ("sales", (), None),
    ],
)
def test_what_was_meant(heard: str, hints: tuple[str, ...], expected: str | None) -> None:
    assert hear(heard, *hints) == expected


def test_the_threshold_is_how_near_it_has_to_be() -> None:
    assert hear("Ours", "hours", threshold=0.95) is None
    assert hear("hours", "hours", threshold=1) == "hours"


def test_the_confidence_is_of_the_words_that_said_it() -> None:
    match = match_hints("uh sales please", ["sales"], THRESHOLD)
    assert match is not None
    words = [RecognizedWord(word, 0, 0, confidence) for word, confidence in (("uh", 0.1), ("sales", 0.9), ("x", 0.2))]
    assert confidence_of(words, match.start, match.end) == 0.9
    assert confidence_of(None, match.start, match.end) is None


@given(st.text(max_size=60), st.lists(st.text(max_size=20), max_size=5), st.floats(0, 1))
def test_it_never_breaks(heard: str, hints: list[str], threshold: float) -> None:
    match = match_hints(heard, hints, threshold)
    assert match is None or (match.hint in hints and match.similarity >= threshold)


@given(st.text(max_size=40))
def test_a_hint_is_heard_as_itself(text: str) -> None:
    assert hear(text, text) == (text if to_words(text) else None)
