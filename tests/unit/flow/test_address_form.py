"""Addresses as clients send them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, ValidationError

from app.domain.call import Address, AddressType
from app.flow.address_form import AddressField

ID = "8d6f2e5c-7d6f-4e0a-9d0c-0123456789ab"


class Order(BaseModel):
    model_config = ConfigDict(strict=True)

    destinations: tuple[AddressField, ...]


def read(sent: Any) -> Address:
    return Order.model_validate_json(json.dumps({"destinations": [sent]})).destinations[0]


@pytest.mark.parametrize(
    ("sent", "read_as"),
    [
        ({"type": "tel", "target": "+15551234567"}, Address(AddressType.TEL, "+15551234567")),
        ({"target": "+15551234567", "type": ""}, Address(AddressType.TEL, "+15551234567")),
        ({"type": "line", "target": "+15551234567"}, Address(AddressType.TEL, "+15551234567")),
        ({"target": "alice@192.0.2.1:5080"}, Address(AddressType.SIP, "alice@192.0.2.1:5080")),
        ({"target": "SIP:a.b@[2001:db8::1]:5080"}, Address(AddressType.SIP, "a.b@[2001:db8::1]:5080")),
        ({"type": "sip", "target": "sip:alice@example.com"}, Address(AddressType.SIP, "alice@example.com")),
        ({"target": "2001", "type": None}, Address(AddressType.EXTENSION, "", "2001")),
        ({"type": "extension", "target": "2001"}, Address(AddressType.EXTENSION, "", "2001")),
        ({"type": "extension", "target_name": "2001"}, Address(AddressType.EXTENSION, "", "2001")),
        ({"target_name": "2001"}, Address(AddressType.EXTENSION, "", "2001")),
        ({"type": "extension", "target": ID.upper()}, Address(AddressType.EXTENSION, ID)),
        ({"type": "agent", "target": ID.upper(), "name": None}, Address(AddressType.AGENT, ID)),
        ({"type": "conference", "target": ID, "extra": 1}, Address(AddressType.CONFERENCE, ID)),
        (
            {"target": "+15551234567", "target_name": "Jane", "name": "J & J, Ltd; <3"[:9], "detail": "a\nb"},
            Address(AddressType.TEL, "+15551234567", "Jane", "J & J, Lt", "a\nb"),
        ),
    ],
)
def test_an_address_is_read(sent: Any, read_as: Address) -> None:
    assert read(sent) == read_as


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        (None, ""),
        ("+15551234567", ""),
        ({}, "type"),
        ({"target": ID}, "type"),
        *[({"type": name, "target": "x"}, "type") for name in ("email", "ai", "SIP", "whatsapp", 5, ["sip"])],
        *[
            ({"type": "tel", "target": text}, "target")
            for text in ("", "15551234567", "+123456", "+1" + "2" * 15, "+1 555")
        ],
        *[
            ({"type": "sip", "target": text}, "target")
            for text in ("", "alice", "@host", "a@", "a@b@c", "a b@c", "a@b c")
        ],
        *[
            ({"target": f"a@b{text}"}, "target")
            for text in (";lr", "&PJSIP/x", ",60", "/n", ":0", ":65536", ":x", "?a=b")
        ],
        *[
            ({"target": text}, "target")
            for text in ('"a"@b', "<sip:a@b>", "sips:a@b", "a@1.2.3", "a@[::1", "a@-b", "a@b\n")
        ],
        *[({"type": "agent", "target": text}, "target") for text in ("", "agent-1", None, 7)],
        ({"type": "extension"}, "target_name"),
        ({"type": "extension", "target": "a", "target_name": "b"}, "target"),
        *[({"target": text}, "target_name") for text in ("20 01", "2001&2002", "a,b", "a/b", "x" * 65, "a;b", "'")],
        ({"target": "+15551234567", "name": 'Jane "J" Doe'}, "name"),
        ({"target": "+15551234567", "name": "Jane\r\nVia: x"}, "name"),
        ({"target": "+15551234567", "target_name": "<sip:x>"}, "target_name"),
        ({"target": "+15551234567", "detail": "\u0000"}, "detail"),
        ({"target": "+15551234567", "name": "x" * 256}, "name"),
        ({"target": "x" * 256}, "target_name"),
    ],
)
def test_a_wrong_address_is_refused(sent: Any, field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        read(sent)
    place = ("destinations", 0, field) if field else ("destinations", 0)
    assert refused.value.errors()[0]["loc"] == place


def test_the_types_are_named() -> None:
    with pytest.raises(ValidationError, match="agent, conference, extension, sip, tel"):
        read({"type": "fax", "target": "+15551234567"})


@given(st.dictionaries(st.sampled_from(["type", "target", "target_name", "name"]), st.text(max_size=20)))
def test_nothing_that_is_read_breaks_out(sent: dict[str, str]) -> None:
    try:
        address = read(sent)
    except ValidationError:
        return
    assert not set(address.target) & set(" ,&;/\"'<>()\\\r\n\t\0")
    assert not set(address.target_name + address.name) & set('"\\<>\r\n\0')
