"""Which country a number is in."""

import pytest

from app.application.dial_plan import country_of


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("+15551234567", "us"),
        ("+14165551234", "ca"),
        ("+821012345678", "kr"),
        ("+442079460000", "gb"),
        ("+390612345678", "it"),
        ("+77012345678", "kz"),
        ("+88312345678", None),
        ("+80012345678", None),
        ("+899123456789", None),
        ("+999123456", None),
        ("+", None),
        ("", None),
        ("7001", None),
        ("alice", None),
        ("+1", None),
        ("+" + "1" * 300, None),
    ],
)
def test_country_of(number: str, country: str | None) -> None:
    assert country_of(number) == country
