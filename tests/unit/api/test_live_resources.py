"""Calls out, call control, groupcalls, conferences and speakings: bodies in, orders out, errors that name the field."""

from dataclasses import replace
from typing import Any

import pytest

from app.domain.call import Address, AddressType, CallStatus, MuteDirection
from app.domain.conference import Conferencecall, ConferencecallStatus
from app.domain.customer import Customer, RingMethod
from app.domain.ids import ZERO_ID, new_id
from app.domain.recording import RecordingRequest
from app.domain.transcribe import ReferenceType
from app.errors import AlreadyExists
from app.store import Store

SOURCE = {"type": "tel", "target": "+15551234567"}
TARGET = {"type": "sip", "target": "sip:bob@127.0.0.1:5070"}
CONTROLS = ("hold", "moh", "silence", "mute")


async def stored_call(client: Any, store: Store, samples: Any, **fields: Any) -> Any:
    return await store.calls.insert(samples.call(client.customer_id, **fields))


async def test_a_call_is_ordered(client: Any, live: Any) -> None:
    body = {
        "source": SOURCE,
        "destinations": [TARGET, {"target": "+15559876543"}, {"type": "extension", "target_name": "2001"}],
        "actions": [{"type": "answer"}, {"type": "talk", "option": {"text": "hello"}}],
        "anonymous": "yes",
        "variables": {"name": "Ann", "voipbin.call.id": "mine"},
        "early_execution": True,
        "metadata": {"ignored": True},
    }
    answer = await client.post("/v1.0/calls", body)
    assert answer.status == 200, answer.json
    assert [len(answer.json[kind]) for kind in ("calls", "groupcalls")] == [2, 1]
    order = live.asked[0]["order"]
    assert order.source == Address(AddressType.TEL, "+15551234567")
    assert [each.type for each in order.destinations] == [AddressType.SIP, AddressType.TEL, AddressType.EXTENSION]
    assert order.destinations[0].target == "bob@127.0.0.1:5070"
    assert [action.type for action in order.actions] == ["answer", "talk"]
    assert (order.flow_id, order.anonymous, order.is_early) == (ZERO_ID, "yes", True)
    assert order.variables == {"name": "Ann"}
    assert order.owner_id == ZERO_ID


async def test_a_call_without_flow_and_actions_is_ordered(client: Any, live: Any) -> None:
    body = {"source": SOURCE, "destinations": [TARGET], "flow_id": "", "actions": None, "anonymous": ""}
    assert (await client.post("/v1.0/calls", body)).status == 200
    assert live.asked[0]["order"].actions == ()


@pytest.mark.parametrize(
    ("change", "reason", "field"),
    [
        ({"source": None}, "INVALID_ARGUMENT", "source"),
        ({"source": "alice"}, "INVALID_ARGUMENT", "source"),
        ({"source": {"type": "carrier pigeon", "target": "x"}}, "INVALID_ARGUMENT", "source.type"),
        ({"destinations": []}, "INVALID_ARGUMENT", "destinations"),
        ({"destinations": [TARGET] * 51}, "INVALID_ARGUMENT", "destinations"),
        ({"destinations": [TARGET, {"type": "tel", "target": "12"}]}, "INVALID_ARGUMENT", "destinations.1.target"),
        ({"flow_id": "x"}, "INVALID_ARGUMENT", "flow_id"),
        ({"flow_id": new_id()}, "INVALID_ARGUMENT", "flow_id"),
        ({"flow_id": 7}, "INVALID_ARGUMENT", "flow_id"),
        ({"actions": "answer"}, "INVALID_ARGUMENT", "actions"),
        ({"actions": [{"type": "fly"}]}, "INVALID_ACTION_TYPE", "actions.0.type"),
        ({"anonymous": "perhaps"}, "INVALID_ANONYMOUS_VALUE", "anonymous"),
        ({"anonymous": True}, "INVALID_ARGUMENT", "anonymous"),
        ({"variables": {"a": 1}}, "INVALID_VARIABLES", "variables"),
        ({"variables": {str(n): "" for n in range(101)}}, "INVALID_VARIABLES", "variables"),
        ({"variables": {"a": "x" * 32_769}}, "INVALID_VARIABLES", "variables"),
        ({"early_execution": "yes"}, "INVALID_ARGUMENT", "early_execution"),
    ],
)
async def test_a_wrong_order_names_its_field(client: Any, live: Any, change: Any, reason: str, field: str) -> None:
    body = {"source": SOURCE, "destinations": [TARGET], **change}
    error = await client.refused("POST", "/v1.0/calls", 400, reason, json=body)
    assert error["details"][0]["field"] == field
    assert live.asked == []


