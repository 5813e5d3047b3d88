"""A real server whose only route is the feed, for a customer that is known."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from app.delivery.websocket_connection import FeedLimits
from app.delivery.websocket_feed import WebsocketFeed
from app.domain.customer import Identity, Permission
from app.domain.events import Event, EventRecord
from app.domain.timestamps import now
from app.event_bus import EventBus
from app.wire.event import render_event

CID = "12345678-1234-1234-1234-123456789012"
OWN = f"customer_id:{CID}"


class KeptEvents:
    """A table of events in memory. `before_page` and `after_page` are called around the reading of a page."""

    def __init__(self) -> None:
        self.records: list[EventRecord] = []
        self.last = 0
        self.before_page: Callable[[], None] = lambda: None
        self.after_page: Callable[[], None] = lambda: None
        self.pages = 0

    def append(self, event: Event) -> Event:
        """Store an event; return it with its seq, which is to be published."""
        self.last += 1
        rendered = render_event(event)
        record = EventRecord(self.last, event.customer_id, event.type.value, rendered.body, rendered.topics, now())
        self.records.append(record)
        return replace(event, seq=self.last)

    def prune(self, up_to: int) -> None:
        self.records = [record for record in self.records if record.seq > up_to]

    async def last_seq(self) -> int:
        return self.last

    async def oldest_seq(self) -> int | None:
        return self.records[0].seq if self.records else None

    async def since(self, customer_id: str, seq: int, limit: int) -> tuple[EventRecord, ...]:
        self.pages += 1
        self.before_page()
        found = [record for record in self.records if record.seq > seq and record.customer_id == customer_id]
        await asyncio.sleep(0)
        self.after_page()
        return tuple(found[:limit])

    async def floor_of_newest(self, customer_id: str, count: int) -> int:
        own = [record.seq for record in self.records if record.customer_id == customer_id]
        return own[-count - 1] if len(own) > count else 0


class Feed:
    """The feed under test with its bus; `open` gives a client's WebSocket."""

    def __init__(
        self, bus: EventBus, kept: KeptEvents, feed: WebsocketFeed, session: aiohttp.ClientSession, port: int
    ) -> None:
        self.bus = bus
        self.kept = kept
        self.feed = feed
        self.session = session
        self.port = port
        self.url = f"ws://127.0.0.1:{port}/v1.0/ws"
        self.subscriptions: list[Any] = []

    async def open(self, *topics: str, **more: Any) -> aiohttp.ClientWebSocketResponse:
        socket: aiohttp.ClientWebSocketResponse = await self.session.ws_connect(self.url, **more)
        if topics:
            await self.subscribe(socket, *topics)
        return socket

    async def say(self, socket: aiohttp.ClientWebSocketResponse, text: str) -> None:
        """Send a text and wait until the server has read it: its pong comes after."""
        await socket.send_str(text)
        await self.settled(socket)

    async def settled(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Wait until the server has read everything sent so far."""
        await socket.ping(b"settled")
        frame = await asyncio.wait_for(socket.receive(), 20)
        assert frame.type is aiohttp.WSMsgType.PONG, frame

    async def subscribe(self, socket: aiohttp.ClientWebSocketResponse, *topics: str, kind: str = "subscribe") -> None:
        await self.say(socket, json.dumps({"type": kind, "topics": topics}))

    def publish(self, *events: Event) -> None:
        for event in events:
            self.bus.publish(event)

    def commit(self, *events: Event) -> None:
        """Store and publish, as the journal does."""
        self.publish(*[self.kept.append(event) for event in events])


OpenFeed = Callable[..., Any]


@pytest.fixture
def identity() -> Identity:
    return Identity(CID, Permission.CUSTOMER_ADMIN, access_key_id="k")


@pytest.fixture
def open_feed(identity: Identity) -> OpenFeed:
    @asynccontextmanager
    async def _open(limits: FeedLimits | None = None) -> AsyncIterator[Feed]:
        bus, kept = EventBus(), KeptEvents()
        feed = WebsocketFeed(bus, kept, limits)

        async def serve(request: web.Request) -> web.StreamResponse:
            return await feed.serve(request, identity)

        async def close_feed(_app: web.Application) -> None:
            await feed.close()

        app = web.Application()
        app.router.add_get("/v1.0/ws", serve)
        app.on_shutdown.append(close_feed)
        async with AsyncExitStack() as stack:
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=3)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            session = await stack.enter_async_context(aiohttp.ClientSession())
            yield Feed(bus, kept, feed, session, runner.addresses[0][1])

    return _open


@pytest.fixture
async def feed(open_feed: OpenFeed) -> AsyncIterator[Feed]:
    async with open_feed() as opened:
        yield opened
