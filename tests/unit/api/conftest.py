"""A real server on a free port over a real store, with the live parts of the application played by the test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from argon2 import PasswordHasher

from app.api.application import build_app
from app.api.first_start import FirstCredentials, ensure_first_customer
from app.api.ports import ApiContext, HealthReport, OfferedLanguage
from app.api.rate_limits import Rate, RateLimits
from app.api.server import open_server
from app.domain.call import Call, CallStatus
from app.domain.customer import Identity
from app.domain.timestamps import now
from app.domain.transcribe import Transcribe, TranscribeStatus
from app.store import Store

KEY = "vb_key-of-the-tests-0123456789"
PASSWORD = "correct horse"
UNLIMITED = RateLimits(Rate(0, 0), Rate(0, 0), Rate(0, 0))


@dataclass
class LiveParts:
    """Plays calls, transcribes, the feed, health: notes what was asked and does what the test says."""

    store: Store
    samples: Any
    prompts: Path
    error: Exception | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)
    health_report: HealthReport = field(default_factory=HealthReport)
    is_feed_closed: bool = False

    async def hang_up(self, customer_id: str, call_id: str) -> Call:
        self._note(customer_id=customer_id, call_id=call_id)
        call = await self.store.calls.get(customer_id, call_id)
        assert call is not None
        call = replace(call, status=CallStatus.TERMINATING, tm_update=now())
        await self.store.calls.update(call)
        return call

    async def start(self, **asked: Any) -> Transcribe:
        self._note(**asked)
        known = {name: value for name, value in asked.items() if name not in ("customer_id", "end_of_silence_ms")}
        made: Transcribe = self.samples.transcribe(asked["customer_id"], **known)
        return await self.store.transcribes.insert(made)

    async def stop(self, transcribe_id: str) -> Transcribe:
        self._note(transcribe_id=transcribe_id)
        transcribe = await self.store.transcribes.get_by_id(transcribe_id)
        assert transcribe is not None
        done = replace(transcribe, status=TranscribeStatus.DONE)
        await self.store.transcribes.update(done)
        return done

    async def serve(self, request: web.Request, identity: Identity) -> web.StreamResponse:
        self._note(identity=identity)
        return web.json_response({"customer": identity.customer_id})

    async def close(self) -> None:
        self.is_feed_closed = True

    def languages(self) -> Sequence[OfferedLanguage]:
        return [OfferedLanguage("en-US", "moonshine", "tiny-en", True), OfferedLanguage("de-DE", "vosk", "de", False)]

    async def health(self) -> HealthReport:
        return self.health_report

    def metrics(self) -> bytes:
        return b"calls_live 0\n"

    def prompt_path(self, key: str) -> Path | None:
        return self.prompts / f"{key}.wav"

    def _note(self, **asked: Any) -> None:
        if self.error is not None:
            raise self.error
        self.asked.append(asked)


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: Any
    raw: bytes
    json: Any


class Client:
    """Asks the server; `key` goes into the query unless the test says otherwise."""

    def __init__(self, session: aiohttp.ClientSession, url: str, credentials: FirstCredentials) -> None:
        self.session = session
        self.url = url
        self.customer_id = credentials.customer_id
        self.key: str | None = KEY

    async def ask(self, method: str, path: str, **more: Any) -> Answer:
        query = dict(more.pop("params", {}))
        if self.key is not None:
            query.setdefault("token", self.key)
        async with self.session.request(method, self.url + path, params=query, **more) as response:
            raw = await response.read()
            body = await response.json() if response.content_type == "application/json" and raw else None
            return Answer(response.status, response.headers, raw, body)

    async def get(self, path: str, **query: str) -> Answer:
        return await self.ask("GET", path, params=query)

    async def post(self, path: str, body: Any = None) -> Answer:
        return await self.ask("POST", path, json=body)

    async def refused(self, method: str, path: str, status: int, reason: str, **more: Any) -> dict[str, Any]:
        """Ask, check the whole envelope, return its `error`."""
        answer = await self.ask(method, path, **more)
        error: dict[str, Any] = answer.json["error"]
        assert (answer.status, error["reason"]) == (status, reason), error
        assert list(answer.json) == ["error"]
        assert set(error) <= {"status", "reason", "message", "request_id", "details"}
        assert error["request_id"] == answer.headers["X-Request-Id"]
        return error


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Real argon2, but at its lowest cost: the hashes of the tests guard nothing."""
    monkeypatch.setattr(
        "app.api.passwords.PasswordHasher", partial(PasswordHasher, time_cost=1, memory_cost=8, parallelism=1)
    )


@pytest.fixture
async def credentials(store: Store) -> FirstCredentials:
    return await ensure_first_customer(store, PASSWORD, KEY)


@pytest.fixture
def live(store: Store, samples: Any, tmp_path: Path) -> LiveParts:
    return LiveParts(store, samples, tmp_path)


@pytest.fixture
def context(store: Store, live: LiveParts) -> ApiContext:
    return ApiContext(
        store=store,
        calls=live,
        transcribes=live,
        live_feed=live,
        languages=live.languages,
        health=live.health,
        metrics=live.metrics,
        prompt_path=live.prompt_path,
        token_secret=b"s" * 32,
        rate_limits=UNLIMITED,
    )


@asynccontextmanager
async def _opened(context: ApiContext, credentials: FirstCredentials) -> AsyncIterator[Client]:
    async with open_server(build_app(context), "127.0.0.1", 0) as address, aiohttp.ClientSession() as session:
        yield Client(session, address.url, credentials)


@pytest.fixture
async def client(context: ApiContext, credentials: FirstCredentials) -> AsyncIterator[Client]:
    async with _opened(context, credentials) as opened:
        yield opened


@pytest.fixture
def open_client(context: ApiContext, credentials: FirstCredentials) -> Any:
    """Opens a client of a server with other values in its context."""
    return lambda **changes: _opened(replace(context, **changes), credentials)
