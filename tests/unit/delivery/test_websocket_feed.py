"""The live feed as a client sees it, over real sockets."""

import asyncio
import json
import socket as sockets
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
import websocket

from app.delivery.rendered_events import RenderedEvents
from app.delivery.websocket_connection import FeedLimits
from app.domain.events import Event, EventType
from app.domain.ids import new_id
from app.wire.event import event_json as body_of_event

CID = "12345678-1234-1234-1234-123456789012"
OWN = f"customer_id:{CID}"
MANUAL: dict[str, Any] = {"autoping": False}


def event_json(event: Event) -> dict[str, Any]:
    """The frame of an event by resource topic."""
    return body_of_event(event) | {"seq": event.seq}


@pytest.fixture
def transcript_event(samples: Any) -> Event:
    return Event(EventType.TRANSCRIPT_CREATED, samples.transcript(samples.transcribe(CID)))


@pytest.fixture
def call_event(samples: Any) -> Event:
    return Event(EventType.CALL_CREATED, samples.call(CID))


async def _next(socket: aiohttp.ClientWebSocketResponse) -> Any:
    return json.loads(await asyncio.wait_for(socket.receive_str(), 20))


async def _closed(socket: aiohttp.ClientWebSocketResponse) -> tuple[int | None, str]:
    """Read to the end; return the close code and reason."""
    while True:
        frame = await asyncio.wait_for(socket.receive(), 20)
        if frame.type is aiohttp.WSMsgType.CLOSE:
            return frame.data, str(frame.extra)
        if frame.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR):
            return socket.close_code, ""


async def test_resource_topics_deliver_the_envelope(feed: Any, transcript_event: Event, call_event: Event) -> None:
    socket = await feed.open(f"{OWN}:transcript:", **MANUAL)
    feed.publish(call_event, transcript_event)
    assert await _next(socket) == event_json(transcript_event)


async def test_event_type_topics_deliver_the_bare_resource(feed: Any, transcript_event: Event, samples: Any) -> None:
    socket = await feed.open(f"{OWN}:transcript:transcript_created", f"{OWN}:transcribe:transcribe_done", **MANUAL)
    created = Event(EventType.TRANSCRIBE_CREATED, samples.transcribe(CID))
    done = Event(EventType.TRANSCRIBE_DONE, samples.transcribe(CID))
    feed.publish(transcript_event, created, done)
    assert await _next(socket) == event_json(transcript_event)["data"] | {"seq": 0}
    assert await _next(socket) == event_json(done)["data"] | {"seq": 0}


async def test_one_delivery_per_event_however_many_topics_match(
    feed: Any, transcript_event: Event, call_event: Event
) -> None:
    topics = (OWN, f"{OWN}:", f"{OWN}:transcript:", f"{OWN}:transcript:transcript_created", f"{OWN}:transcri")
    socket = await feed.open(*topics, *topics, **MANUAL)
    feed.publish(transcript_event, call_event)
    assert await _next(socket) == event_json(transcript_event)
    assert await _next(socket) == event_json(call_event)


async def test_unsubscribing(feed: Any, transcript_event: Event, call_event: Event) -> None:
    socket = await feed.open(f"{OWN}:transcript:", f"{OWN}:call:", **MANUAL)
    await feed.subscribe(socket, f"{OWN}:transcript:", "anything else", kind="unsubscribe")
    feed.publish(transcript_event, call_event)
    assert await _next(socket) == event_json(call_event)


async def test_one_resource(feed: Any, samples: Any) -> None:
    wanted, other = samples.transcribe(CID), samples.transcribe(CID)
    socket = await feed.open(f"{OWN}:transcribe:{wanted.id}", **MANUAL)
    feed.publish(Event(EventType.TRANSCRIBE_DONE, other), Event(EventType.TRANSCRIBE_DONE, wanted))
    assert (await _next(socket))["data"]["id"] == wanted.id


async def test_nothing_is_sent_without_a_subscription_and_nothing_of_others(feed: Any, samples: Any) -> None:
    silent = await feed.open(**MANUAL)
    ours = await feed.open(OWN, **MANUAL)
    theirs = Event(EventType.CALL_CREATED, samples.call(new_id()))
    own = Event(EventType.CALL_HANGUP, samples.call(CID))
    feed.publish(theirs, own)
    assert await _next(ours) == event_json(own)
    await feed.settled(silent)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "5",
        "[" * 100_000,
        '{"type":"subscribe"}',
        '{"type":"subscribe","topics":"x"}',
        '{"type":"subscribe","topics":[1]}',
        '{"type":"ping","topics":[]}',
        '{"type":7}',
        json.dumps({"type": "publish", "topics": [f"customer_id:{CID}:"]}),
    ],
)
async def test_what_means_nothing_is_ignored(feed: Any, call_event: Event, text: str) -> None:
    socket = await feed.open(**MANUAL)
    await feed.say(socket, text)
    feed.publish(call_event)
    await feed.settled(socket)
    await feed.say(socket, json.dumps({"type": "subscribe", "topics": [OWN], "anything": 5}))
    feed.publish(call_event)
    assert (await _next(socket))["type"] == "call_created"


