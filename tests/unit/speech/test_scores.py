"""The normaliser that error rates stand on."""

import pytest

from benchmarks.scores import character_error_rate, normalise, word_error_rate


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mr. Hale, don’t — stop!", "mister hale dont stop"),
        ("box-car to-day", "box car to day"),
        ("press 1 or 42, not 007", "press one or forty two not zero zero seven"),
        ("지난해, 삼 월.", "지난해 삼 월"),
    ],
)
def test_normalise(text: str, expected: str) -> None:
    assert normalise(text) == expected


def test_error_rates() -> None:
    assert word_error_rate(["one two three four"], ["One, two. three!"]) == pytest.approx(0.25)
    assert character_error_rate(["가 나 다 라"], ["가나다라"]) == 0
