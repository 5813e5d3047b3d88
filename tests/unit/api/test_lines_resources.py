"""`/v1.0/numbers`, `/available_numbers`, `/extensions`, `/trunks` and `/outbound_config`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from app.domain.events import Event
from app.domain.flow import Flow, StoredFlow
from app.domain.ids import ZERO_ID, new_id
from app.domain.line import Extension, Number, NumberType, Trunk, TrunkAuth
from app.domain.timestamps import now
from app.store import Store

OTHER = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
async def stranger_id(store: Store, samples: Any) -> str:
    return (await store.customers.insert(samples.customer(id=OTHER))).id


async def make(client: Any, path: str, **fields: Any) -> dict[str, Any]:
    answer = await client.post(f"/v1.0/{path}", fields)
    assert answer.status == 200, answer.json
    body: dict[str, Any] = answer.json
    return body


async def store_flow(store: Store, customer_id: str) -> str:
    moment = now()
    return (await store.flows.insert(StoredFlow(new_id(), customer_id, "", (), moment, moment))).id


def names(told: list[Event]) -> list[str]:
    return [event.type.value for event in told]


async def test_a_number_lives(client: Any, store: Store, told: list[Event]) -> None:
    flow_id = await store_flow(store, client.customer_id)
    made = await make(client, "numbers", number="+15551234567", name="office", call_flow_id=flow_id)
    assert (made["type"], made["status"], made["call_flow_id"]) == ("normal", "active", flow_id)
    assert made["tm_purchase"] == made["tm_renew"] == made["tm_create"]
    path = f"/v1.0/numbers/{made['id']}"
    assert (await client.get(path)).json == made
    assert (await client.get("/v1.0/numbers")).json["result"] == [made]
    changed = (await client.put(path, {"detail": "d", "number": "+1"})).json
    assert (changed["name"], changed["detail"], changed["number"]) == ("office", "d", "+15551234567")
    flows = (await client.put(f"{path}/flow_ids", {"call_flow_id": "", "message_flow_id": flow_id})).json
    assert (flows["call_flow_id"], flows["message_flow_id"]) == (ZERO_ID, flow_id)
    assert (await client.put(f"{path}/metadata", {"rtp_debug": True})).json["metadata"] == {"rtp_debug": True}
    assert (await client.put(f"{path}/metadata", {})).json["metadata"] == {"rtp_debug": True}
    deleted = (await client.delete(path)).json
    assert deleted["status"] == "deleted"
    for method, where in (("GET", path), ("DELETE", path), ("PUT", f"{path}/flow_ids")):
        await client.refused(method, where, 404, "NUMBER_NOT_FOUND", json={})
    assert (await make(client, "numbers", number="+15551234567"))["id"] != made["id"]
    assert names(told) == ["number_created", *["number_updated"] * 4, "number_deleted", "number_created"]


@pytest.mark.parametrize(
    ("number", "type_"),
    [("+8991234567", None), ("+899001234567", "virtual"), ("7001", "normal"), ("alice", "normal"), ("*98", "normal")],
)
async def test_the_type_is_told_by_the_number(client: Any, number: str, type_: str | None) -> None:
    if type_ is None:
        await client.refused("POST", "/v1.0/numbers", 400, "INVALID_ARGUMENT", json={"number": number})
    else:
        assert (await make(client, "numbers", number=number, type=type_))["type"] == type_


@pytest.mark.parametrize(
    ("body", "field"),
    [
        *[
            ({"number": number}, "number")
            for number in (
                "",
                "+123",
                "+1234567890123456",
                "+899000123456",
                "a b",
                "a,b",
                "a&b",
                "*",
                "direct.x",
                "a@b",
            )
        ],
        ({"number": "7" * 65}, "number"),
        ({"number": 7001}, "number"),
        ({}, "number"),
        ({"number": "+15551234567", "type": "virtual"}, "type"),
        ({"number": "+15551234567", "type": "toll_free"}, "type"),
        ({"number": "7001", "call_flow_id": new_id()}, "call_flow_id"),
        ({"number": "7001", "message_flow_id": "x"}, "message_flow_id"),
        ({"number": "7001", "name": "a\u0007"}, "name"),
    ],
)
async def test_a_wrong_number_is_refused(client: Any, body: Any, field: str) -> None:
    error = await client.refused("POST", "/v1.0/numbers", 400, "INVALID_ARGUMENT", json=body)
    assert error["details"] == [{"field": field}]


async def test_a_number_is_taken_once(client: Any, store: Store, live: Any, stranger_id: str) -> None:
    live.file_flows = (Flow(new_id(), "demo", "demo", (), numbers=("7001",)),)
    mine = await make(client, "numbers", number="7002")
    extension = await make(client, "extensions", extension="2001")
    moment = now()
    await store.numbers.insert(Number(new_id(), stranger_id, "7003", NumberType.NORMAL, moment, moment))
    for number, told in (("7001", "demo.json"), ("7002", mine["id"]), ("2001", extension["id"]), ("7003", "another")):
        error = await client.refused("POST", "/v1.0/numbers", 409, "ALREADY_EXISTS", json={"number": number})
        assert told in error["message"]
        assert error["details"] == [{"field": "number"}]


async def test_foreign_lines_are_denied(client: Any, store: Store, stranger_id: str) -> None:
    moment = now()
    number = await store.numbers.insert(Number(new_id(), stranger_id, "7003", NumberType.NORMAL, moment, moment))
    phone = await store.extensions.insert(Extension(new_id(), stranger_id, "1", "1", "p", "d", moment, moment))
    trunk = await store.trunks.insert(Trunk(new_id(), stranger_id, "", "theirs", moment, moment))
    for path in (f"numbers/{number.id}", f"extensions/{phone.id}", f"trunks/{trunk.id}"):
        for method in ("GET", "PUT", "DELETE"):
            await client.refused(method, f"/v1.0/{path}", 403, "PERMISSION_DENIED", json={})
    error = await client.refused(
        "PUT",
        "/v1.0/outbound_config",
        400,
        "INVALID_ARGUMENT",
        json={"default_outgoing_source_number_id": number.id},
    )
    assert error["details"] == [{"field": "default_outgoing_source_number_id"}]


async def test_renewing(client: Any, told: list[Event]) -> None:
    made = [await make(client, "numbers", number=f"70{index:02d}") for index in range(3)]
    renewed = (await client.post("/v1.0/numbers/renew")).json
    assert {number["id"] for number in renewed["result"]} == {number["id"] for number in made}
    assert all(number["tm_renew"] > number["tm_create"] for number in renewed["result"])
    two = (await client.post("/v1.0/numbers/renew", {"numbers": ["7000", made[1]["id"], "7000"]})).json["result"]
    assert [number["number"] for number in two] == ["7000", "7001"]
    error = await client.refused(
        "POST", "/v1.0/numbers/renew", 400, "INVALID_ARGUMENT", json={"numbers": ["7000", "9999"]}
    )
    assert error["details"] == [{"field": "numbers.1"}]
    assert names(told) == ["number_created"] * 3 + ["number_updated"] * 5


async def test_available_numbers_can_be_taken(client: Any) -> None:
    found = (await client.get("/v1.0/available_numbers", page_size="3", country_code="us", type="virtual")).json
    assert len({number["number"] for number in found["result"]}) == 3
    for number in found["result"]:
        assert (await make(client, "numbers", number=number["number"]))["type"] == "virtual"
    assert (await client.get("/v1.0/available_numbers", type="normal")).json["result"] == []
    assert len((await client.get("/v1.0/available_numbers")).json["result"]) == 100
    for query in ("type=mobile", "country_code=usa", "page_size=x"):
        await client.refused("GET", f"/v1.0/available_numbers?{query}", 400, "INVALID_REQUEST_PARAMETER")


async def test_an_extension_lives(client: Any, live: Any, told: list[Event]) -> None:
    made = await make(client, "extensions", extension="2001", name="desk", password=None)
    assert made["username"] == "2001"
    assert len(made["password"]) == 20
    assert made["domain_name"] == f"{client.customer_id}.registrar.127.0.0.1"
    path = f"/v1.0/extensions/{made['id']}"
    assert (await client.get(path)).json == made
    assert (await client.put(path, {"name": "x", "password": ""})).json["password"] == made["password"]
    changed = (await client.put(path, {"password": "new pass 'word'", "extension": "2001"})).json
    assert (changed["name"], changed["password"]) == ("x", "new pass 'word'")
    error = await client.refused("PUT", path, 400, "INVALID_ARGUMENT", json={"extension": "2002"})
    assert error["details"] == [{"field": "extension"}]
    assert (await client.post(f"{path}/direct-hash-regenerate")).json["direct_hash"] != made["direct_hash"]
    await client.refused("POST", "/v1.0/extensions", 409, "ALREADY_EXISTS", json={"extension": "2001"})
    assert live.synced == 4
    assert not (await client.delete(path)).json["tm_delete"].startswith("9999")
    await client.refused("GET", path, 404, "EXTENSION_NOT_FOUND")
    assert (await client.get("/v1.0/extensions")).json["result"] == []
    assert (await make(client, "extensions", extension="2001", password="x" * 8))["username"] == "2001"
    assert live.synced == 6
    events = ["extension_created", *["extension_updated"] * 3, "extension_deleted", "extension_created"]
    assert names(told) == events


async def test_a_user_name_exists_once(client: Any, store: Store, stranger_id: str) -> None:
    moment = now()
    for username in ("2001", f"2002.{client.customer_id[:8]}", "2002"):
        theirs = Extension(new_id(), stranger_id, username, username, "p", "d", moment, moment)
        await store.extensions.insert(theirs)
    trunk = Trunk(new_id(), stranger_id, "", "pbx", moment, moment, username="2003")
    await store.trunks.insert(trunk)
    for extension, username in (
        ("2001", f"2001.{client.customer_id[:8]}"),
        ("2002", f"2002.{client.customer_id}"),
        ("2003", f"2003.{client.customer_id[:8]}"),
    ):
        assert (await make(client, "extensions", extension=extension))["username"] == username


async def test_an_extension_is_no_number(client: Any, live: Any) -> None:
    live.file_flows = (Flow(new_id(), "demo", "demo", (), numbers=("7001",)),)
    await make(client, "numbers", number="7002")
    for extension in ("7001", "7002"):
        error = await client.refused("POST", "/v1.0/extensions", 409, "ALREADY_EXISTS", json={"extension": extension})
        assert error["details"] == [{"field": "extension"}]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "extension"),
        *[({"extension": text}, "extension") for text in ("", "a" * 33, "a b", "a@b", "+1", "-a", "a/b", 5)],
        *[({"extension": text}, "extension") for text in ("direct.x", "trunk-1", "Anonymous", "outgoing")],
        *[
            ({"extension": "2001", "password": text}, "password")
            for text in (
                "1234567",
                "x" * 129,
                'with"quote',
                "back\\slash",
                "ümlauts!",
                " leading",
                "new\nline",
                12345678,
            )
        ],
        ({"extension": "2001", "name": "x" * 256}, "name"),
    ],
)
async def test_a_wrong_extension_is_refused(client: Any, live: Any, body: Any, field: str) -> None:
    error = await client.refused("POST", "/v1.0/extensions", 400, "INVALID_ARGUMENT", json=body)
    assert error["details"] == [{"field": field}]
    assert live.synced == 0


async def test_a_trunk_lives(client: Any, live: Any, told: list[Event]) -> None:
    made = await make(
        client,
        "trunks",
        name="provider",
        domain_name="my-trunk.x",
        auth_types=["basic", "ip"],
        username="user",
        password="secret",
        allowed_ips=["192.0.2.1", "198.51.100.0/24", "192.0.2.1/32", "2001:DB8::1"],
        hostname="sip.example.com:5060",
        transport="tcp",
        register=True,
        priority=3,
    )
    assert made["allowed_ips"] == ["192.0.2.1", "198.51.100.0/24", "2001:db8::1"]
    assert (made["register"], made["transport"], made["priority"]) == (True, "tcp", 3)
    path = f"/v1.0/trunks/{made['id']}"
    assert (await client.get(path)).json == made
    error = await client.refused("PUT", path, 400, "INVALID_ARGUMENT", json={"username": ""})
    assert error["details"] == [{"field": "username"}]
    changed = (await client.put(path, {"auth_types": ["ip"], "register": False, "password": None})).json
    assert (changed["auth_types"], changed["register"], changed["password"]) == (["ip"], False, "secret")
    assert (await client.post(f"{path}/direct-hash-regenerate")).json["direct_hash"] != made["direct_hash"]
    await client.refused("POST", "/v1.0/trunks", 409, "ALREADY_EXISTS", json={"domain_name": "MY-trunk.x"})
    assert live.synced == 3
    await client.delete(path)
    await client.refused("GET", path, 404, "TRUNK_NOT_FOUND")
    assert live.synced == 4
    assert names(told) == ["trunk_created", "trunk_updated", "trunk_updated", "trunk_deleted"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"domain_name": None}, "domain_name"),
        *[({"domain_name": text}, "domain_name") for text in ("a", "1abc", "a" * 32, "a_b", "a b", 5)],
        ({"auth_types": ["digest"]}, "auth_types.0"),
        ({"auth_types": "basic"}, "auth_types"),
        ({"auth_types": ["basic"], "password": "x"}, "username"),
        ({"auth_types": ["basic"], "username": "x"}, "password"),
        ({"auth_types": ["ip"]}, "allowed_ips"),
        ({"register": True, "username": "x", "password": "y"}, "hostname"),
        ({"register": True, "hostname": "h", "password": "y"}, "username"),
        ({"register": True, "hostname": "h", "username": "x"}, "password"),
        ({"register": "yes"}, "register"),
        ({"transport": "tls"}, "transport"),
        ({"priority": -1}, "priority"),
        ({"priority": 1.5}, "priority"),
        *[({"hostname": text}, "hostname") for text in ("a b", "a:0", "a:x", "sip:a", "a;lr", "a,b", "1.2.3", "a/b")],
        *[
            ({"allowed_ips": ["192.0.2.1", text]}, "allowed_ips.1")
            for text in ("x", "192.0.2.1/24", "0.0.0.0/0", "::/0", "fe80::1%eth0", "")
        ],
        ({"username": "a@b"}, "username"),
        ({"password": 'a"b'}, "password"),
    ],
)
async def test_a_wrong_trunk_is_refused(client: Any, live: Any, body: Any, field: str) -> None:
    sent = {"domain_name": "pbx"} | body
    error = await client.refused("POST", "/v1.0/trunks", 400, "INVALID_ARGUMENT", json=sent)
    assert error["details"] == [{"field": field}]
    assert live.synced == 0


async def test_a_call_is_of_one_trunk(client: Any, store: Store, stranger_id: str) -> None:
    moment = now()
    theirs = Trunk(
        id=new_id(),
        customer_id=stranger_id,
        name="",
        domain_name="theirs",
        tm_create=moment,
        tm_update=moment,
        auth_types=(TrunkAuth.IP,),
        allowed_ips=("192.0.2.0/24",),
        username="them",
    )
    await store.trunks.insert(theirs)
    await make(client, "extensions", extension="2001")
    for sent, field in (
        ({"auth_types": ["ip"], "allowed_ips": ["2001:db8::1", "192.0.2.7"]}, "allowed_ips"),
        ({"auth_types": ["basic"], "username": "them", "password": "x"}, "username"),
        ({"auth_types": ["basic"], "username": "2001", "password": "x"}, "username"),
        ({"domain_name": "theirs"}, "domain_name"),
    ):
        body = {"domain_name": "pbx"} | sent
        error = await client.refused("POST", "/v1.0/trunks", 409, "ALREADY_EXISTS", json=body)
        assert error["details"] == [{"field": field}]
    await store.trunks.update(replace(theirs, tm_delete=now()))
    await make(client, "trunks", domain_name="theirs", auth_types=["ip"], allowed_ips=["192.0.2.7"])


async def test_the_outbound_config(client: Any, told: list[Event]) -> None:
    path = "/v1.0/outbound_config"
    default = (await client.get(path)).json
    assert (default["id"], default["destination_whitelist"]) == (ZERO_ID, [])
    number = await make(client, "numbers", number="+15551234567")
    body = {"destination_whitelist": ["us", "kr", "us"], "default_outgoing_source_number_id": number["id"]}
    made = (await client.put(path, body)).json
    assert made["destination_whitelist"] == ["us", "kr"]
    assert made["default_outgoing_source_number_id"] == number["id"]
    changed = (await client.put(path, {"codecs": "PCMU, PCMA,G.722", "name": "n", "id": "x"})).json
    assert (changed["id"], changed["codecs"]) == (made["id"], "PCMU, PCMA,G.722")
    assert changed["destination_whitelist"] == ["us", "kr"]
    assert (await client.get(path)).json == changed
    cleared = (await client.put(path, {"destination_whitelist": [], "default_outgoing_source_number_id": ""})).json
    assert (cleared["destination_whitelist"], cleared["default_outgoing_source_number_id"]) == ([], ZERO_ID)
    assert names(told) == ["number_created"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        *[({"destination_whitelist": ["us", text]}, "destination_whitelist.1") for text in ("US", "xx", "usa", "", 1)],
        ({"destination_whitelist": "us"}, "destination_whitelist"),
        ({"destination_whitelist": ["us"] * 301}, "destination_whitelist"),
        ({"codecs": "a;b"}, "codecs"),
        ({"default_outgoing_source_number_id": "7001"}, "default_outgoing_source_number_id"),
        ({"default_outgoing_source_number_id": new_id()}, "default_outgoing_source_number_id"),
    ],
)
async def test_a_wrong_outbound_config_is_refused(client: Any, body: Any, field: str) -> None:
    error = await client.refused("PUT", "/v1.0/outbound_config", 400, "INVALID_ARGUMENT", json=body)
    assert error["details"] == [{"field": field}]


async def test_a_virtual_number_is_no_source(client: Any) -> None:
    number = await make(client, "numbers", number="+899123456789")
    body = {"default_outgoing_source_number_id": number["id"]}
    error = await client.refused("PUT", "/v1.0/outbound_config", 400, "INVALID_ARGUMENT", json=body)
    assert "virtual" in error["message"]
