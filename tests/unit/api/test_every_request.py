"""What every request goes through: unknown routes, ids, CORS, limits, faults; and the routes for watchers."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.api.ports import HealthReport
from app.api.rate_limits import Rate, RateLimits
from app.domain.ids import new_id
from app.errors import CallscribeError
from app.store import Store

OFF = Rate(0, 0)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/v1.0"),
        ("GET", "/v1.0/"),
        ("GET", "/v1.0/unknown"),
        ("GET", "/v2.0/calls"),
        ("DELETE", "/v1.0/transcripts"),
        ("PUT", "/v1.0/calls"),
        ("POST", "/v1.0/me"),
        ("GET", "/auth/login"),
        ("PATCH", "/ping"),
        ("OPTIONS", "/v1.0/calls"),
        ("GET", f"/v1.0/calls/{new_id()}/hangup"),
        ("POST", "/v1.0/ws"),
    ],
)
async def test_unknown_routes_and_wrong_methods(client: Any, method: str, path: str) -> None:
    error = await client.refused(method, path, 404, "ROUTE_NOT_FOUND")
    assert error["status"] == "NOT_FOUND"
    client.key = None
    await client.refused(method, path, 404, "ROUTE_NOT_FOUND")


async def test_request_ids(client: Any) -> None:
    for good in ("a", "my-id_7", "x" * 64):
        error = await client.refused("GET", "/no", 404, "ROUTE_NOT_FOUND", headers={"X-Request-Id": good})
        assert error["request_id"] == good
    for bad in ("", "x" * 65, "a b", "ü", "a.b"):
        error = await client.refused("GET", "/no", 404, "ROUTE_NOT_FOUND", headers={"X-Request-Id": bad})
        assert re.fullmatch("req_[A-Z2-7]{26}", error["request_id"])
    answer = await client.ask("GET", "/ping", headers={"X-Request-Id": "abc"})
    assert answer.headers["X-Request-Id"] == "abc"


async def test_any_origin_may_ask(client: Any) -> None:
    client.key = None
    headers = {"Origin": "https://x.test", "Access-Control-Request-Method": "POST"}
    answer = await client.ask("OPTIONS", "/v1.0/transcribes", headers=headers)
    assert (answer.status, answer.raw) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
    refused = await client.get("/v1.0/calls")
    assert (refused.status, refused.headers["Access-Control-Allow-Origin"]) == (401, "*")


async def test_an_unexpected_fault_is_a_500_that_tells_nothing(
    client: Any, store: Store, samples: Any, live: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    call = await store.calls.insert(samples.call(client.customer_id))
    for fault in (ZeroDivisionError("the secret"), CallscribeError("the secret")):
        live.error = fault
        error = await client.refused("POST", f"/v1.0/calls/{call.id}/hangup", 500, "INTERNAL")
        assert "secret" not in str(error)
        logged = "".join(capsys.readouterr())
        assert error["request_id"] in logged
        assert "/v1.0/calls/{id}/hangup" in logged
        assert client.key not in logged


async def test_the_limit_of_an_address(open_client: Any) -> None:
    limits = RateLimits(auth_per_address=Rate(0.001, 2), api_per_address=Rate(0.001, 3), per_customer=OFF)
    async with open_client(rate_limits=limits) as client:
        for _ in range(2):
            assert (await client.post("/auth/login", {})).status == 400
        error = await client.refused("POST", "/v1.0/auth/login", 429, "RATE_LIMIT_EXCEEDED", json={})
        assert (error["status"], error["details"]) == ("RESOURCE_EXHAUSTED", [{"limited_by": "ip"}])
        for path in ("/v1.0/calls", "/v1.0/nothing", "/v1.0/calls"):
            await client.get(path)
        answer = await client.get("/v1.0/calls")
        assert answer.status == 429
        assert int(answer.headers["Retry-After"]) > 900
        assert (await client.get("/ping")).status == 200


async def test_the_limit_of_a_customer_counts_all_its_credentials(open_client: Any) -> None:
    limits = RateLimits(auth_per_address=OFF, api_per_address=OFF, per_customer=Rate(0.001, 2))
    async with open_client(rate_limits=limits) as client:
        login = await client.post("/auth/login", {"username": "admin", "password": "correct horse"})
        assert (await client.get("/v1.0/calls")).status == 200
        assert (await client.get("/v1.0/me", token=login.json["token"])).status == 200
        error = await client.refused("GET", "/v1.0/calls", 429, "RATE_LIMIT_EXCEEDED")
        assert error["details"] == [{"limited_by": "customer"}]


async def test_the_limits_of_the_contract_are_the_default(open_client: Any) -> None:
    async with open_client(rate_limits=RateLimits()) as client:
        statuses = [(await client.get("/v1.0/me")).status for _ in range(60)]
        assert statuses[:33] == [200] * 33
        assert 429 in statuses


async def test_watchers(client: Any, live: Any) -> None:
    client.key = None
    assert (await client.get("/ping")).json == {"message": "pong"}
    live.health_report = HealthReport(parts={"asterisk": "22.10.1"})
    healthy = await client.get("/health")
    assert (healthy.status, healthy.json["status"], healthy.json["missing"]) == (200, "ok", [])
    live.health_report = HealthReport(missing={"asterisk": "does not answer"})
    ill = await client.get("/health")
    assert ill.status == 503
    assert ill.json == {
        "status": "unavailable",
        "missing": [{"part": "asterisk", "reason": "does not answer"}],
        "parts": {},
    }
    metrics = await client.get("/metrics")
    assert metrics.raw == b"calls_live 0\n"
    assert metrics.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"


async def test_languages(client: Any) -> None:
    assert (await client.get("/v1.0/languages")).json == {
        "result": [
            {"code": "en-US", "engine": "moonshine", "model": "tiny-en", "installed": True},
            {"code": "de-DE", "engine": "vosk", "model": "de", "installed": False},
        ]
    }


async def test_the_customer(client: Any, store: Store) -> None:
    answer = await client.get("/v1.0/customer")
    assert answer.json["id"] == client.customer_id
    assert len(answer.json["webhook_secret"]) == 64
    customer = await store.customers.get_by_id(client.customer_id)
    assert customer is not None
    await store.customers.update(replace(customer, name="Élise & Co"))
    assert (await client.get("/v1.0/customer")).json["name"] == "Élise & Co"


async def test_the_feed_gets_the_identity(client: Any, live: Any) -> None:
    assert (await client.get("/v1.0/ws")).json == {"customer": client.customer_id}
    assert live.asked[0]["identity"].access_key_id


async def test_prompts(client: Any, tmp_path: Path) -> None:
    client.key = None
    sound = b"RIFF" + bytes(range(200))
    (tmp_path / "0a1b_C-9.wav").write_bytes(sound)
    (tmp_path / "secret.txt").write_text("secret")
    answer = await client.get("/prompts/0a1b_C-9.wav")
    assert (answer.status, answer.raw, answer.headers["Content-Type"]) == (200, sound, "audio/wav")
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    tag = answer.headers["ETag"]
    head = await client.ask("HEAD", "/prompts/0a1b_C-9.wav")
    assert (head.status, head.raw, head.headers["Content-Length"]) == (200, b"", str(len(sound)))
    assert (head.headers["ETag"], head.headers["Cache-Control"]) == (tag, answer.headers["Cache-Control"])
    assert (await client.ask("GET", "/prompts/0a1b_C-9.wav", headers={"If-None-Match": tag})).status == 304
    for wrong in ("missing.wav", "../secret.txt", "..%2fsecret.wav", "a.b.wav", ".wav", "x.mp3", "%00.wav", "a/b.wav"):
        await client.refused("GET", f"/prompts/{wrong}", 404, "ROUTE_NOT_FOUND")
