"""The document: every route is in it, described; it is a right one; the copy in docs is the one that is served."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import app
from app.api.application import all_routes
from app.api.openapi import build_document, render_document
from app.api.route import Route, check_unique

COPY = Path(app.__file__).resolve().parents[1] / "docs" / "openapi.json"
ROUTES = all_routes()


@pytest.fixture(scope="module")
def document() -> Any:
    return json.loads(json.dumps(build_document(ROUTES)))


def _operations(document: Any) -> Any:
    return {(method.upper(), path): each for path, ways in document["paths"].items() for method, each in ways.items()}


def test_every_route_is_in_it_and_says_what_it_does(document: Any) -> None:
    operations = _operations(document)
    assert set(operations) == {route.key for route in ROUTES}
    assert len({each["operationId"] for each in operations.values()}) == len(operations)
    for key, each in operations.items():
        assert 5 < len(each["summary"]) <= 160, key
        assert each["description"], key
        variables = set(re.findall(r"\{(\w+)\}", key[1]))
        assert variables == {one["name"] for one in each["parameters"] if one["in"] == "path"}, key


def test_every_reference_leads_somewhere(document: Any) -> None:
    for kind, name in re.findall(r'"#/components/(\w+)/([^"]+)"', json.dumps(document)):
        assert name in document["components"][kind]
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_slot_for_credentials_is_told(document: Any) -> None:
    schemes = document["components"]["securitySchemes"]
    places = {(each["in"], each["name"]) for each in schemes.values() if each["type"] == "apiKey"}
    assert places == {(where, name) for where in ("cookie", "query") for name in ("token", "accesskey")}
    for route in ROUTES:
        operation = _operations(document)[route.key]
        assert operation["security"] == ([] if route.is_open else [{name: []} for name in schemes])
        assert route.is_open or {"401", "403", "429"} <= set(operation["responses"])


def test_nothing_is_open_that_has_an_owner() -> None:
    assert {route.key[1] for route in ROUTES if route.is_open} == {
        *("/auth/login", "/v1.0/auth/login", "/ping", "/health", "/metrics", "/openapi.json", "/docs"),
        "/prompts/{key}.wav",
        "/recordings/files/{id}.wav",  # its address is signed
    }


def test_the_copy_in_docs_is_current() -> None:
    current = COPY.read_text("utf-8") == render_document(ROUTES)
    assert current, "write it anew: callscribe openapi --write docs/openapi.json"


def test_a_route_that_two_modules_want_stops_the_start() -> None:
    route = next(each for each in ROUTES if each.key == ("GET", "/v1.0/calls/{id}"))
    again = Route("GET", "/v1.0/calls/{id:[0-9]+}", route.handler)
    with pytest.raises(ValueError, match=r"GET /v1.0/calls/\{id\} is routed twice: to app\.api\.calls\.get_call and"):
        check_unique([route, again])


async def test_both_are_served_without_a_credential(client: Any) -> None:
    client.key = None
    answer = await client.get("/openapi.json")
    assert (answer.status, answer.json) == (200, json.loads(render_document(ROUTES)))
    page = await client.get("/docs")
    text = page.raw.decode()
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert not re.findall(r"(?:src|href)=[\"']?(?:https?:)?//", text), "the page loads something from elsewhere"
    assert "innerHTML" not in text
