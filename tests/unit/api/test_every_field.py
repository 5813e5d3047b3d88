"""Every field of every request model: a value of a wrong kind is a 400 that names the field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from app.api.application import all_routes
from app.api.request_body import is_body_optional
from app.store import Store
from tests.unit.api.belongings import good_body, path_of, settle

ROUTES = [route for route in all_routes() if route.body is not None and route.has_envelope]
WRONG: tuple[Any, ...] = (True, -1, 1.5, 10**30, "\x07", {"\x07": 5}, [[]], [5], {})
TOO_MUCH = ("a\0b", "x" * 70_000)
"""Wrong for every text, whatever its schema says."""
NO_JSON = (b"", b" ", b"{", b"[]", b"5", b"null", b'"x"', b"\xff\xfe", b"[" * 100_000, b'{"a":' * 5000)
BROKEN_JSON = (b'{"x": "\\ud800"}', b'{"x": "\xff"}', b'{"x": NaN}', b'{"x": Infinity}', b"{}{}")


@pytest.fixture
async def ids(store: Store, live: Any, samples: Any, whole_client: Any) -> dict[str, str]:
    return await settle(store, live, samples, whole_client.customer_id)


def _fields(schema: dict[str, Any], definitions: dict[str, Any], good: Any, place: str) -> Iterator[tuple[str, Any]]:
    """Yield every field under `schema` with its own schema; into lists and objects as far as `good` has them."""
    schema = _resolved(schema, definitions)
    if isinstance(good, list) and good and "items" in schema:
        yield from _fields(schema["items"], definitions, good[0], f"{place}0.")
    for name, field in schema.get("properties", {}).items() if isinstance(good, dict) else ():
        yield place + name, field
        for choice in field.get("anyOf", [field]):
            yield from _fields(choice, definitions, good.get(name), f"{place}{name}.")


def _resolved(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    return schema


def _accepts_text(schema: dict[str, Any], definitions: dict[str, Any]) -> bool:
    return any(_resolved(choice, definitions).get("type") == "string" for choice in schema.get("anyOf", [schema]))


def _with(body: Any, place: str, value: Any) -> Any:
    changed = deepcopy(body)
    *way, last = (int(part) if part.isdigit() else part for part in place.split("."))
    target = changed
    for part in way:
        target = target[part]
    target[last] = value
    return changed


async def test_a_right_body_is_taken(whole_client: Any, ids: dict[str, str]) -> None:
    """The ground on which the other tests stand: only what they change is wrong."""
    for route in ROUTES:
        answer = await whole_client.ask(route.method, path_of(route, ids), json=good_body(route, ids))
        assert answer.status in (200, 201), (route.key, answer.raw)


async def test_a_wrong_value_names_its_field(whole_client: Any, live: Any, ids: dict[str, str]) -> None:
    faults: list[object] = []
    for route in ROUTES:
        assert route.body is not None
        schema = route.body.model_json_schema(mode="validation")
        definitions, good, path = schema.get("$defs", {}), good_body(route, ids), path_of(route, ids)
        checked = set()
        for place, field in _fields(schema, definitions, good, ""):
            validator = Draft202012Validator({**field, "$defs": definitions})
            wrong = [value for value in WRONG if not validator.is_valid(value)]
            if _accepts_text(field, definitions):
                wrong += TOO_MUCH
            for value in wrong:
                answer = await whole_client.ask(route.method, path, json=_with(good, place, value))
                if not _names(answer, place):
                    faults.append((route.key, place, repr(value)[:40], answer.status, answer.raw[:300]))
                checked.add(place)
        if missed := set(schema["properties"]) - checked:
            faults.append((route.key, "takes anything", missed))
    assert not faults, "\n".join(map(str, faults))
    assert live.did == []


def _names(answer: Any, place: str) -> bool:
    if answer.status != 400:
        return False
    told = answer.json["error"]["details"][0]["field"]
    return bool(told == place or told.startswith(f"{place}."))


async def test_what_is_no_json_object(whole_client: Any, live: Any, ids: dict[str, str]) -> None:
    for route in ROUTES:
        assert route.body is not None
        may_be_empty = is_body_optional(route.body)
        for text in (*NO_JSON, *BROKEN_JSON):
            if may_be_empty and not text.strip():
                continue
            answer = await whole_client.ask(route.method, path_of(route, ids), data=text)
            told = (answer.status, answer.json["error"]["reason"])
            assert told == (400, "INVALID_JSON_BODY"), (route.key, text[:20], answer.raw)
    assert live.did == []


async def test_what_json_can_hold_and_nothing_else(whole_client: Any, live: Any, ids: dict[str, str]) -> None:
    """Numbers without end, lists without end: no store and no JSON reader takes them."""
    for route in ROUTES:
        assert route.body is not None
        for name, field in route.body.model_fields.items():
            for text in ("1" + "0" * 5000, "1e999", "[" * 150 + "]" * 150, '{"a":' * 300 + "1" + "}" * 300):
                body = f"{{{json.dumps(field.alias or name)}: {text}}}".encode()
                answer = await whole_client.ask(route.method, path_of(route, ids), data=body)
                assert answer.status == 400, (route.key, name, text[:20], answer.raw)
    assert live.did == []