@pytest.mark.parametrize("control", CONTROLS)
async def test_controls_answer_with_an_empty_body(
    client: Any, live: Any, store: Store, samples: Any, control: str
) -> None:
    call = await stored_call(client, store, samples)
    for method, is_on in (("POST", True), ("DELETE", False)):
        answer = await client.ask(method, f"/v1.0/calls/{call.id}/{control}")
        assert (answer.status, answer.raw) == (200, b"")
        assert live.asked[-1]["is_on"] is is_on
        assert live.asked[-1]["call_id"] == call.id


async def test_mute_takes_a_direction_also_on_delete(client: Any, live: Any, store: Store, samples: Any) -> None:
    path = f"/v1.0/calls/{(await stored_call(client, store, samples)).id}/mute"
    asked = [
        ("POST", None),
        ("POST", {"direction": "in"}),
        ("DELETE", {"direction": "out"}),
        ("DELETE", {"direction": ""}),
    ]
    for method, body in asked:
        assert (await client.ask(method, path, **({} if body is None else {"json": body}))).status == 200
    directions = [MuteDirection.BOTH, MuteDirection.IN, MuteDirection.OUT, MuteDirection.BOTH]
    assert [each["direction"] for each in live.asked] == directions
    error = await client.refused("DELETE", path, 400, "INVALID_ARGUMENT", json={"direction": "up"})
    assert error["details"][0]["field"] == "direction"


@pytest.mark.parametrize("status", [CallStatus.TERMINATING, CallStatus.CANCELING, CallStatus.HANGUP])
async def test_an_ended_call_cannot_be_controlled(
    client: Any, live: Any, store: Store, samples: Any, status: CallStatus
) -> None:
    path = f"/v1.0/calls/{(await stored_call(client, store, samples, status=status)).id}"
    for control in CONTROLS:
        for method in ("POST", "DELETE"):
            await client.refused(method, f"{path}/{control}", 409, "CALL_ALREADY_HANGUP")
    for control in ("talk", "recording_start"):
        await client.refused("POST", f"{path}/{control}", 409, "CALL_ALREADY_HANGUP", json={"text": "x"})
    await client.refused("GET", f"{path}/media_stream", 409, "CALL_ALREADY_HANGUP")
    assert live.asked == []
    assert (await client.post(f"{path}/hangup")).json["status"] == status


async def test_a_deleted_call_is_told_as_such(client: Any, store: Store, samples: Any) -> None:
    call = await stored_call(client, store, samples)
    deleted = await client.delete(f"/v1.0/calls/{call.id}")
    assert deleted.json["tm_delete"]
    for method in ("GET", "DELETE"):
        await client.refused(method, f"/v1.0/calls/{call.id}", 409, "STATE_INVALID")
    await client.refused("POST", f"/v1.0/calls/{call.id}/hold", 409, "STATE_INVALID")


async def test_talk(client: Any, live: Any, store: Store, samples: Any) -> None:
    path = f"/v1.0/calls/{(await stored_call(client, store, samples)).id}/talk"
    answer = await client.post(path, {"text": "hello", "language": "en-us", "provider": "gcp", "voice_id": None})
    assert (answer.status, answer.raw) == (200, b"")
    assert (await client.post(path, {"text": "line\nline", "language": ""})).status == 200
    assert [each["language"] for each in live.asked] == ["en-US", "en-US"]
    wrong = [({}, "text"), ({"text": " "}, "text"), ({"text": "x" * 5001}, "text"), ({"text": "a\x07"}, "text")]
    for body, field in [*wrong, ({"text": "x", "language": "english please"}, "language")]:
        error = await client.refused("POST", path, 400, "INVALID_ARGUMENT", json=body)
        assert error["details"][0]["field"] == field


async def test_recording_of_a_call(client: Any, live: Any, store: Store, samples: Any) -> None:
    path = f"/v1.0/calls/{(await stored_call(client, store, samples)).id}"
    body = {"format": "wav", "end_of_silence": 5, "end_of_key": "#", "duration": 100_000, "on_end_flow_id": ""}
    started = await client.post(f"{path}/recording_start", body)
    assert started.json["recording_id"] in started.json["recording_ids"]
    assert live.asked[-1]["request"] == RecordingRequest("wav", 5, "#", 86_400)
    await client.refused("POST", f"{path}/recording_start", 409, "RECORDING_ALREADY_ACTIVE")
    assert (await client.post(f"{path}/recording_stop")).json["recording_id"] == ZERO_ID
    await client.refused("POST", f"{path}/recording_stop", 409, "RECORDING_NOT_ACTIVE")
    for field, value in [("format", "flac"), ("end_of_key", "##"), ("duration", -1), ("on_end_flow_id", new_id())]:
        error = await client.refused("POST", f"{path}/recording_start", 400, "INVALID_ARGUMENT", json={field: value})
        assert error["details"][0]["field"] == field


