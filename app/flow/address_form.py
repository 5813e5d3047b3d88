"""Addresses in JSON (contract 3.1): of any form that VoIPBIN's clients send, checked, as our domain Address.

What an address holds goes into dial strings of Asterisk and into SIP headers. So each kind of target has a list of
characters that it may hold, and nothing that ends or splits such a text (`,` `&` `;` `/` spaces, quotes, `<>`) is on
one. What people read (`name`, `detail`) is bounded, without control characters, and `name` without `"`, `\\`, `<`, `>`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationInfo,
    field_validator,
    model_validator,
)

from app.domain.call import Address, AddressType
from app.domain.ids import is_id
from app.domain.texts import MAX_DETAIL, MAX_NAME, check_lines, check_one_line

_TYPES = ("agent", "conference", "extension", "sip", "tel")
_EXPECTED_TYPE = f"expected one of {', '.join(_TYPES)}"
_EXPECTED_TEL = "expected an E.164 number: + and 7 to 15 digits"
_EXPECTED_SIP = "expected user@host or user@host:port"

_TEL = re.compile(r"\+[0-9]{7,15}")
_LOOKS_LIKE_TEL = re.compile(r"\+[0-9]+")
_SIP_SCHEME = "sip:"
_SIP_USER = re.compile(r"[A-Za-z0-9._~*+-]{1,64}")
_DIALLED = re.compile(r"[A-Za-z0-9._*#+-]{1,64}")
_HOST_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_PORT = re.compile(r"[0-9]{1,5}")
_UNSAFE_IN_NAMES = frozenset('"\\<>')


def is_tel(text: str) -> bool:
    """Tell whether `text` is an E.164 number: + and 7 to 15 digits."""
    return _TEL.fullmatch(text) is not None


def is_dialled(text: str) -> bool:
    """Tell whether `text` may be what somebody dials to reach an extension or a private number."""
    return _DIALLED.fullmatch(text) is not None


def is_host(text: str) -> bool:
    """Tell whether `text` is an IPv4 address, an IPv6 address in brackets, or a name of the DNS."""
    if text.startswith("[") and text.endswith("]"):
        return "%" not in text and _is_ip(IPv6Address, text[1:-1])
    labels = text.split(".")
    if labels[-1].isdigit():
        return _is_ip(IPv4Address, text)
    return len(text) <= MAX_NAME and all(_HOST_LABEL.fullmatch(label) for label in labels)


def is_host_and_port(text: str) -> bool:
    """Tell whether `text` is HOST or HOST:PORT (port 1 to 65535, an IPv6 address in brackets)."""
    host, colon, port = text, "", ""
    if not text.endswith("]"):
        before, colon, port = text.rpartition(":")
        host = before if colon else text
    if colon and not (_PORT.fullmatch(port) and 0 < int(port) < 65536):
        return False
    return is_host(host)


def is_sip_target(text: str) -> bool:
    """Tell whether `text` is `user@host[:port]` without a scheme, parameters or escapes."""
    user, at, place = text.partition("@")
    return bool(at) and _SIP_USER.fullmatch(user) is not None and is_host_and_port(place)


def _is_ip(kind: type[IPv4Address] | type[IPv6Address], text: str) -> bool:
    try:
        kind(text)
    except AddressValueError:
        return False
    return True


def _check_readable(text: str) -> str:
    """Let nothing into a display name that ends it in a SIP header."""
    if _UNSAFE_IN_NAMES & set(text):
        raise ValueError('must not hold ", \\, < or >')
    return text


def _empty_when_null(value: object) -> object:
    return "" if value is None else value


_Line = Annotated[str, Field(max_length=MAX_NAME), AfterValidator(check_one_line), BeforeValidator(_empty_when_null)]
_Shown = Annotated[_Line, AfterValidator(_check_readable)]
_Lines = Annotated[str, Field(max_length=MAX_DETAIL), AfterValidator(check_lines), BeforeValidator(_empty_when_null)]


class AddressForm(BaseModel):
    """One party's address. Without a type it is inferred from the target."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    type: AddressType = Field(
        AddressType.SIP,
        validate_default=True,
        description="agent, conference, extension, sip or tel; where it is absent: a target of + and digits is tel, "
        "one with @ or sip: is sip, any other that is no UUID is a dialled extension",
        json_schema_extra={"enum": list(_TYPES), "default": None},
    )
    target: _Line = Field(
        "",
        validate_default=True,
        description="tel: E.164 with +; sip: user@host[:port] with or without sip:; agent, conference: its id; "
        "extension: its id, or empty where target_name has the dialled number",
    )
    target_name: _Shown = Field(
        "", validate_default=True, description="extension: the number that is dialled; else a name to show"
    )
    name: _Shown = Field("", description="The party's name")
    detail: _Lines = Field("", description="More about the party")

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, raw: object) -> object:
        """Put the type that is meant, and an extension's dialled number where it belongs."""
        if not isinstance(raw, Mapping):
            return raw
        target, dialled = raw.get("target"), raw.get("target_name")
        completed = dict(raw)
        if raw.get("type") in (None, ""):
            completed["type"] = _infer_type(target, dialled)
        if completed["type"] == "extension" and isinstance(target, str) and not dialled and not is_id(target):
            completed |= {"target": "", "target_name": target}
        return completed

    @field_validator("type", mode="before")
    @classmethod
    def _read_type(cls, value: object) -> object:
        if value is None:
            raise ValueError(f"is required where the target does not tell it; {_EXPECTED_TYPE}")
        if value == "line":
            return AddressType.TEL
        if not isinstance(value, str) or value not in _TYPES:
            raise ValueError(_EXPECTED_TYPE)
        return AddressType(value)

    @field_validator("target")
    @classmethod
    def _check_target(cls, target: str, given: ValidationInfo) -> str:
        match given.data.get("type"):
            case AddressType.TEL:
                if not is_tel(target):
                    raise ValueError(_EXPECTED_TEL)
            case AddressType.SIP:
                if target[: len(_SIP_SCHEME)].lower() == _SIP_SCHEME:
                    target = target[len(_SIP_SCHEME) :]
                if not is_sip_target(target):
                    raise ValueError(_EXPECTED_SIP)
            case AddressType.AGENT | AddressType.CONFERENCE:
                if not is_id(target):
                    raise ValueError("expected the UUID of the agent or conference")
                target = target.lower()
            case AddressType.EXTENSION:
                if target and not is_id(target):
                    raise ValueError("expected the extension's UUID; the dialled number goes into target_name")
                target = target.lower()
        return target

    @field_validator("target_name")
    @classmethod
    def _check_target_name(cls, dialled: str, given: ValidationInfo) -> str:
        if given.data.get("type") is not AddressType.EXTENSION or "target" not in given.data:
            return dialled
        if not dialled and not given.data["target"]:
            raise ValueError("is required for an extension without target; expected the number that is dialled")
        if dialled and not is_dialled(dialled):
            raise ValueError("expected what is dialled: 1 to 64 letters, digits or . _ * # + -")
        return dialled

    @property
    def address(self) -> Address:
        """The address as the rest of the house knows it."""
        return Address(self.type, self.target, self.target_name, self.name, self.detail)


def _infer_type(target: object, dialled: object) -> str | None:
    """Return the type that the target tells of; None when it tells none (a UUID can be of several)."""
    if not target:
        return "extension" if dialled else None
    if not isinstance(target, str):
        return "extension"  # any type: what is told is that the target is no text
    if _LOOKS_LIKE_TEL.fullmatch(target):
        return "tel"
    if "@" in target or target[: len(_SIP_SCHEME)].lower() == _SIP_SCHEME:
        return "sip"
    return None if is_id(target) else "extension"


def _read_address(value: object) -> Address:
    # Its ValidationError becomes part of the outer one, with the outer place before its own.
    return value if isinstance(value, Address) else AddressForm.model_validate(value).address


AddressField = Annotated[Address, PlainValidator(_read_address, json_schema_input_type=AddressForm)]
"""In a model: reads an address as AddressForm does; the field holds a domain Address."""
