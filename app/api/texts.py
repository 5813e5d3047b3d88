"""Texts in bodies: bounded, without the characters that the store, Asterisk or a SIP header cannot take."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from app.domain.texts import MAX_DETAIL, MAX_NAME, check_lines, check_one_line


def _empty_when_null(value: object) -> object:
    return "" if value is None else value


NullIsEmpty = BeforeValidator(_empty_when_null)
"""Takes null for the empty text: null and absent are the same."""

Name = Annotated[str, Field(max_length=MAX_NAME), AfterValidator(check_one_line), NullIsEmpty]
"""What people call a thing: one line, empty where it is null."""

Detail = Annotated[str, Field(max_length=MAX_DETAIL), AfterValidator(check_lines), NullIsEmpty]
"""What a thing is for: lines, empty where it is null."""
