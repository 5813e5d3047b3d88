"""Options that name something on the web: an address, a method, a content type."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, WithJsonSchema

MAX_ADDRESS = 2048

_CONTENT_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(; ?[A-Za-z0-9-]+=[A-Za-z0-9._-]+)*")
"""RFC 9110, 8.3.1, without quoted parameters: nothing that could end a header."""


def _check_address(text: str) -> str:
    expected = "http://HOST/PATH or https://HOST/PATH, without spaces"
    if not text.isprintable() or " " in text or "\\" in text:
        raise ValueError(expected)
    try:
        parts = urlsplit(text)
        is_good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good:
        raise ValueError(expected)
    return text


def _check_content_type(text: str) -> str:
    if not _CONTENT_TYPE.fullmatch(text):
        raise ValueError("a content type such as application/json")
    return text


WebAddress = Annotated[
    str,
    Field(min_length=1, max_length=MAX_ADDRESS),
    AfterValidator(_check_address),
    WithJsonSchema({"type": "string", "minLength": 1}),
]
"""An http or https URL. Whether it may be reached is seen when it is."""

WebMethod = Literal["POST", "GET", "PUT", "DELETE"]

ContentType = Annotated[str, AfterValidator(_check_content_type), WithJsonSchema({"type": "string", "minLength": 1})]