async def test_media_stream_is_served(client: Any, live: Any, store: Store, samples: Any) -> None:
    call = await stored_call(client, store, samples)
    assert (await client.get(f"/v1.0/calls/{call.id}/media_stream", encapsulation="rtp")).status == 200
    assert live.asked[-1] == {"reference_type": ReferenceType.CALL, "reference_id": call.id}
    error = await client.refused("GET", f"/v1.0/calls/{call.id}/media_stream", 400, "MISSING_REQUEST_PARAMETER")
    assert error["details"][0]["field"] == "encapsulation"


async def test_foreign_calls_are_refused(
    client: Any, live: Any, store: Store, samples: Any, stranger: Customer
) -> None:
    call = await store.calls.insert(samples.call(stranger.id))
    path = f"/v1.0/calls/{call.id}"
    await client.refused("DELETE", path, 403, "PERMISSION_DENIED")
    for control in (*CONTROLS, "talk", "recording_start", "recording_stop", "hangup"):
        await client.refused("POST", f"{path}/{control}", 403, "PERMISSION_DENIED", json={"text": "x"})
    await client.refused("GET", f"{path}/media_stream", 403, "PERMISSION_DENIED")
    body = {"reference_type": "call", "reference_id": call.id}
    await client.refused("POST", "/v1.0/speakings", 403, "PERMISSION_DENIED", json=body)
    assert live.asked == []


async def test_groupcalls(client: Any, live: Any) -> None:
    body = {
        "source": SOURCE,
        "destinations": [TARGET, SOURCE],
        "ring_method": "linear",
        "answer_method": "hangup_others",
    }
    made = await client.post("/v1.0/groupcalls", body)
    assert (made.status, made.json["ring_method"]) == (200, "linear")
    assert live.asked[0]["ring_method"] is RingMethod.LINEAR
    path = f"/v1.0/groupcalls/{made.json['id']}"
    assert (await client.get(path)).json == made.json
    assert [each["id"] for each in (await client.get("/v1.0/groupcalls")).json["result"]] == [made.json["id"]]
    assert (await client.post(f"{path}/hangup")).json["status"] == "hangup"
    assert (await client.post(f"{path}/hangup")).json["status"] == "hangup"
    assert live.did.count("groupcalls.hang_up") == 1
    assert (await client.delete(path)).json["tm_delete"]
    await client.refused("GET", path, 404, "GROUPCALL_NOT_FOUND")
    for field, value in [("ring_method", "round"), ("answer_method", "keep"), ("destinations", [])]:
        error = await client.refused("POST", "/v1.0/groupcalls", 400, "INVALID_ARGUMENT", json={**body, field: value})
        assert error["details"][0]["field"] == field


async def test_conferences(client: Any, live: Any) -> None:
    body = {
        "type": "conference",
        "name": "room",
        "timeout": 3600,
        "data": {"a": [1]},
        "pre_flow_id": "",
        "detail": None,
    }
    made = await client.post("/v1.0/conferences", body)
    assert (made.status, made.json["status"], made.json["data"]) == (200, "progressing", {"a": [1]})
    path = f"/v1.0/conferences/{made.json['id']}"
    assert (await client.get(path)).json == made.json
    changed = (await client.put(path, {"name": "hall"})).json
    assert (changed["name"], changed["timeout"], changed["data"]) == ("hall", 3600, {"a": [1]})
    first = (await client.post(f"{path}/direct-hash-regenerate")).json["direct_hash"]
    assert first
    assert (await client.post(f"{path}/direct-hash-regenerate")).json["direct_hash"] != first
    assert (await client.post(f"{path}/recording_start", {"duration": 10})).json["recording_id"] != ZERO_ID
    assert (await client.post(f"{path}/recording_stop")).json["recording_id"] == ZERO_ID
    assert (await client.post(f"{path}/transcribe_start", {"language": "en-us"})).json["transcribe_id"] != ZERO_ID
    assert live.asked[-1]["language"] == "en-US"
    assert (await client.post(f"{path}/transcribe_stop")).json["transcribe_id"] == ZERO_ID
    error = await client.refused("POST", f"{path}/transcribe_start", 400, "INVALID_ARGUMENT", json={})
    assert error["details"][0]["field"] == "language"
    assert (await client.get(f"{path}/media_stream", encapsulation="sln")).status == 200
    assert live.asked[-1]["reference_type"] is ReferenceType.CONFBRIDGE
    assert (await client.delete(path)).json["status"] == "terminated"
    await client.refused("GET", path, 404, "CONFERENCE_NOT_FOUND")
    await client.refused("POST", f"{path}/recording_start", 404, "CONFERENCE_NOT_FOUND")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("type", "party"),
        ("name", 3),
        ("name", "x" * 256),
        ("timeout", -1),
        ("timeout", "60"),
        ("data", []),
        ("data", {"a": "x" * 32_769}),
        ("pre_flow_id", new_id()),
        ("post_flow_id", "x"),
        ("id", "x"),
    ],
)
async def test_a_wrong_conference_names_its_field(client: Any, field: str, value: Any) -> None:
    error = await client.refused("POST", "/v1.0/conferences", 400, "INVALID_ARGUMENT", json={field: value})
    assert error["details"][0]["field"] == field