@pytest.mark.parametrize(
    "topic",
    [
        "customer_id:99999999-1234-1234-1234-123456789012:transcript:",
        f"agent_id:{CID}:call:",
        "customer_id",
        "",
        "*",
        f"customer_id:{CID[:8]}",
    ],
)
async def test_a_topic_that_is_not_allowed_closes(feed: Any, call_event: Event, topic: str) -> None:
    socket = await feed.open(**MANUAL)
    await socket.send_json({"type": "subscribe", "topics": [OWN, topic]})
    assert await _closed(socket) == (1008, "a topic is not allowed")


async def test_a_binary_frame_closes(feed: Any) -> None:
    socket = await feed.open(OWN, **MANUAL)
    await socket.send_bytes(b"{}")
    assert (await _closed(socket))[0] == 1003


async def test_topics_and_frames_are_bounded(open_feed: Any) -> None:
    async with open_feed(FeedLimits(max_topics=3, max_frame_bytes=2000)) as feed:
        socket = await feed.open(*(f"{OWN}:{number}" for number in range(3)), **MANUAL)
        await feed.subscribe(socket, f"{OWN}:1", kind="unsubscribe")
        await feed.subscribe(socket, f"{OWN}:3")
        await socket.send_json({"type": "subscribe", "topics": [f"{OWN}:4"]})
        assert await _closed(socket) == (1008, "too many topics")
        socket = await feed.open(**MANUAL)
        await socket.send_str("x" * 3000)
        assert (await _closed(socket))[0] == 1009


async def test_pings_are_sent_and_answered(open_feed: Any) -> None:
    async with open_feed(FeedLimits(ping_seconds=0.02)) as feed:
        socket = await feed.open(**MANUAL)
        for _ in range(3):
            frame = await asyncio.wait_for(socket.receive(), 20)
            assert frame.type is aiohttp.WSMsgType.PING
            await socket.pong(frame.data)


async def test_a_client_without_pongs_is_closed(open_feed: Any) -> None:
    async with open_feed(FeedLimits(ping_seconds=0.02, pong_seconds=0.1)) as feed:
        socket = await feed.open(OWN, **MANUAL)
        assert await _closed(socket) == (1008, "no pong came back")


async def test_a_client_that_leaves_is_forgotten(feed: Any, call_event: Event) -> None:
    stays = await feed.open(OWN, **MANUAL)
    leaves = await feed.open(OWN, **MANUAL)
    vanishes = await feed.open(OWN, **MANUAL)
    assert feed.feed.open_connections == 3
    await leaves.close()
    connection = vanishes._conn
    assert connection is not None
    assert connection.transport is not None
    connection.transport.abort()
    while feed.feed.open_connections > 1:
        feed.publish(call_event)
        assert await _next(stays) == event_json(call_event)


async def test_a_slow_client_is_closed_with_a_reason_and_slows_nobody(open_feed: Any, samples: Any) -> None:
    limits = FeedLimits(max_unread_events=50, write_seconds=0.3)
    transcribe = samples.transcribe(CID)
    async with open_feed(limits) as feed:
        quick = await feed.open(OWN, **MANUAL)
        slow = await feed.open(OWN, **MANUAL)
        assert slow._conn is not None
        slow_transport = slow._conn.transport
        assert slow_transport is not None
        slow_transport.pause_reading()
        sent = 0
        while feed.feed.open_connections > 1:
            event = Event(EventType.TRANSCRIPT_CREATED, samples.transcript(transcribe, message="x" * 30_000))
            feed.publish(event)
            sent += 1
            assert (await _next(quick))["data"]["id"] == event.data.id
            assert sent < 5000
        slow_transport.resume_reading()
        read = 0
        while (frame := await asyncio.wait_for(slow.receive(), 20)).type is aiohttp.WSMsgType.TEXT:
            read += 1
        assert frame.type is aiohttp.WSMsgType.CLOSE
        assert (frame.data, frame.extra[:8]) == (1008, "too slow")
        assert 0 < read < sent


async def test_a_client_that_never_reads_again_is_thrown_out(open_feed: Any, samples: Any) -> None:
    limits = FeedLimits(max_unread_events=20, write_seconds=0.2, slow_close_seconds=0.2)
    transcribe = samples.transcribe(CID)
    async with open_feed(limits) as feed:
        raw = sockets.socket()
        raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
        client = await asyncio.to_thread(websocket.create_connection, feed.url, socket=_connected(raw, feed.port))
        await asyncio.to_thread(client.send, json.dumps({"type": "subscribe", "topics": [OWN]}))
        while not feed.feed.open_connections:
            await asyncio.sleep(0)
        quick = await feed.open(OWN, **MANUAL)
        while feed.feed.open_connections > 1:
            feed.publish(Event(EventType.TRANSCRIPT_CREATED, samples.transcript(transcribe, message="x" * 30_000)))
            await _next(quick)
        raw.close()


