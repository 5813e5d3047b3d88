"""The feed where it really stands: behind the API's gate, closed by the server's close."""

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from app.api.application import build_app
from app.api.first_start import ensure_first_customer
from app.api.ports import ApiContext
from app.api.server import open_server
from app.delivery.websocket_feed import WebsocketFeed
from app.domain.events import Event, EventType
from app.event_bus import EventBus
from app.journal.journal import Journal
from app.store import Store
from app.wire.event import event_json, render_event
from tests.unit.api.live_parts import LiveParts

KEY = "vb_key-of-the-tests-0123456789"


async def test_a_key_opens_the_feed_and_the_server_closes_it(store: Store, samples: Any, tmp_path: Path) -> None:
    credentials = await ensure_first_customer(store, "password", KEY)
    bus = EventBus()
    journal = Journal(store, bus, render_event)
    await journal.load()
    feed = WebsocketFeed(bus, store.events)
    live: Any = LiveParts(store, journal, tmp_path)
    context = ApiContext(
        store=store,
        journal=journal,
        calls=live.calls,
        groupcalls=live.groupcalls,
        transfers=live.transfers,
        queues=live.queues,
        conferences=live.conferences,
        recordings=live.recordings,
        speakings=live.speakings,
        media_streams=live.media_streams,
        transcribes=live.transcribes,
        flows=live.flows,
        activeflows=live.activeflows,
        phones=live,
        webhooks=live,
        live_feed=feed,
        languages=live.languages,
        health=live.health,
        metrics=live.metrics,
        prompt_path=live.prompt_path,
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
        call = await journal.create(samples.call(credentials.customer_id), EventType.CALL_CREATED)
        frame = event_json(Event(EventType.CALL_CREATED, call)) | {"seq": journal.seq}
        assert json.loads(await socket.receive_str()) == frame
        await socket.send_json({"type": "subscribe", "topics": [topic], "since": journal.seq - 1})
        assert json.loads(await socket.receive_str()) == frame
        assert json.loads(await socket.receive_str())["type"] == "replay_done"

        closing = asyncio.create_task(server.aclose())
        goodbye = await asyncio.wait_for(socket.receive(), 20)
        assert (goodbye.type, goodbye.data) == (aiohttp.WSMsgType.CLOSE, 1001)
        await closing
    assert feed.open_connections == 0
