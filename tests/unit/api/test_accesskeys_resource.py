"""`/v1.0/accesskeys`: made once, shown once, gone at once."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.api.tokens import hash_key
from app.domain.timestamps import now, parse_timestamp
from app.store import Store


async def test_a_key_from_birth_to_death(client: Any, store: Store) -> None:
    made = await client.post("/v1.0/accesskeys", {"name": "ci", "detail": "for\nthe build"})
    key, secret = made.json, made.json["token"]
    assert (made.status, key["name"], key["detail"], key["tm_expire"][:4]) == (200, "ci", "for\nthe build", "9999")
    assert secret.startswith("vb_")
    assert secret[:11] == key["token_prefix"]
    assert len(secret) > 40
    stored = await store.access_keys.get_by_id(key["id"])
    assert stored is not None
    assert stored.token_hash == hash_key(secret)
    path = f"/v1.0/accesskeys/{key['id']}"
    shown = await client.get(path)
    assert "token" not in shown.json
    assert shown.json == {name: value for name, value in key.items() if name != "token"}
    listed = (await client.get("/v1.0/accesskeys")).json["result"]
    assert listed[0] == shown.json
    assert secret not in str(listed)
    assert (await client.ask("GET", "/v1.0/customer", params={"accesskey": secret})).status == 200

    renamed = await client.put(path, {"name": "other", "expire": 5})
    assert (renamed.json["name"], renamed.json["detail"]) == ("other", "for\nthe build")
    gone = await client.delete(path)
    assert gone.json["tm_delete"][:2] == "20"
    await client.refused("GET", "/v1.0/customer", 401, "INVALID_CREDENTIALS", params={"token": secret})
    for method in ("GET", "PUT", "DELETE"):
        await client.refused(method, path, 404, "ACCESSKEY_NOT_FOUND", json={"name": "x"})
    assert len((await client.get("/v1.0/accesskeys")).json["result"]) == 1


async def test_an_empty_body_makes_a_key(client: Any) -> None:
    assert (await client.ask("POST", "/v1.0/accesskeys")).status == 200


async def test_a_key_that_expires(client: Any, store: Store) -> None:
    made = (await client.post("/v1.0/accesskeys", {"expire": 86_400})).json
    assert parse_timestamp(made["tm_expire"]) - parse_timestamp(made["tm_create"]) == timedelta(days=1)
    assert (await client.ask("GET", "/v1.0/customer", params={"token": made["token"]})).status == 200
    stored = await store.access_keys.get_by_id(made["id"])
    assert stored is not None
    await store.access_keys.update(replace(stored, tm_expire=now() - timedelta(seconds=1)))
    await client.refused("GET", "/v1.0/customer", 401, "INVALID_CREDENTIALS", params={"token": made["token"]})


@pytest.mark.parametrize("expire", [0, 86_399, -1, 10**20, 86_400.5, "86400", True, [86_400]])
async def test_a_wrong_expire(client: Any, expire: object) -> None:
    error = await client.refused("POST", "/v1.0/accesskeys", 400, "INVALID_ARGUMENT", json={"expire": expire})
    assert error["details"] == [{"field": "expire"}]