async def test_conferencecalls(client: Any, live: Any, store: Store, samples: Any) -> None:
    conference_id = (await client.post("/v1.0/conferences", {})).json["id"]
    stays = []
    for _ in range(2):
        moment = samples.moment()
        stay = Conferencecall(
            new_id(), client.customer_id, conference_id, new_id(), ConferencecallStatus.JOINED, moment, moment
        )
        stays.append(await store.conferencecalls.insert(stay))
    other = await store.conferencecalls.insert(
        replace(stays[0], id=new_id(), conference_id=(await client.post("/v1.0/conferences", {})).json["id"])
    )
    listed = (await client.get("/v1.0/conferencecalls")).json["result"]
    assert {each["id"] for each in listed} == {stays[0].id, stays[1].id, other.id}
    listed = (await client.get("/v1.0/conferencecalls", conference_id=conference_id)).json["result"]
    assert [each["id"] for each in listed] == [stays[1].id, stays[0].id]
    assert (await client.get(f"/v1.0/conferencecalls/{other.id}")).json["id"] == other.id
    assert (await client.delete(f"/v1.0/conferencecalls/{other.id}")).json["status"] == "leaving"
    await client.refused("GET", f"/v1.0/conferencecalls/{new_id()}", 404, "CONFERENCECALL_NOT_FOUND")


async def test_speakings(client: Any, live: Any, store: Store, samples: Any) -> None:
    call = await stored_call(client, store, samples)
    body = {"reference_type": "call", "reference_id": call.id, "language": "en-US", "direction": "out"}
    made = await client.post("/v1.0/speakings", body)
    assert (made.status, made.json["status"], made.json["reference_id"]) == (201, "active", call.id)
    path = f"/v1.0/speakings/{made.json['id']}"
    assert (await client.get(path)).json == made.json
    assert [each["id"] for each in (await client.get("/v1.0/speakings")).json["result"]] == [made.json["id"]]
    assert (await client.post(f"{path}/say", {"text": "hello"})).json["id"] == made.json["id"]
    assert (await client.post(f"{path}/flush")).status == 200
    assert (await client.post(f"{path}/stop")).json["status"] == "stopped"
    assert (await client.delete(path)).json["tm_delete"] < "9999"
    await client.refused("GET", path, 404, "RESOURCE_NOT_FOUND")
    for field, value in [
        ("reference_type", "conference"),
        ("reference_id", "x"),
        ("language", "??"),
        ("direction", "in"),
    ]:
        error = await client.refused("POST", "/v1.0/speakings", 400, "INVALID_ARGUMENT", json={**body, field: value})
        assert error["details"][0]["field"] == field
    error = await client.refused("POST", f"{path}/say", 400, "INVALID_ARGUMENT", json={"text": ""})
    assert error["details"][0]["field"] == "text"


async def test_a_second_speaking_is_told_in_words_that_voipbins_client_knows(
    client: Any, live: Any, store: Store, samples: Any
) -> None:
    call = await stored_call(client, store, samples)
    live.error = AlreadyExists(f"the call {call.id} already has an active speaking; stop that one first")
    body = {"reference_type": "call", "reference_id": call.id}
    error = await client.refused("POST", "/v1.0/speakings", 409, "ALREADY_EXISTS", json=body)
    assert "already" in error["message"]
