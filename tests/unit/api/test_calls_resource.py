"""`/v1.0/calls` and the pages of lists."""

from dataclasses import replace
from typing import Any

import pytest

from app.domain.call import CallStatus
from app.domain.customer import Customer
from app.domain.ids import new_id
from app.errors import LegGone, Unavailable
from app.store import Store


async def test_calls_are_listed_newest_first(client: Any, store: Store, samples: Any) -> None:
    old, new = [await store.calls.insert(samples.call(client.customer_id)) for _ in range(2)]
    answer = await client.get("/v1.0/calls")
    assert list(answer.json) == ["result", "next_page_token"]
    assert [call["id"] for call in answer.json["result"]] == [new.id, old.id]
    assert answer.json["next_page_token"] == answer.json["result"][-1]["tm_create"]
    assert (await client.get("/v1.0/calls", page_token=answer.json["next_page_token"])).json == {
        "result": [],
        "next_page_token": "",
    }


@pytest.mark.parametrize("form", [lambda token: token, lambda token: token.replace(" ", "T") + "Z"])
async def test_pages_lose_nothing_in_either_form_of_the_token(
    client: Any, store: Store, samples: Any, form: Any
) -> None:
    moment = samples.moment()
    calls = [
        await store.calls.insert(samples.call(client.customer_id, tm_create=moment, tm_update=moment)) for _ in range(7)
    ]
    seen: list[str] = []
    page = (await client.get("/v1.0/calls", page_size="3")).json
    while page["result"]:
        assert len(page["result"]) <= 3
        seen += [call["id"] for call in page["result"]]
        page = (await client.get("/v1.0/calls", page_size="3", page_token=form(page["next_page_token"]))).json
    assert seen == [call.id for call in reversed(calls)]


@pytest.mark.parametrize(
    ("page_size", "expected"),
    [("0", 100), ("-3", 100), ("101", 100), ("999999999", 100), ("", 100), ("100", 100), ("2", 2)],
)
async def test_page_sizes(client: Any, store: Store, samples: Any, page_size: str, expected: int) -> None:
    async with store.transaction() as tx:
        for _ in range(103):
            await tx.calls.insert(samples.call(client.customer_id))
    answer = await client.get("/v1.0/calls", page_size=page_size)
    assert len(answer.json["result"]) == expected


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"page_size": "many"}, "page_size"),
        ({"page_size": "1.5"}, "page_size"),
        ({"page_size": "9" * 5000}, "page_size"),
        ({"page_token": "yesterday"}, "page_token"),
        ({"page_token": "2026-13-01 00:00:00.000000"}, "page_token"),
        ({"page_token": "\0"}, "page_token"),
    ],
)
async def test_wrong_pages_are_named(client: Any, query: dict[str, str], field: str) -> None:
    for path in ("/v1.0/calls", "/v1.0/transcribes"):
        error = await client.refused("GET", path, 400, "INVALID_REQUEST_PARAMETER", params=query)
        assert error["details"] == [{"field": field}]


async def test_one_call(client: Any, store: Store, samples: Any) -> None:
    call = await store.calls.insert(samples.call(client.customer_id))
    for text in (call.id, call.id.upper()):
        answer = await client.get(f"/v1.0/calls/{text}")
        assert (answer.status, answer.json["id"], answer.json["status"]) == (200, call.id, "progressing")
        assert "tm_hangup" not in answer.json


@pytest.mark.parametrize(("method", "tail"), [("GET", ""), ("POST", "/hangup")])
async def test_calls_that_cannot_be_had(
    client: Any, store: Store, stranger: Customer, samples: Any, live: Any, method: str, tail: str
) -> None:
    theirs = await store.calls.insert(samples.call(stranger.id))
    error = await client.refused(method, f"/v1.0/calls/{theirs.id}{tail}", 403, "PERMISSION_DENIED")
    assert theirs.id not in str(error)
    missing = new_id()
    error = await client.refused(method, f"/v1.0/calls/{missing}{tail}", 404, "CALL_NOT_FOUND")
    assert (error["status"], missing in error["message"]) == ("NOT_FOUND", True)
    for wrong in ("nonsense", missing[:-1], f"{{{missing}}}", "%00", "1" * 300):
        error = await client.refused(method, f"/v1.0/calls/{wrong}{tail}", 400, "INVALID_ID")
        assert error["details"] == [{"field": "id"}]
    gone = samples.call(client.customer_id)
    await store.calls.insert(replace(gone, tm_delete=samples.moment()))
    error = await client.refused(method, f"/v1.0/calls/{gone.id}{tail}", 409, "STATE_INVALID")
    assert error["status"] == "FAILED_PRECONDITION"
    assert (await client.get("/v1.0/calls")).json["result"] == []
    assert live.asked == []


async def test_hanging_up(client: Any, store: Store, samples: Any, live: Any) -> None:
    call = await store.calls.insert(samples.call(client.customer_id))
    answer = await client.ask("POST", f"/v1.0/calls/{call.id}/hangup")
    assert (answer.status, answer.json["status"]) == (200, "terminating")
    assert live.asked == [{"customer_id": client.customer_id, "call_id": call.id}]
    again = await client.ask("POST", f"/v1.0/calls/{call.id}/hangup", data=b"any body { is ignored")
    assert (again.status, again.json) == (200, answer.json)
    assert len(live.asked) == 1


@pytest.mark.parametrize("status", [CallStatus.CANCELING, CallStatus.TERMINATING, CallStatus.HANGUP])
async def test_hanging_up_what_ends_anyway(
    client: Any, store: Store, samples: Any, live: Any, status: CallStatus
) -> None:
    call = await store.calls.insert(samples.call(client.customer_id, status=status))
    answer = await client.post(f"/v1.0/calls/{call.id}/hangup")
    assert (answer.status, answer.json["status"], live.asked) == (200, status.value, [])


async def test_what_stands_against_hanging_up(client: Any, store: Store, samples: Any, live: Any) -> None:
    call = await store.calls.insert(samples.call(client.customer_id))
    live.error = Unavailable("Asterisk is not there")
    answer = await client.post(f"/v1.0/calls/{call.id}/hangup")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert answer.json["error"]["reason"] == "SERVICE_UNAVAILABLE"
    live.error = LegGone("it left")
    await client.refused("POST", f"/v1.0/calls/{call.id}/hangup", 409, "STATE_INVALID")
