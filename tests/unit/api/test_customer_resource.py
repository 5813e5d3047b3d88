"""`/v1.0/customer`: changes are merged, webhooks are checked, every change is told."""

from dataclasses import replace
from typing import Any

import pytest

from app.store import Store

WEBHOOK = {"webhook_uri": "https://your-server.com/voipbin/webhook", "webhook_method": "POST"}


async def test_a_change_is_merged(client: Any, journal: Any, told: Any) -> None:
    before = (await client.get("/v1.0/customer")).json
    after = await client.put("/v1.0/customer", WEBHOOK | {"unknown": 1, "name": None})
    assert after.status == 200
    assert {name for name in before if after.json[name] != before[name]} == {
        "webhook_uri",
        "webhook_method",
        "tm_update",
    }
    named = (await client.put("/v1.0/customer", {"name": "Élise & Co", "email": "a@b.c", "address": "1\n2"})).json
    assert (named["webhook_uri"], named["name"], named["address"]) == (WEBHOOK["webhook_uri"], "Élise & Co", "1\n2")
    assert (await client.get("/v1.0/customer")).json == named
    assert [event.type.value for event in told] == ["customer_updated"] * 2
    assert [target.uri for target in journal.targets.of(told[-1])] == [WEBHOOK["webhook_uri"]]
    assert (await client.put("/v1.0/customer", {"webhook_uri": ""})).json["webhook_uri"] == ""
    assert journal.targets.of(told[-1]) == ()


async def test_metadata(client: Any) -> None:
    assert (await client.put("/v1.0/customer/metadata", {"rtp_debug": True})).json["metadata"] == {"rtp_debug": True}
    assert (await client.put("/v1.0/customer/metadata", {})).json["metadata"] == {"rtp_debug": True}
    assert (await client.put("/v1.0/customer", {"name": "x"})).json["metadata"] == {"rtp_debug": True}
    assert (await client.put("/v1.0/customer/metadata", {"rtp_debug": False})).json["metadata"] == {"rtp_debug": False}


async def test_a_missing_secret_is_made(client: Any, store: Store) -> None:
    customer = await store.customers.get_by_id(client.customer_id)
    assert customer is not None
    await store.customers.update(replace(customer, webhook_secret=""))
    assert len((await client.put("/v1.0/customer", WEBHOOK)).json["webhook_secret"]) == 64


@pytest.mark.parametrize("method", ["", "POST", "GET", "PUT", "DELETE"])
async def test_methods(client: Any, method: str) -> None:
    assert (await client.put("/v1.0/customer", {"webhook_method": method})).json["webhook_method"] == method


@pytest.mark.parametrize("method", ["post", "PATCH", "POST ", "HEAD"])
async def test_wrong_methods(client: Any, method: str) -> None:
    error = await client.refused(
        "PUT", "/v1.0/customer", 400, "INVALID_WEBHOOK_METHOD", json={"webhook_method": method}
    )
    assert error["details"] == [{"field": "webhook_method"}]


@pytest.mark.parametrize(
    "uri",
    ["http://192.168.1.5:9000/hook", "https://x.test", "http://[::1]/a?b=c&d=%20", "https://пример.рф/x", "HTTP://x/"],
)
async def test_uris(client: Any, uri: str) -> None:
    assert (await client.put("/v1.0/customer", {"webhook_uri": uri})).json["webhook_uri"] == uri


@pytest.mark.parametrize(
    "uri",
    [
        *("x", "x.test/hook", "ftp://x.test/", "https://", "https:///path", "http://:80/", "javascript:alert(1)"),
        *("https://user:secret@x.test/", "https://user@x.test/", "https://x.test/#part", "https://x.test/#"),
        *("https://x.test:99999/", "https://x.test:port/", "https://x.test:0/", "http://[::1/", "https://x test/"),
        *("https://x.test/\n", "https://x.test/\x7f", "https://x.test/\0", "https://x.test\\@y/", "http://a..b/"),
        f"https://x.test/{'x' * 2048}",
        f"https://{'x' * 70}.test/",
    ],
)
async def test_wrong_uris(client: Any, uri: str) -> None:
    reason = "INVALID_ARGUMENT" if "\0" in uri else "INVALID_WEBHOOK_URI"
    error = await client.refused("PUT", "/v1.0/customer", 400, reason, json={"webhook_uri": uri})
    assert error["details"] == [{"field": "webhook_uri"}]
    assert "secret" not in error["message"]
