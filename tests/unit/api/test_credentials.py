"""Log-in, tokens and keys in every slot, and everything that makes them invalid."""

import base64
from dataclasses import replace
from datetime import timedelta
from typing import Any

import jwt
import pytest

from app.api.tokens import hash_key, make_token
from app.domain.customer import Permission
from app.domain.ids import new_id
from app.domain.timestamps import now
from app.store import Store

SECRET = b"s" * 32
KEY = "vb_key-of-the-tests-0123456789"
PASSWORD = "correct horse"


async def _token(client: Any) -> str:
    answer = await client.post("/auth/login", {"username": "admin", "password": PASSWORD})
    assert answer.status == 200
    token: str = answer.json["token"]
    return token


@pytest.mark.parametrize("path", ["/auth/login", "/v1.0/auth/login"])
async def test_a_log_in_gives_a_token_and_a_cookie(client: Any, path: str) -> None:
    client.key = None
    answer = await client.post(path, {"username": "admin", "password": PASSWORD, "unknown": 1})
    assert answer.status == 200
    assert list(answer.json) == ["username", "token"]
    assert answer.json["username"] == "admin"
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith(f"token={answer.json['token']};")
    for part in ("HttpOnly", "Max-Age=604800", "Path=/", "SameSite=Strict", "Secure"):
        assert part in cookie
    claims = jwt.decode(answer.json["token"], SECRET, algorithms=["HS256"])
    assert claims["type"] == "agent"
    assert claims["agent"]["customer_id"] == client.customer_id
    assert "password" not in str(claims)
    assert abs(claims["exp"] - (now() + timedelta(days=7)).timestamp()) < 60


@pytest.mark.parametrize(
    "body",
    [
        {"username": "admin", "password": "wrong"},
        {"username": "nobody", "password": PASSWORD},
        {"username": "admin"},
        {"password": PASSWORD},
        {"username": "", "password": ""},
        {"username": 1, "password": None},
        {"username": "ad\0min", "password": PASSWORD},
        {"username": "admin", "password": "x" * 2000},
        [],
        "admin",
        None,
    ],
)
async def test_any_failed_log_in_is_a_400_without_a_body(client: Any, body: Any) -> None:
    answer = await client.post("/auth/login", body)
    assert (answer.status, answer.raw) == (400, b"")
    broken = await client.ask("POST", "/auth/login", data=b'{"username": "admin')
    assert (broken.status, broken.raw) == (400, b"")


def _in_slot(slot: str, credential: str) -> dict[str, Any]:
    return {
        "token cookie": {"headers": {"Cookie": f"token={credential}"}},
        "token query": {"params": {"token": credential}},
        "bearer": {"headers": {"Authorization": f"Bearer {credential}"}},
        "small bearer": {"headers": {"Authorization": f"bearer {credential}"}},
        "key cookie": {"headers": {"Cookie": f"accesskey={credential}"}},
        "key query": {"params": {"accesskey": credential}},
    }[slot]


SLOTS = ["token cookie", "token query", "bearer", "small bearer", "key cookie", "key query"]


@pytest.mark.parametrize("slot", SLOTS)
async def test_tokens_and_keys_are_taken_in_every_slot(client: Any, slot: str) -> None:
    token, client.key = await _token(client), None
    for credential in (KEY, token):
        answer = await client.ask("GET", "/v1.0/customer", **_in_slot(slot, credential))
        assert (answer.status, answer.json["id"]) == (200, client.customer_id)
    error = await client.refused("GET", "/v1.0/customer", 401, "INVALID_CREDENTIALS", **_in_slot(slot, KEY + "x"))
    assert error["status"] == "UNAUTHENTICATED"


async def test_the_first_slot_wins(client: Any) -> None:
    client.key = None
    both = {"params": {"token": KEY}, "headers": {"Cookie": "token=vb_wrong"}}
    await client.refused("GET", "/v1.0/me", 401, "INVALID_CREDENTIALS", **both)
    right = {"params": {"accesskey": "vb_wrong"}, "headers": {"Authorization": f"Bearer {KEY}"}}
    assert (await client.ask("GET", "/v1.0/me", **right)).status == 200
    empty = {"params": {"token": "", "accesskey": KEY}}
    assert (await client.ask("GET", "/v1.0/me", **empty)).status == 200


@pytest.mark.parametrize("more", [{}, {"headers": {"Authorization": "Basic dXNlcjpwYXNz"}}, {"params": {"token": ""}}])
async def test_no_credential_is_said_so(client: Any, more: dict[str, Any]) -> None:
    client.key = None
    await client.refused("GET", "/v1.0/calls", 401, "AUTHENTICATION_REQUIRED", **more)
    await client.refused("GET", "/v1.0/ws", 401, "AUTHENTICATION_REQUIRED", **more)


