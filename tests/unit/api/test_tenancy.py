"""Two customers: a walk over all routes shows that neither sees, changes or uses what is the other's."""

from typing import Any

import pytest

from app.api.application import all_routes
from app.api.first_start import create_customer
from app.api.route import Route
from app.domain.ids import new_id
from app.store import Store
from tests.unit.api.belongings import MARK, good_body, path_of, settle

ROUTES = [route for route in all_routes() if not route.is_open]
WITH_ID = [route for route in ROUTES if "{id}" in route.key[1]]
LISTS = [route for route in ROUTES if route.is_page]
_NAMES = {"ids": lambda route: " ".join(route.key)}


@pytest.fixture
async def ours(store: Store, live: Any, samples: Any, client: Any) -> dict[str, str]:
    return await settle(store, live, samples, client.customer_id)


@pytest.fixture
async def stranger_key(store: Store, cheap_hashes: None, credentials: Any) -> str:
    return (await create_customer(store, "strangers", "stranger", "pw")).access_key


async def _ask(client: Any, route: Route, key: str, ids: dict[str, str]) -> Any:
    more: dict[str, Any] = {"params": {"token": key}}
    if any(query.name == "encapsulation" for query in route.query):
        more["params"]["encapsulation"] = "sln"
    if (body := good_body(route, ids)) is not None:
        more["json"] = body
    return await client.ask(route.method, path_of(route, ids), **more)


async def test_what_is_another_customers_is_refused_everywhere(
    client: Any, live: Any, ours: dict[str, str], stranger_key: str
) -> None:
    assert len(WITH_ID) > 50
    for route in WITH_ID:
        answer = await _ask(client, route, stranger_key, ours)
        refusals = [(403, "PERMISSION_DENIED")]
        if route.path.startswith("/v1.0/speakings"):  # not stored: they are looked for among the customer's own
            refusals.append((404, "RESOURCE_NOT_FOUND"))
        assert (answer.status, answer.json["error"]["reason"]) in refusals, (route.key, answer.raw)
        assert MARK not in answer.raw.decode(), route.key
    assert [what for what in live.did if not what.startswith("speakings.")] == []


async def test_nothing_of_it_has_changed(client: Any, ours: dict[str, str], stranger_key: str) -> None:
    shown = [route for route in WITH_ID if route.method == "GET" and route.key[1].endswith("/{id}")]
    before = [(await _ask(client, route, client.key, ours)).raw for route in shown]
    for route in WITH_ID:
        if route.method != "GET":
            await _ask(client, route, stranger_key, ours)
    assert [(await _ask(client, route, client.key, ours)).raw for route in shown] == before


async def test_lists_hold_ones_own_only(
    client: Any, store: Store, live: Any, samples: Any, ours: dict[str, str], stranger_key: str
) -> None:
    for route in LISTS:
        word = route.key[1].split("/")[2]
        if word == "transcripts":
            query = {"transcribe_id": ours[word]}
            await client.refused("GET", route.path, 403, "PERMISSION_DENIED", params=query | {"token": stranger_key})
            continue
        own = await client.get(route.path)
        assert ours.get(word, "") in own.raw.decode(), route.key
        theirs = await client.ask("GET", route.path, params={"token": stranger_key})
        text = theirs.raw.decode()
        assert (theirs.status, MARK in text, client.customer_id in text) == (200, False, False), route.key
        assert not any(each in text for each in ours.values()), route.key


async def test_what_has_no_id_is_ones_own(client: Any, ours: dict[str, str], stranger_key: str) -> None:
    for route in ROUTES:
        if route.method == "GET" and "{id}" not in route.key[1] and not route.is_page and route.status == 200:
            answer = await client.ask("GET", route.path, params={"token": stranger_key})
            assert answer.status == 200, route.key
            assert client.customer_id not in answer.raw.decode(), route.key


async def test_bodies_cannot_refer_to_it(client: Any, live: Any, ours: dict[str, str], stranger_key: str) -> None:
    """Flows and numbers of another customer are as good as missing; what would be listened to is denied."""
    seen = set()
    for route in ROUTES:
        for name in route.body.model_fields if route.body else ():
            word = {"default_outgoing_source_number_id": "numbers"}.get(name, "flows" if "flow_id" in name else "")
            if not word or "{id}" in route.key[1]:
                continue
            body = (good_body(route, ours) or {}) | {name: ours[word]}
            if "reference_id" in body:
                body["reference_id"] = new_id()
            seen.add((route.key, name))
            answer = await client.ask(route.method, route.path, json=body, params={"token": stranger_key})
            assert answer.status in (400, 404), (route.key, name, answer.raw)
            assert MARK not in answer.raw.decode()
    assert len(seen) >= 4
    for reference_type, word in (("call", "calls"), ("confbridge", "conferences"), ("recording", "recordings")):
        body = {"reference_type": reference_type, "reference_id": ours[word], "language": "en-US"}
        query = {"params": {"token": stranger_key}}
        await client.refused("POST", "/v1.0/transcribes", 403, "PERMISSION_DENIED", json=body, **query)
    assert live.did == []
