"""A real server on a free port over a real store, with the live parts of the application played by the test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from argon2 import PasswordHasher

import app.actions
from app.api.application import build_app
from app.api.first_start import FirstCredentials, ensure_first_customer
from app.api.ports import ApiContext
from app.api.server import open_server
from app.application.api_flows import ApiFlows
from app.domain.events import Event
from app.event_bus import EventBus
from app.flow.action_registry import load_actions
from app.flow.library import FlowLibrary
from app.journal.journal import Journal
from app.store import Store
from app.wire.event import render_event
from tests.unit.api.live_parts import LiveParts, context_of

KEY = "vb_key-of-the-tests-0123456789"
PASSWORD = "correct horse"


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

    async def put(self, path: str, body: Any = None) -> Answer:
        return await self.ask("PUT", path, json=body)

    async def delete(self, path: str) -> Answer:
        return await self.ask("DELETE", path)

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
def bus() -> EventBus:
    return EventBus()


@pytest.fixture
async def journal(store: Store, bus: EventBus) -> Journal:
    made = Journal(store, bus, render_event)
    await made.load()
    return made


@pytest.fixture
def live(store: Store, journal: Journal, tmp_path: Path) -> LiveParts:
    return LiveParts(store, journal, tmp_path)


@pytest.fixture
def told(bus: EventBus) -> Iterator[list[Event]]:
    """Every event that is told from now on, in its order."""
    events: list[Event] = []
    with pytest.MonkeyPatch.context() as patch:
        publish = bus.publish

        def note(event: Event) -> None:
            events.append(event)
            publish(event)

        patch.setattr(bus, "publish", note)
        yield events


@pytest.fixture
def context(store: Store, journal: Journal, live: LiveParts) -> ApiContext:
    return context_of(store, journal, live)


@pytest.fixture
async def real_flows(store: Store, journal: Journal, credentials: FirstCredentials, tmp_path: Path) -> ApiFlows:
    """The real flows over an empty folder: they check actions as the running application does."""
    folder, registry = tmp_path / "flows", load_actions(app.actions)
    folder.mkdir(exist_ok=True)
    library = FlowLibrary(folder, registry)
    await library.load()
    return ApiFlows(library, registry, store, journal, credentials.customer_id)


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


@pytest.fixture
async def whole_client(open_client: Any, real_flows: ApiFlows) -> AsyncIterator[Client]:
    """A client of a server with the real flows."""
    async with open_client(flows=real_flows) as opened:
        yield opened