def _connected(raw: sockets.socket, port: int) -> sockets.socket:
    raw.connect(("127.0.0.1", port))
    return raw


async def test_a_burst_beyond_the_queue_ends_only_the_one_that_lost_events(open_feed: Any, call_event: Event) -> None:
    async with open_feed(FeedLimits(max_unread_events=10)) as feed:
        socket = await feed.open(OWN, **MANUAL)
        feed.publish(*[call_event] * 11)
        for _ in range(10):
            assert (await _next(socket))["type"] == "call_created"
        code, reason = await _closed(socket)
        assert (code, reason[:8]) == (1008, "too slow")


async def test_when_the_server_closes_clients_are_told(open_feed: Any) -> None:
    async with open_feed() as feed:
        waiting = [await feed.open(OWN, **MANUAL) for _ in range(3)]
        await feed.feed.close()
        for socket in waiting:
            assert await _closed(socket) == (1001, "the server is closing")
        late = await feed.open(**MANUAL)
        assert (await _closed(late))[0] == 1001


async def test_a_plain_request_is_told_to_upgrade(feed: Any) -> None:
    async with feed.session.get(feed.url.replace("ws://", "http://")) as answer:
        assert answer.status == 400
    assert feed.feed.open_connections == 0


def test_an_event_is_rendered_once(samples: Any) -> None:
    rendered = RenderedEvents()
    flow = Event(EventType.ACTIVEFLOW_CREATED, samples.activeflow(CID))
    first = rendered.of(flow)
    assert rendered.of(flow) is first
    assert rendered.of(replace(flow)) is not first
    for _ in range(3000):
        rendered.of(replace(flow))
    assert rendered.of(flow) is not first


async def test_the_program_of_the_tutorial(feed: Any, samples: Any) -> None:
    """The tutorial's websocket-client program; only host and ids differ."""
    heard: list[str] = []
    is_subscribed = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_message(ws: websocket.WebSocketApp, message: str) -> None:
        data = json.loads(message)
        if data.get("type") == "transcript_created":
            transcript = data["data"]
            heard.append(f"[{transcript['direction']}] {transcript['message']}")
            if transcript["message"] == "end":
                ws.close()

    def on_open(ws: websocket.WebSocketApp) -> None:
        ws.send(json.dumps({"type": "subscribe", "topics": [f"{OWN}:transcript:", f"{OWN}:transcribe:"]}))
        loop.call_soon_threadsafe(is_subscribed.set)

    app = websocket.WebSocketApp(f"{feed.url}?token=x", on_open=on_open, on_message=on_message)
    running = asyncio.create_task(asyncio.to_thread(app.run_forever))
    await asyncio.wait_for(is_subscribed.wait(), 20)
    transcribe = samples.transcribe(CID)
    while not running.done():  # no ack says when the subscription holds
        feed.publish(
            Event(EventType.TRANSCRIBE_CREATED, transcribe),
            Event(EventType.TRANSCRIPT_CREATED, samples.transcript(transcribe, message="hello")),
            Event(EventType.TRANSCRIPT_CREATED, samples.transcript(transcribe, message="end")),
        )
        await asyncio.wait([running], timeout=0.05)
    await running
    assert heard[:2] == ["[in] hello", "[in] end"]


async def test_a_client_that_would_not_be_let_in_any_more_is_closed(open_feed: Any, call_event: Event) -> None:
    async with open_feed(FeedLimits(recheck_seconds=60)) as feed:
        socket = await feed.open(f"{OWN}:call:", **MANUAL)
        feed.feed.recheck()
        feed.publish(call_event)
        assert await _next(socket) == event_json(call_event)

        async def refuse(_identity: Any) -> bool:
            return False

        feed.feed._is_admitted = refuse
        late = await feed.open(f"{OWN}:call:", **MANUAL)
        feed.feed.recheck()
        code, reason = await _closed(late)
        assert (code, reason) == (1008, "the token or access key is not valid any more")


async def test_it_is_looked_now_and_then_whether_a_client_would_still_be_let_in(open_feed: Any) -> None:
    async with open_feed(FeedLimits(recheck_seconds=0.01)) as feed:

        async def refuse(_identity: Any) -> bool:
            return False

        feed.feed._is_admitted = refuse
        async with feed.session.ws_connect(feed.url) as socket:
            assert (await _closed(socket))[0] == 1008
