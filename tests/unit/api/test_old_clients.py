"""What old clients and their programmers meet: a slash too many, lengths, names that are free again, examples."""

from typing import Any

import pytest
from pydantic_core import to_json
from yarl import URL

from app.api.application import all_routes
from app.api.body_examples import EXAMPLES
from app.api.request_body import parse_body
from app.domain.call import CallDirection, CallStatus
from app.store import Store

SOURCE = {"type": "tel", "target": "+15551234567"}
BODIES = sorted({route.body for route in all_routes() if route.body is not None}, key=str)


async def test_a_slash_too_many_leads_to_the_route(client: Any) -> None:
    answer = await client.ask("GET", "/v1.0/calls/", params={"page_size": "5"}, allow_redirects=False)
    assert (answer.status, answer.raw) == (307, b"")
    assert answer.headers["Location"].startswith("/v1.0/calls?")
    assert "page_size=5" in answer.headers["Location"]
    assert answer.headers["X-Request-Id"]
    assert (await client.get("/v1.0/calls/")).json["result"] == []
    made = await client.post("/v1.0/flows/", {"name": "with a slash", "actions": []})
    assert (made.status, made.json["name"]) == (200, "with a slash")


@pytest.mark.parametrize("path", ["/nothing/", "/v1.0/nothing/", "//example.com/", "/v1.0/calls/a/b/", "/"])
async def test_a_slash_after_an_unknown_route_leads_nowhere(client: Any, path: str) -> None:
    url = URL(client.url + path, encoded=True)
    async with client.session.get(url, allow_redirects=False) as answer:
        assert (answer.status, (await answer.json())["error"]["reason"]) == (404, "ROUTE_NOT_FOUND")


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("/v1.0/calls", {"source": SOURCE, "destinations": []}, "destinations: expected at least 1 item"),
        ("/v1.0/calls", {"source": SOURCE, "destinations": [SOURCE] * 51}, "destinations: expected at most 50 items"),
        ("/v1.0/agents", {"username": "", "password": "x"}, "username: expected at least 1 character"),
    ],
)
async def test_a_wrong_length_is_told_in_words_of_json(client: Any, path: str, body: Any, message: str) -> None:
    error = await client.refused("POST", path, 400, "INVALID_ARGUMENT", json=body)
    assert error["message"] == message


async def test_the_name_of_a_deleted_agent_is_free_again(client: Any) -> None:
    body = {"username": "ann", "password": "pw"}
    first = await client.post("/v1.0/agents", body)
    assert (await client.delete(f"/v1.0/agents/{first.json['id']}")).status == 200
    second = await client.post("/v1.0/agents", body)
    assert second.status == 200, second.json
    assert second.json["id"] != first.json["id"]
    assert (await client.post("/auth/login", body)).status == 200
    await client.refused("POST", "/v1.0/agents", 409, "ALREADY_EXISTS", json=body)


@pytest.mark.parametrize(
    ("query", "reason"),
    [({}, "MISSING_REQUEST_PARAMETER"), ({"encapsulation": "opus"}, "INVALID_REQUEST_PARAMETER")],
)
async def test_a_stream_needs_one_of_three_encapsulations(
    client: Any, store: Store, samples: Any, query: dict[str, str], reason: str
) -> None:
    call = await store.calls.insert(samples.call(client.customer_id))
    conference = await store.conferences.insert(samples.conference(client.customer_id))
    for path in (f"/v1.0/calls/{call.id}/media_stream", f"/v1.0/conferences/{conference.id}/media_stream"):
        error = await client.refused("GET", path, 400, reason, params=query)
        assert error["details"] == [{"field": "encapsulation"}]
        assert error["message"].endswith("expected one of rtp, sln, audiosocket")


@pytest.mark.parametrize("control", ["hold", "moh", "silence", "mute"])
async def test_an_outgoing_call_is_controlled_when_it_was_answered(
    client: Any, live: Any, store: Store, samples: Any, control: str
) -> None:
    fields = {"direction": CallDirection.OUTGOING, "status": CallStatus.DIALING}
    call = await store.calls.insert(samples.call(client.customer_id, **fields))
    for method in ("POST", "DELETE"):
        error = await client.refused(method, f"/v1.0/calls/{call.id}/{control}", 409, "STATE_INVALID")
        assert error["message"] == "the call is dialing; this needs one that was answered"
    assert live.asked == []
    ringing = await store.calls.insert(samples.call(client.customer_id, status=CallStatus.RINGING))
    assert (await client.post(f"/v1.0/calls/{ringing.id}/{control}")).status == 200


def test_every_body_has_an_example() -> None:
    assert {model.__name__ for model in BODIES} == set(EXAMPLES)


@pytest.mark.parametrize("model", BODIES, ids=[model.__name__ for model in BODIES])
def test_every_example_is_right(model: Any) -> None:
    asked = parse_body(to_json(EXAMPLES[model.__name__]), model)
    assert asked.model_fields_set
