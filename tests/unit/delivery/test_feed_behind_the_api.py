"""The feed where it really stands: behind the API's gate, closed by the server's close."""

import asyncio
import json
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest

from app.api.application import build_app
from app.api.first_start import ensure_first_customer
from app.api.ports import ApiContext, HealthReport
from app.api.server import open_server
from app.delivery.websocket_feed import WebsocketFeed
from app.domain.events import Event, EventType
from app.event_bus import EventBus
from app.store import Store
from app.wire.event import event_json

KEY = "vb_key-of-the-tests-0123456789"


class _NoLiveParts:
    async def hang_up(self, customer_id: str, call_id: str) -> Any:
        raise NotImplementedError

    async def start(self, **asked: Any) -> Any:
        raise NotImplementedError

    async def stop(self, transcribe_id: str) -> Any:
        raise NotImplementedError


async def _healthy() -> HealthReport:
    return HealthReport()


async def test_a_key_opens_the_feed_and_the_server_closes_it(store: Store, samples: Any) -> None:
    credentials = await ensure_first_customer(store, "password", KEY)
    bus, live = EventBus(), _NoLiveParts()
    feed = WebsocketFeed(bus)
    context = ApiContext(
        store=store,
        calls=live,
        transcribes=live,
        live_feed=feed,
        languages=lambda: [],
        health=_healthy,
        metrics=lambda: b"",
        prompt_path=lambda key: None,
        token_secret=b"s" * 32,
    )
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        server = AsyncExitStack()
        address = await server.enter_async_context(open_server(build_app(context), "127.0.0.1", 0))
        url = address.url + "/v1.0/ws"
        with pytest.raises(aiohttp.WSServerHandshakeError, match="401"):
            await session.ws_connect(url)
        with pytest.raises(aiohttp.WSServerHandshakeError, match="401"):
            await session.ws_connect(f"{url}?token=vb_wrong")
        async with session.get(f"{url}?token={KEY}") as answer:
            assert (answer.status, (await answer.json())["error"]["reason"]) == (400, "INVALID_ARGUMENT")

        socket = await session.ws_connect(f"{url}?token={KEY}", autoping=False)
        topic = f"customer_id:{credentials.customer_id}:call:"
        await socket.send_json({"type": "subscribe", "topics": [topic]})
        await socket.ping()
        assert (await socket.receive()).type is aiohttp.WSMsgType.PONG
        event = Event(EventType.CALL_CREATED, samples.call(credentials.customer_id))
        bus.publish(event)
        assert json.loads(await socket.receive_str()) == event_json(event)

        closing = asyncio.create_task(server.aclose())
        frame = await asyncio.wait_for(socket.receive(), 20)
        assert (frame.type, frame.data) == (aiohttp.WSMsgType.CLOSE, 1001)
        await closing
    assert feed.open_connections == 0