def _part(json_text: str) -> str:
    return base64.urlsafe_b64encode(json_text.encode()).decode().rstrip("=")


async def test_forged_and_expired_tokens_are_refused(client: Any, store: Store) -> None:
    agent = await store.agents.get_by_username("admin")
    assert agent is not None
    claims = {"type": "agent", "agent": {"id": agent.id}}
    soon = int((now() + timedelta(hours=1)).timestamp())
    forged = [
        make_token(agent, SECRET, now() - timedelta(days=8)),
        make_token(agent, b"x" * 32, now()),
        make_token(replace(agent, id=new_id()), SECRET, now()),
        jwt.encode(claims, SECRET, algorithm="HS256"),
        jwt.encode({**claims, "exp": soon, "type": "direct"}, SECRET, algorithm="HS256"),
        jwt.encode({"type": "agent", "agent": agent.id, "exp": soon}, SECRET, algorithm="HS256"),
        jwt.encode({"type": "agent", "agent": {"id": 5}, "exp": soon}, SECRET, algorithm="HS256"),
        _part('{"alg":"none"}') + "." + _part('{"exp":99999999999,"type":"agent"}') + ".",
        f"{_part('[' * 4000)}.{_part('{}')}.x",
        "no token",
        "ünïcode",
        "vb_",
        "a.b.c",
    ]
    for token in forged:
        await client.refused("GET", "/v1.0/me", 401, "INVALID_CREDENTIALS", params={"token": token})
    good = jwt.encode({**claims, "exp": soon}, SECRET, algorithm="HS256")
    assert (await client.ask("GET", "/v1.0/me", params={"token": good})).status == 200


async def test_a_token_dies_with_its_agent_and_its_customer(client: Any, store: Store) -> None:
    token = await _token(client)
    agent = await store.agents.get_by_username("admin")
    assert agent is not None
    await store.agents.update(replace(agent, tm_delete=now()))
    await client.refused("GET", "/v1.0/me", 401, "INVALID_CREDENTIALS", params={"token": token})
    login = await client.post("/auth/login", {"username": "admin", "password": PASSWORD})
    assert (login.status, login.raw) == (400, b"")
    customer = await store.customers.get_by_id(client.customer_id)
    assert customer is not None
    await store.customers.update(replace(customer, tm_delete=now()))
    await client.refused("GET", "/v1.0/me", 401, "INVALID_CREDENTIALS", params={"token": KEY})


async def test_deleted_and_expired_keys_are_refused(client: Any, store: Store, samples: Any) -> None:
    for changes, is_good in (
        ({}, True),
        ({"tm_delete": now()}, False),
        ({"tm_expire": now() - timedelta(seconds=1)}, False),
        ({"tm_expire": now() + timedelta(days=1)}, True),
    ):
        secret = f"vb_{new_id()}"
        key = samples.access_key(client.customer_id, token_hash=hash_key(secret), **changes)
        await store.access_keys.insert(key)
        answer = await client.ask("GET", "/v1.0/me", params={"token": secret})
        assert answer.status == (200 if is_good else 401)


async def test_who_am_i(client: Any) -> None:
    token = await _token(client)
    me = await client.ask("GET", "/v1.0/me", params={"token": token})
    assert (me.json["username"], me.json["customer_id"]) == ("admin", client.customer_id)
    assert "password" not in me.raw.decode()
    key = await client.get("/v1.0/me")
    assert (key.json["token_prefix"], key.json["customer_id"]) == (KEY[:11], client.customer_id)
    assert KEY not in key.raw.decode()
    assert hash_key(KEY) not in key.raw.decode()


async def test_an_agent_without_a_role_sees_itself_only(client: Any, store: Store, samples: Any) -> None:
    agent = samples.agent(client.customer_id, username="plain", permission=Permission.CUSTOMER_AGENT)
    await store.agents.insert(agent)
    token = {"params": {"token": make_token(agent, SECRET, now())}}
    assert (await client.ask("GET", "/v1.0/me", **token)).json["id"] == agent.id
    for path in ("/v1.0/customer", "/v1.0/calls", "/v1.0/transcribes", f"/v1.0/transcripts?transcribe_id={new_id()}"):
        await client.refused("GET", path, 403, "PERMISSION_DENIED", **token)
    manager = samples.agent(client.customer_id, username="boss", permission=Permission.CUSTOMER_MANAGER)
    await store.agents.insert(manager)
    answer = await client.ask("GET", "/v1.0/calls", params={"token": make_token(manager, SECRET, now())})
    assert answer.status == 200
