"""`/v1.0/agents`: people, their rights, and that a customer keeps an admin."""

from dataclasses import replace
from typing import Any

import pytest

from app.api.tokens import make_token
from app.domain.customer import Permission
from app.domain.ids import new_id
from app.domain.timestamps import now
from app.store import Store

SECRET = b"s" * 32
ADDRESS = {"type": "tel", "target": "+15551234567"}


async def _as(client: Any, store: Store, samples: Any, permission: Permission) -> dict[str, Any]:
    """Return what makes a request one of an agent with this permission."""
    agent = await store.agents.insert(samples.agent(client.customer_id, permission=permission))
    return {"params": {"token": make_token(agent, SECRET, now())}}


async def test_an_agent_from_birth_to_death(client: Any, told: Any) -> None:
    body = {"username": "ann", "password": "pw", "name": "Ann", "detail": "two\nlines", "permission": 64}
    made = await client.post("/v1.0/agents", body | {"ring_method": "linear", "addresses": [ADDRESS]})
    assert made.status == 200
    path = f"/v1.0/agents/{made.json['id']}"
    assert {
        name: made.json[name] for name in ("username", "name", "detail", "permission", "ring_method", "status")
    } == {
        "username": "ann",
        "name": "Ann",
        "detail": "two\nlines",
        "permission": 64,
        "ring_method": "linear",
        "status": "offline",
    }
    assert made.json["addresses"][0]["target"] == "+15551234567"
    assert "pw" not in str(made.json.values())
    assert (await client.get(path)).json == made.json
    assert {row["id"] for row in (await client.get("/v1.0/agents")).json["result"]} >= {made.json["id"]}

    renamed = (await client.put(path, {"name": "Anna", "detail": None})).json
    assert (renamed["name"], renamed["detail"], renamed["ring_method"]) == ("Anna", "two\nlines", "linear")
    tag = new_id()
    for tail, change in (
        ("addresses", {"addresses": []}),
        ("permission", {"permission": 16}),
        ("status", {"status": "available"}),
        ("tag_ids", {"tag_ids": [tag.upper()]}),
    ):
        answer = await client.put(f"{path}/{tail}", change)
        assert (answer.status, answer.json[tail]) == (200, [tag] if tail == "tag_ids" else change[tail])
    assert (await client.put(f"{path}/password", {"password": "other"})).status == 200
    assert (await client.post("/auth/login", {"username": "ann", "password": "pw"})).status == 400
    token = (await client.post("/auth/login", {"username": "ann", "password": "other"})).json["token"]

    gone = await client.delete(path)
    assert (gone.status, gone.json["tm_delete"][:2]) == (200, "20")
    await client.refused("GET", path, 404, "AGENT_NOT_FOUND")
    await client.refused("DELETE", path, 404, "AGENT_NOT_FOUND")
    await client.refused("PUT", path, 404, "AGENT_NOT_FOUND", json={"name": "x"})
    await client.refused("GET", "/v1.0/me", 401, "INVALID_CREDENTIALS", params={"token": token})
    assert [event.type.value for event in told] == [
        *("agent_created", "agent_updated", "agent_updated", "agent_updated", "agent_status_updated"),
        *("agent_updated", "agent_updated", "agent_deleted"),
    ]


async def test_a_username_exists_once(client: Any) -> None:
    error = await client.refused(
        "POST", "/v1.0/agents", 409, "ALREADY_EXISTS", json={"username": "admin", "password": "x"}
    )
    assert (error["status"], error["details"]) == ("ALREADY_EXISTS", [{"field": "username"}])
    assert "UNIQUE" not in str(error)


async def test_the_last_admin_stays(client: Any, store: Store) -> None:
    admin = await store.agents.get_by_username("admin")
    assert admin is not None
    path = f"/v1.0/agents/{admin.id}"
    await client.refused("DELETE", path, 409, "STATE_INVALID")
    await client.refused("PUT", f"{path}/permission", 409, "STATE_INVALID", json={"permission": 64})
    assert (await client.put(f"{path}/permission", {"permission": 0x60})).status == 200
    other = await client.post("/v1.0/agents", {"username": "second", "password": "x", "permission": 32})
    assert (await client.put(f"{path}/permission", {"permission": 64})).status == 200
    await client.refused("DELETE", f"/v1.0/agents/{other.json['id']}", 409, "STATE_INVALID")
    assert (await client.delete(path)).status == 200


async def test_a_manager_cannot_become_an_admin(client: Any, store: Store, samples: Any) -> None:
    manager = await _as(client, store, samples, Permission.CUSTOMER_MANAGER)
    admin = await store.agents.get_by_username("admin")
    assert admin is not None
    order = {"username": "x", "password": "x"}
    await client.refused("POST", "/v1.0/agents", 403, "PERMISSION_DENIED", json=order | {"permission": 32}, **manager)
    made = await client.ask("POST", "/v1.0/agents", json=order | {"permission": 64}, **manager)
    assert made.status == 200
    path = f"/v1.0/agents/{made.json['id']}/permission"
    await client.refused("PUT", path, 403, "PERMISSION_DENIED", json={"permission": 0xF0}, **manager)
    for method, tail, body in (
        ("PUT", "/password", {"password": "mine now"}),
        ("PUT", "/status", {"status": "away"}),
        ("PUT", "/permission", {"permission": 16}),
        ("PUT", "", {"name": "x"}),
        ("DELETE", "", {}),
    ):
        await client.refused(method, f"/v1.0/agents/{admin.id}{tail}", 403, "PERMISSION_DENIED", json=body, **manager)


async def test_what_only_admins_may(client: Any, store: Store, samples: Any) -> None:
    manager = await _as(client, store, samples, Permission.CUSTOMER_MANAGER)
    for method, path in (
        ("GET", "/v1.0/accesskeys"),
        ("POST", "/v1.0/accesskeys"),
        ("GET", f"/v1.0/accesskeys/{new_id()}"),
        ("PUT", f"/v1.0/accesskeys/{new_id()}"),
        ("DELETE", f"/v1.0/accesskeys/{new_id()}"),
        ("PUT", "/v1.0/customer"),
        ("PUT", "/v1.0/customer/metadata"),
    ):
        await client.refused(method, path, 403, "PERMISSION_DENIED", json={}, **manager)
    assert (await client.ask("GET", "/v1.0/customer", **manager)).status == 200
    agent = await _as(client, store, samples, Permission.CUSTOMER_AGENT)
    await client.refused("GET", "/v1.0/agents", 403, "PERMISSION_DENIED", **agent)
    assert (await client.ask("GET", "/v1.0/me", **agent)).status == 200


@pytest.mark.parametrize("bits", [1, 15, 256, -16, 0x1F])
async def test_permissions_of_the_platform_are_not_given(client: Any, bits: int) -> None:
    order = {"username": "x", "password": "x", "permission": bits}
    error = await client.refused("POST", "/v1.0/agents", 400, "INVALID_ARGUMENT", json=order)
    assert error["details"] == [{"field": "permission"}]


async def test_a_right_that_was_taken_counts_at_once(client: Any, store: Store, samples: Any) -> None:
    manager = samples.agent(client.customer_id, permission=Permission.CUSTOMER_MANAGER)
    await store.agents.insert(manager)
    token = {"params": {"token": make_token(manager, SECRET, now())}}
    assert (await client.ask("GET", "/v1.0/agents", **token)).status == 200
    await store.agents.update(replace(manager, permission=Permission.CUSTOMER_AGENT))
    await client.refused("GET", "/v1.0/agents", 403, "PERMISSION_DENIED", **token)
