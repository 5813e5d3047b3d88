"""User names and passwords of SIP's digest (RFC 8760), in a form that Asterisk, phones and providers all take."""

from __future__ import annotations

import re
import secrets
import string
from typing import Annotated

from pydantic import AfterValidator, Field

from app.api.texts import NullIsEmpty

MAX_PASSWORD = 128
MIN_PHONE_PASSWORD = 8
GENERATED_LENGTH = 20
_USERNAME = re.compile(r"[A-Za-z0-9._~+*-]{1,64}")
_PASSWORD = re.compile(r"[!#-\[\]-~]([ !#-\[\]-~]*[!#-\[\]-~])?")
"""Printable ASCII without `"` and `\\`, no space at its ends."""
_EXPECTED_CHARACTERS = 'of printable ASCII without " and \\, no space at its ends'


def make_password() -> str:
    """Return a new password of 20 letters and digits (119 bits)."""
    alphabet = string.ascii_letters + string.digits
    return "".join(secrets.choice(alphabet) for _ in range(GENERATED_LENGTH))


def _check_username(text: str) -> str:
    if text and not _USERNAME.fullmatch(text):
        raise ValueError("expected 1 to 64 letters, digits or . _ ~ + * -")
    return text


def _check_phone_password(text: str) -> str:
    if text and not (MIN_PHONE_PASSWORD <= len(text) <= MAX_PASSWORD and _PASSWORD.fullmatch(text)):
        raise ValueError(f"expected {MIN_PHONE_PASSWORD} to {MAX_PASSWORD} characters {_EXPECTED_CHARACTERS}")
    return text


def _check_trunk_password(text: str) -> str:
    if text and not (len(text) <= MAX_PASSWORD and _PASSWORD.fullmatch(text)):
        raise ValueError(f"expected at most {MAX_PASSWORD} characters {_EXPECTED_CHARACTERS}")
    return text


SipUsername = Annotated[str, AfterValidator(_check_username), NullIsEmpty]
"""A user name, "" for none."""

PhonePassword = Annotated[
    str, AfterValidator(_check_phone_password), NullIsEmpty, Field(json_schema_extra={"maxLength": MAX_PASSWORD})
]
"""A phone's password, "" for none: guessing must not pay."""

TrunkPassword = Annotated[
    str, AfterValidator(_check_trunk_password), NullIsEmpty, Field(json_schema_extra={"maxLength": MAX_PASSWORD})
]
"""A trunk's password, "" for none; how long it is the provider decides."""
