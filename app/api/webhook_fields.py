"""`webhook_uri` and `webhook_method` in bodies: of a customer, and of an activeflow (contract 2, 5, 7)."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

METHODS = ("", "POST", "GET", "PUT", "DELETE")
_MAX_URI = 2048
_EXPECTED_METHOD = "expected POST, GET, PUT or DELETE"


def _wrong_uri(fault: str) -> PydanticCustomError:
    return PydanticCustomError("INVALID_WEBHOOK_URI", fault)


def _check_method(text: str) -> str:
    if text not in METHODS:
        raise PydanticCustomError("INVALID_WEBHOOK_METHOD", _EXPECTED_METHOD)
    return text


def check_uri(uri: str) -> str:
    """Return `uri`: http or https with a host, or "" for none. Whether it may be reached is the sender's to say."""
    if not uri:
        return uri
    if len(uri) > _MAX_URI:
        raise _wrong_uri(f"expected at most {_MAX_URI} characters")
    if not uri.isprintable() or " " in uri or "\\" in uri:
        raise _wrong_uri("must not hold spaces, control characters or backslashes")
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
        is_named = bool(host) and port != 0 and bool((host or "").encode("idna"))
    except ValueError:  # UnicodeError is one
        raise _wrong_uri("expected http://HOST/PATH or https://HOST/PATH; this one cannot be read") from None
    if parts.scheme not in ("http", "https") or not is_named:
        raise _wrong_uri("expected http://HOST/PATH or https://HOST/PATH")
    if parts.username is not None or parts.password is not None:
        raise _wrong_uri("must not hold a user name or password; the signature header says who sends")
    if "#" in uri:
        raise _wrong_uri("must not hold a fragment: receivers never see it")
    return uri


WebhookMethod = Annotated[str, AfterValidator(_check_method), WithJsonSchema({"type": "string", "enum": list(METHODS)})]
"""How a webhook is sent; "" is POST."""

WebhookUri = Annotated[
    str,
    AfterValidator(check_uri),
    Field(
        description='http:// or https:// with a host, without credentials and fragment; "" for none',
        json_schema_extra={"maxLength": _MAX_URI},
    ),
]
"""Where a webhook is sent."""
