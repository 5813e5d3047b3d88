"""`/v1.0/flows` and `/v1.0/activeflows` over the real flow folder."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app import actions
from app.api import flows as flows_module
from app.application.api_flows import TEMPORARY_LIFE, ApiFlows
from app.domain.events import Event
from app.domain.flow import Action, StoredFlow
from app.domain.ids import ZERO_ID, new_id
from app.domain.timestamps import now
from app.flow.action_registry import load_actions
from app.flow.flow_ids import to_flow_id
from app.flow.library import FlowLibrary
from app.store import Store
from app.wire.event import event_json

TALK = {"type": "talk", "option": {"text": "hello", "language": "en-US"}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "flows"
    made.mkdir()
    for name, number in (("alpha", "7001"), ("beta", "7002")):
        flow = {"name": f"the {name}", "numbers": [number], "language": "en-US", "actions": [{"type": "answer"}]}
        (made / f"{name}.json").write_text(json.dumps(flow))
    return made


@pytest.fixture
async def library(folder: Path) -> FlowLibrary:
    made = FlowLibrary(folder, load_actions(actions))
    await made.load()
    return made


@pytest.fixture
def api_flows(library: FlowLibrary, store: Store, journal: Any, credentials: Any) -> ApiFlows:
    return ApiFlows(library, load_actions(actions), store, journal, credentials.customer_id)


@pytest.fixture
async def client(open_client: Any, api_flows: ApiFlows) -> AsyncIterator[Any]:
    async with open_client(flows=api_flows) as opened:
        yield opened


async def make_flow(client: Any, **fields: Any) -> dict[str, Any]:
    answer = await client.post("/v1.0/flows", {"name": "mine", "actions": [TALK]} | fields)
    assert answer.status == 200, answer.json
    body: dict[str, Any] = answer.json
    return body


async def test_a_flow_lives(client: Any, told: list[Event]) -> None:
    made = await make_flow(client, detail="what\nfor", on_complete_flow_id="")
    assert made["type"] == "flow"
    assert made["actions"][0]["option"] == TALK["option"]
    assert len(made["direct_hash"]) == 32
    assert (await client.get(f"/v1.0/flows/{made['id']}")).json | {"warnings": []} == made
    changed = (await client.put(f"/v1.0/flows/{made['id']}", {"name": "other"})).json
    assert (changed["name"], changed["detail"], changed["actions"]) == ("other", "what\nfor", made["actions"])
    rehashed = (await client.post(f"/v1.0/flows/{made['id']}/direct-hash-regenerate")).json
    assert rehashed["direct_hash"] != made["direct_hash"]
    deleted = (await client.delete(f"/v1.0/flows/{made['id']}")).json
    assert not deleted["tm_delete"].startswith("9999")
    for method in ("GET", "DELETE"):
        await client.refused(method, f"/v1.0/flows/{made['id']}", 404, "FLOW_NOT_FOUND")
    await client.refused("PUT", f"/v1.0/flows/{made['id']}", 404, "FLOW_NOT_FOUND", json={})
    assert [event.type.value for event in told] == ["flow_created", "flow_updated", "flow_updated", "flow_deleted"]


async def test_an_answer_can_be_sent_back(client: Any) -> None:
    made = await make_flow(
        client,
        actions=[
            {"id": "menu", **TALK},
            {"type": "goto", "option": {"target_id": "menu", "loop_count": 2}},
        ],
    )
    again = await client.put(f"/v1.0/flows/{made['id']}", {"actions": made["actions"]})
    assert again.status == 200, again.json
    assert again.json["actions"] == made["actions"]


async def test_files_are_listed_in_exact_pages(client: Any) -> None:
    made = [(await make_flow(client, name=f"flow {index}"))["id"] for index in range(3)]
    seen: list[str] = []
    token = ""
    while True:
        answer = (await client.get("/v1.0/flows", page_size="2", page_token=token)).json
        if not answer["result"]:
            break
        seen += [flow["id"] for flow in answer["result"]]
        token = answer["next_page_token"]
    assert sorted(seen) == sorted([*made, to_flow_id("alpha"), to_flow_id("beta")])
    assert len(seen) == 5


async def test_a_file_is_shown_but_not_changed(client: Any) -> None:
    path = f"/v1.0/flows/{to_flow_id('alpha')}"
    shown = (await client.get(path)).json
    assert (shown["name"], shown["customer_id"]) == ("the alpha", client.customer_id)
    for method, where in (("PUT", path), ("DELETE", path), ("POST", f"{path}/direct-hash-regenerate")):
        error = await client.refused(method, where, 409, "STATE_INVALID", json={})
        assert "alpha.json" in error["message"]


async def test_a_foreign_flow_is_denied(client: Any, store: Store, samples: Any) -> None:
    stranger = await store.customers.insert(samples.customer())
    moment = now()
    theirs = await store.flows.insert(StoredFlow(new_id(), stranger.id, "", (), moment, moment))
    for method in ("GET", "PUT", "DELETE"):
        await client.refused(method, f"/v1.0/flows/{theirs.id}", 403, "PERMISSION_DENIED", json={})
    error = await client.refused(
        "POST", "/v1.0/flows", 400, "INVALID_ARGUMENT", json={"actions": [], "on_complete_flow_id": theirs.id}
    )
    assert error["details"] == [{"field": "on_complete_flow_id"}]
    await client.refused("GET", f"/v1.0/flows/{new_id()}", 404, "FLOW_NOT_FOUND")
    await client.refused("GET", "/v1.0/flows/what", 400, "INVALID_ID")


async def test_all_findings_are_told_at_once(client: Any) -> None:
    talk = {"type": "talk", "option": {"text": "${who}", "language": "en-US"}}
    body = {"actions": [{"type": "talk", "option": {"text": 5}}, {"type": "beep", "next_id": "x"}, talk]}
    made = await make_flow(client)
    for method, path in (("POST", "/v1.0/flows"), ("PUT", f"/v1.0/flows/{made['id']}")):
        error = await client.refused(method, path, 400, "INVALID_ARGUMENT", json=body)
        assert error["message"].startswith("actions.0.option.text: found 5, expected")
        told = [(each["field"], each["path"], each["severity"]) for each in error["details"]]
        assert told == [
            ("actions.0.option.text", "$.actions[0].option.text", "error"),
            ("actions.0.option.language", "$.actions[0].option.language", "error"),
            ("actions.1.next_id", "$.actions[1].next_id", "error"),
            ("actions.2.option.text", "$.actions[2].option.text", "warning"),
        ]
        assert all(each["message"].startswith("found ") for each in error["details"])


@pytest.mark.parametrize("path", ["/v1.0/calls", "/v1.0/groupcalls", "/v1.0/activeflows"])
async def test_actions_in_line_are_checked_in_the_same_way(client: Any, path: str) -> None:
    nested = {"destinations": [{"target": "+821000000001"}], "actions": [{"type": "talk", "option": {}}]}
    body = {
        "source": {"type": "tel", "target": "+821000000001"},
        "destinations": [{"type": "tel", "target": "+821000000002"}],
        "actions": [{"type": "call", "option": nested}, {"type": "goto", "option": {"target_id": "x"}}],
    }
    error = await client.refused("POST", path, 400, "INVALID_ARGUMENT", json=body)
    assert [(each["path"], each["severity"]) for each in error["details"]] == [
        ("$.actions[0].option.actions[0].option.text", "error"),
        ("$.actions[0].option.actions[0].option.language", "error"),
        ("$.actions[1].option.target_id", "error"),
    ]


async def test_warnings_refuse_nothing_and_are_told(client: Any, told: list[Event]) -> None:
    talk = {"type": "talk", "option": {"text": "${who}", "language": "en-US"}}
    loop = [{"id": "a", **talk}, {"type": "beep", "next_id": "a"}, {"type": "stop"}]
    made = await make_flow(client, actions=loop)
    assert len(made["actions"]) == 3
    places = [(each["field"], each["path"], each["severity"]) for each in made["warnings"]]
    assert places == [
        ("actions.0.option.text", "$.actions[0].option.text", "warning"),
        ("actions.1.next_id", "$.actions[1].next_id", "warning"),
        ("actions.2", "$.actions[2]", "warning"),
    ]
    assert "to which nothing leads" in made["warnings"][2]["message"]
    path = f"/v1.0/flows/{made['id']}"
    assert (await client.put(path, {"actions": loop})).json["warnings"] == made["warnings"]
    assert (await client.put(path, {"name": "other"})).json["warnings"] == [], "no actions were sent"
    assert (await client.put(path, {"actions": [TALK]})).json["warnings"] == []
    shown = (await client.get(path)).json
    assert "warnings" not in shown, "they are about what was sent"
    assert (await client.put(path, shown | {"warnings": made["warnings"]})).status == 200, "answers can be sent back"
    assert all("warnings" not in event_json(event)["data"] for event in told)


@pytest.mark.parametrize(
    ("body", "reason", "field"),
    [
        ({}, "INVALID_ARGUMENT", "actions"),
        ({"actions": None}, "INVALID_ARGUMENT", "actions"),
        ({"actions": {}}, "INVALID_ARGUMENT", "actions"),
        ({"actions": [{}]}, "INVALID_ACTION_TYPE", "actions.0.type"),
        ({"actions": [TALK, {"type": "dance"}]}, "INVALID_ACTION_TYPE", "actions.1.type"),
        ({"actions": [{"type": "talk", "option": {"text": "x"}}]}, "INVALID_ARGUMENT", "actions.0.option.language"),
        ({"actions": [{"type": "answer", "option": {"a": "\0"}}]}, "INVALID_ARGUMENT", "actions.0.option.a"),
        ({"actions": [], "name": "a\nb"}, "INVALID_ARGUMENT", "name"),
        ({"actions": [], "name": "a" * 256}, "INVALID_ARGUMENT", "name"),
        ({"actions": [], "detail": 7}, "INVALID_ARGUMENT", "detail"),
        ({"actions": [], "on_complete_flow_id": "x"}, "INVALID_ARGUMENT", "on_complete_flow_id"),
        ({"actions": [], "on_complete_flow_id": new_id()}, "INVALID_ARGUMENT", "on_complete_flow_id"),
    ],
)
async def test_a_wrong_flow_is_refused(client: Any, body: Any, reason: str, field: str) -> None:
    error = await client.refused("POST", "/v1.0/flows", 400, reason, json=body)
    assert error["details"][0]["field"] == field


async def test_there_is_an_end_of_flows(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flows_module, "MAX_FLOWS", 1)
    await make_flow(client)
    error = await client.refused("POST", "/v1.0/flows", 409, "STATE_INVALID", json={"actions": []})
    assert "1 flows" in error["message"]


async def test_temporary_flows(client: Any, api_flows: ApiFlows, store: Store, told: list[Event]) -> None:
    flow = await api_flows.store_temporary(client.customer_id, [Action(new_id(), "answer")])
    assert await api_flows.find(client.customer_id, flow.id) == flow
    assert await api_flows.find(new_id(), flow.id) is None
    assert flow.id not in [each["id"] for each in (await client.get("/v1.0/flows")).json["result"]]
    assert (await client.get(f"/v1.0/flows/{flow.id}")).status == 200
    await client.refused("DELETE", f"/v1.0/flows/{flow.id}", 409, "STATE_INVALID")
    await client.refused(
        "POST", "/v1.0/flows", 400, "INVALID_ARGUMENT", json={"actions": [], "on_complete_flow_id": flow.id}
    )
    moment = now() - TEMPORARY_LIFE - timedelta(minutes=1)
    old = StoredFlow(new_id(), client.customer_id, "", (), moment, moment, is_temporary=True)
    kept = replace(old, id=new_id(), is_temporary=False, tm_create=moment - timedelta(hours=1))
    await store.flows.insert(old)
    await store.flows.insert(kept)
    assert await api_flows.prune() == 1
    assert await store.flows.get_by_id(old.id) is None
    assert await store.flows.get_by_id(kept.id) is not None
    assert told == []


async def test_the_folder_is_the_first_customers(api_flows: ApiFlows, client: Any) -> None:
    assert api_flows.files(new_id()) == ()
    assert await api_flows.find(new_id(), to_flow_id("alpha")) is None
    assert await api_flows.find(client.customer_id, to_flow_id("alpha")) is not None
    found = api_flows.find_number("7002")
    assert found is not None
    assert api_flows.name_of_file(found.id) == "beta.json"
    assert api_flows.find_number("*") is None


async def test_an_activeflow_lives(client: Any, live: Any, told: list[Event]) -> None:
    body = {
        "id": new_id(),
        "actions": [{"type": "variable_set", "option": {"key": "a", "value": "b"}}],
        "variables": {"name": "value", "voipbin.call.id": "mine"},
        "webhook_uri": "https://hooks.example.com/a",
        "webhook_method": "POST",
    }
    answer = await client.post("/v1.0/activeflows", body)
    assert answer.status == 200, answer.json
    made = answer.json
    assert (made["id"], made["status"], made["reference_type"]) == (body["id"], "running", "api")
    asked = live.asked[-1]
    assert asked["variables"] == {"name": "value"}
    assert [action.type for action in asked["actions"]] == ["variable_set"]
    assert (asked["webhook_uri"], asked["webhook_method"]) == ("https://hooks.example.com/a", "POST")
    await client.refused("POST", "/v1.0/activeflows", 409, "STATE_INVALID", json=body)
    path = f"/v1.0/activeflows/{made['id']}"
    assert (await client.get("/v1.0/activeflows")).json["result"][0]["id"] == made["id"]
    for _ in range(2):
        assert (await client.post(f"{path}/stop")).json["status"] == "ended"
    deleted = (await client.delete(path)).json
    assert deleted["status"] == "ended"
    assert not deleted["tm_delete"].startswith("9999")
    await client.refused("GET", path, 404, "ACTIVEFLOW_NOT_FOUND")
    await client.refused("POST", f"{path}/stop", 404, "ACTIVEFLOW_NOT_FOUND")
    assert told[-1].type.value == "activeflow_deleted"


async def test_a_flow_counts_before_actions(client: Any, live: Any) -> None:
    body = {"flow_id": to_flow_id("alpha"), "actions": [{"type": "nonsense"}]}
    assert (await client.post("/v1.0/activeflows", body)).status == 200
    assert (live.asked[-1]["flow_id"], live.asked[-1]["actions"]) == (to_flow_id("alpha"), ())


@pytest.mark.parametrize(
    ("body", "reason", "field"),
    [
        ({}, "INVALID_ARGUMENT", "flow_id"),
        ({"flow_id": new_id()}, "INVALID_ARGUMENT", "flow_id"),
        ({"flow_id": 5}, "INVALID_ARGUMENT", "flow_id"),
        ({"id": "x", "actions": []}, "INVALID_ARGUMENT", "id"),
        ({"actions": [{"type": "x"}]}, "INVALID_ACTION_TYPE", "actions.0.type"),
        ({"actions": [], "variables": []}, "INVALID_VARIABLES", "variables"),
        ({"actions": [], "variables": {"a": 1}}, "INVALID_VARIABLES", "variables"),
        ({"actions": [], "variables": {"": "a"}}, "INVALID_VARIABLES", "variables"),
        ({"actions": [], "variables": {str(n): "" for n in range(101)}}, "INVALID_VARIABLES", "variables"),
        ({"actions": [], "variables": {"a": "é" * 16385}}, "INVALID_VARIABLES", "variables"),
        ({"actions": [], "variables": dict.fromkeys("abc", "a" * 30000)}, "INVALID_VARIABLES", "variables"),
        ({"actions": [], "webhook_uri": "ftp://x"}, "INVALID_WEBHOOK_URI", "webhook_uri"),
        ({"actions": [], "webhook_method": "FETCH"}, "INVALID_WEBHOOK_METHOD", "webhook_method"),
    ],
)
async def test_a_wrong_activeflow_is_refused(client: Any, body: Any, reason: str, field: str) -> None:
    error = await client.refused("POST", "/v1.0/activeflows", 400, reason, json=body)
    assert error["details"][0]["field"] == field


async def test_a_foreign_activeflow_is_denied(client: Any, store: Store, samples: Any) -> None:
    stranger = await store.customers.insert(samples.customer())
    theirs = await store.activeflows.insert(samples.activeflow(stranger.id, flow_id=ZERO_ID))
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/stop")):
        await client.refused(method, f"/v1.0/activeflows/{theirs.id}{path}", 403, "PERMISSION_DENIED")
