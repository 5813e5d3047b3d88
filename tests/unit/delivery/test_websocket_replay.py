"""Replays: what was missed, in order, joined to what is live without a gap or a duplicate."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.delivery.websocket_connection import FeedLimits
from app.domain.events import Event, EventType
from app.domain.ids import new_id
from app.errors import Unavailable
from app.wire.event import event_json

CID = "12345678-1234-1234-1234-123456789012"
OWN = f"customer_id:{CID}"
MANUAL: dict[str, Any] = {"autoping": False}


def call_event(samples: Any, customer_id: str = CID) -> Event:
    return Event(EventType.CALL_UPDATED, samples.call(customer_id))


async def read(socket: aiohttp.ClientWebSocketResponse) -> Any:
    return json.loads(await asyncio.wait_for(socket.receive_str(), 20))


async def read_until(socket: aiohttp.ClientWebSocketResponse, kind: str) -> list[Any]:
    frames = [await read(socket)]
    while frames[-1].get("type") != kind:
        frames.append(await read(socket))
    return frames


async def ask(socket: aiohttp.ClientWebSocketResponse, since: Any, *topics: str) -> None:
    await socket.send_json({"type": "subscribe", "topics": topics or [OWN], "since": since})


async def closed(socket: aiohttp.ClientWebSocketResponse) -> tuple[int | None, str]:
    while True:
        frame = await asyncio.wait_for(socket.receive(), 20)
        if frame.type is aiohttp.WSMsgType.CLOSE:
            return frame.data, str(frame.extra)
        if frame.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR):
            return socket.close_code, ""


async def test_what_was_missed_comes_in_order_and_then_live(feed: Any, samples: Any) -> None:
    events = [call_event(samples) for _ in range(6)]
    feed.commit(*events[:5])
    socket = await feed.open(**MANUAL)
    await ask(socket, 2)
    for number in (3, 4, 5):
        assert await read(socket) == event_json(events[number - 1]) | {"seq": number}
    assert await read(socket) == {"type": "replay_done", "data": {"since": 2, "replayed": 3}, "seq": 5}
    feed.commit(events[5])
    assert await read(socket) == event_json(events[5]) | {"seq": 6}


async def test_nothing_was_missed(feed: Any, samples: Any) -> None:
    feed.commit(call_event(samples))
    socket = await feed.open(**MANUAL)
    await ask(socket, 1)
    assert await read(socket) == {"type": "replay_done", "data": {"since": 1, "replayed": 0}, "seq": 1}
    await ask(socket, None)  # null is absent: no replay, nothing is said
    await feed.settled(socket)


async def test_an_empty_instance(feed: Any) -> None:
    socket = await feed.open(**MANUAL)
    await ask(socket, 0)
    assert await read(socket) == {"type": "replay_done", "data": {"since": 0, "replayed": 0}, "seq": 0}


async def test_only_what_the_topics_match_in_the_form_of_the_topic(feed: Any, samples: Any) -> None:
    transcribe, other = samples.transcribe(CID), samples.transcribe(CID)
    mine = Event(EventType.TRANSCRIPT_CREATED, samples.transcript(transcribe))
    feed.commit(
        call_event(samples),
        mine,
        Event(EventType.TRANSCRIPT_CREATED, samples.transcript(other)),
        call_event(samples, new_id()),
        Event(EventType.CALL_HANGUP, samples.call(CID)),
    )
    by_transcribe = await feed.open(**MANUAL)
    await ask(by_transcribe, 0, f"{OWN}:transcript:{transcribe.id}")
    assert (await read(by_transcribe))["data"]["id"] == mine.data.id
    assert (await read(by_transcribe))["data"]["replayed"] == 1
    bare = await feed.open(**MANUAL)
    await ask(bare, 0, f"{OWN}:call:call_hangup")
    frame = await read(bare)
    assert (frame["status"], frame["seq"]) == ("progressing", 5)
    assert (await read(bare))["type"] == "replay_done"
    both = await feed.open(**MANUAL)
    await ask(both, 0, f"{OWN}:call:call_hangup", f"{OWN}:call:")
    assert [frame["seq"] for frame in await read_until(both, "replay_done")] == [1, 5, 5]


@pytest.mark.parametrize(
    ("since", "reason", "echo"),
    [
        (-1, "whole number", -1),
        ("5", "whole number", None),
        (5.0, "whole number", None),
        (True, "whole number", None),
        ([], "whole number", None),
        (6, "ahead", 6),
        (10**30, "ahead", 10**30),
    ],
)
async def test_a_wrong_since_is_answered_and_live_events_come(
    feed: Any, samples: Any, since: Any, reason: str, echo: Any
) -> None:
    feed.commit(*[call_event(samples) for _ in range(5)])
    socket = await feed.open(**MANUAL)
    await ask(socket, since)
    frame = await read(socket)
    assert (frame["type"], frame["seq"], frame["data"]["oldest"]) == ("replay_incomplete", 5, 6)
    assert frame["data"]["since"] == echo
    assert reason in frame["data"]["reason"]
    assert (await read(socket))["data"]["replayed"] == 0
    feed.commit(call_event(samples))
    assert (await read(socket))["seq"] == 6


async def test_what_is_no_longer_kept(feed: Any, samples: Any) -> None:
    feed.commit(*[call_event(samples) for _ in range(9)])
    feed.kept.prune(4)
    socket = await feed.open(**MANUAL)
    await ask(socket, 4)
    assert [frame["seq"] for frame in await read_until(socket, "replay_done")] == [5, 6, 7, 8, 9, 9]
    await ask(socket, 3)
    frames = await read_until(socket, "replay_done")
    assert frames[0]["data"] == {"since": 3, "oldest": 5, "reason": "events before 5 are no longer kept"}
    assert [frame["seq"] for frame in frames] == [4, 5, 6, 7, 8, 9, 9]
    feed.kept.prune(9)
    await ask(socket, 9)
    assert (await read(socket))["type"] == "replay_done"
    await ask(socket, 8)
    assert [frame["type"] for frame in await read_until(socket, "replay_done")] == ["replay_incomplete", "replay_done"]


async def test_the_newest_of_too_many(open_feed: Any, samples: Any) -> None:
    async with open_feed(FeedLimits(max_replayed_events=10)) as feed:
        for _ in range(20):
            feed.commit(call_event(samples), call_event(samples, new_id()))
        socket = await feed.open(**MANUAL)
        await ask(socket, 19)
        frames = await read_until(socket, "replay_done")
        assert [frame["seq"] for frame in frames] == [*range(21, 40, 2), 40]
        await ask(socket, 5)
        frames = await read_until(socket, "replay_done")
        assert (frames[0]["type"], frames[0]["data"]["oldest"]) == ("replay_incomplete", 20)
        assert "more than 10" in frames[0]["data"]["reason"]
        assert [frame["seq"] for frame in frames[1:]] == [*range(21, 40, 2), 40]


async def test_ten_thousand(feed: Any, samples: Any) -> None:
    event = call_event(samples)
    for _ in range(10_000):
        feed.kept.append(event)
    socket = await feed.open(**MANUAL)
    await ask(socket, 0)
    frames = await read_until(socket, "replay_done")
    assert [frame["seq"] for frame in frames] == [*range(1, 10_001), 10_000]


async def test_live_events_during_a_long_replay_neither_fill_the_queue_nor_come_twice(
    open_feed: Any, samples: Any
) -> None:
    async with open_feed(FeedLimits(max_unread_events=150)) as feed:
        event = call_event(samples)
        for _ in range(5000):
            feed.kept.append(event)
        feed.kept.before_page = lambda: feed.commit(*[event] * 100) if feed.kept.last < 7000 else None
        socket = await feed.open(**MANUAL)
        await ask(socket, 0)
        frames = await read_until(socket, "replay_done")
        last = feed.kept.last
        assert [frame["seq"] for frame in frames[:-1]] == list(range(1, len(frames)))
        feed.commit(event)
        following = len(frames)
        while following <= last + 1:
            assert (await read(socket))["seq"] == following
            following += 1


async def test_other_topics_stay_live_during_a_replay(feed: Any, samples: Any) -> None:
    transcript = Event(EventType.TRANSCRIPT_CREATED, samples.transcript(samples.transcribe(CID)))
    call = call_event(samples)
    feed.commit(*[call] * 500)
    socket = await feed.open(f"{OWN}:transcript:", **MANUAL)
    feed.kept.before_page = lambda: feed.commit(transcript, call)
    await ask(socket, 0, f"{OWN}:call:")
    frames = await read_until(socket, "replay_done")
    feed.kept.before_page = lambda: None
    feed.commit(transcript)
    while (frame := await read(socket))["seq"] != feed.kept.last:
        frames.append(frame)
    frames.append(frame)
    seen = sorted(frame["seq"] for frame in frames if frame["type"] != "replay_done")
    assert seen == list(range(1, feed.kept.last + 1))
    for kind in ("call_updated", "transcript_created"):
        of_kind = [frame["seq"] for frame in frames if frame["type"] == kind]
        assert of_kind == sorted(of_kind)


async def test_speech_events_are_live_only(feed: Any, samples: Any) -> None:
    transcribe = samples.transcribe(CID)
    speech = Event(EventType.TRANSCRIBE_SPEECH_STARTED, samples.speech(transcribe))
    feed.commit(call_event(samples), speech, call_event(samples))  # stored where a webhook waits for it
    socket = await feed.open(**MANUAL)
    await ask(socket, 0)
    assert [frame["seq"] for frame in await read_until(socket, "replay_done")] == [1, 3, 3]
    feed.publish(Event(speech.type, speech.data, seq=3))  # not stored: it carries the number before it
    assert (await read(socket))["type"] == "transcribe_speech_started"


async def test_what_a_client_says_during_a_replay_waits_for_its_end(open_feed: Any, samples: Any) -> None:
    async with open_feed(FeedLimits(max_held_frames=3)) as feed:
        feed.commit(*[call_event(samples) for _ in range(3)])
        hold = asyncio.Event()
        real = feed.kept.last_seq

        async def wait_last_seq() -> int:
            await hold.wait()
            return int(await real())

        feed.kept.last_seq = wait_last_seq
        socket = await feed.open(**MANUAL)
        await ask(socket, 0)
        await feed.subscribe(socket, OWN, kind="unsubscribe")
        await ask(socket, 2)
        await feed.settled(socket)
        hold.set()
        assert [frame["seq"] for frame in await read_until(socket, "replay_done")] == [1, 2, 3, 3]
        assert [frame["seq"] for frame in await read_until(socket, "replay_done")] == [3, 3]
        hold.clear()
        for _ in range(4):
            await ask(socket, 0)
        assert await closed(socket) == (1008, "too many frames during a replay")


async def test_a_topic_that_is_not_allowed_closes_with_since_too(feed: Any) -> None:
    socket = await feed.open(**MANUAL)
    await ask(socket, 0, OWN, f"customer_id:{new_id()}:")
    assert await closed(socket) == (1008, "a topic is not allowed")


async def test_the_store_is_away(feed: Any, samples: Any) -> None:
    async def away(*_values: Any) -> Any:
        raise Unavailable("away")

    feed.kept.since = away
    socket = await feed.open(**MANUAL)
    await ask(socket, 0)
    code, reason = await closed(socket)
    assert (code, "connect again" in reason) == (1013, True)


async def test_a_slow_client_in_a_replay_is_closed_and_slows_nobody(open_feed: Any, samples: Any) -> None:
    limits = FeedLimits(write_seconds=0.3, slow_close_seconds=0.2)
    transcribe = samples.transcribe(CID)
    async with open_feed(limits) as feed:
        big = Event(EventType.TRANSCRIPT_CREATED, samples.transcript(transcribe, message="x" * 30_000))
        for _ in range(2000):
            feed.kept.append(big)
        slow = await feed.open(**MANUAL)
        assert slow._conn is not None
        assert slow._conn.transport is not None
        slow._conn.transport.pause_reading()
        quick = await feed.open(OWN, **MANUAL)
        await ask(slow, 0)
        while feed.feed.open_connections > 1:
            feed.commit(call_event(samples))
            assert (await read(quick))["seq"] == feed.kept.last
        assert feed.kept.pages <= 2  # nothing was read that could not be sent


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    stored=st.integers(0, 450),
    since=st.integers(0, 460),
    lag=st.integers(0, 3),
    during=st.lists(st.integers(0, 60), max_size=6),
)
async def test_the_joint(open_feed: Any, samples: Any, stored: int, since: int, lag: int, during: list[int]) -> None:
    """Whatever is stored and published meanwhile, in whatever lag: each event once, in order, none missing."""
    async with open_feed() as feed:
        event = call_event(samples)
        unpublished: list[Event] = []

        def happen(count: int) -> None:
            for _ in range(count):
                unpublished.append(feed.kept.append(event))
            while len(unpublished) > lag:
                feed.publish(unpublished.pop(0))

        happen(stored)
        counts = iter(during)
        feed.kept.before_page = feed.kept.after_page = lambda: happen(next(counts, 0))
        socket = await feed.open(**MANUAL)
        await ask(socket, min(since, stored))
        frames = await read_until(socket, "replay_done")
        feed.kept.before_page = feed.kept.after_page = lambda: None
        happen(5)
        feed.publish(*unpublished)
        seqs = [frame["seq"] for frame in frames[:-1]]
        expected = list(range(min(since, stored) + 1, feed.kept.last + 1))
        while len(seqs) < len(expected):
            seqs.append((await read(socket))["seq"])
        assert seqs == expected
        await feed.settled(socket)
