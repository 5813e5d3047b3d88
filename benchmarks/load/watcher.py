"""What an integrator sees of the load: the events of the WebSocket, with the moments of their arrival."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from app.domain.timestamps import parse_timestamp
from benchmarks.load.probe import NAME as PROBE
from tests.asterisk.calls.instance import Instance

_TOPICS: Final = ("call", "transcribe", "transcript")


@dataclass(frozen=True, slots=True)
class Heard:
    """A transcript: speech from `start` to `end` and its `arrival` at this client, all wall time in seconds."""

    direction: str
    text: str
    start: float
    end: float
    arrival: float
    is_degraded: bool
    source: str = "speech"


@dataclass(slots=True)
class WatchedCall:
    """An incoming call as the API tells of it; `name` is the caller's."""

    name: str
    began: float
    progressing: float | None = None
    ended: float | None = None
    transcribe_began: float | None = None
    heard: list[Heard] = field(default_factory=list)
    interim_ages: list[tuple[float, float]] = field(default_factory=list)
    """(arrival, seconds from the newest sound in the interim to its arrival)"""
    other_events: dict[str, int] = field(default_factory=dict)


class Watcher:
    """Follows all calls. Made by `open_watcher`. Memory is bounded by `forget`, for loads of an hour."""

    def __init__(self) -> None:
        self.calls: dict[str, WatchedCall] = {}
        """By the caller's name."""
        self.events = 0
        self._by_call: dict[str, WatchedCall] = {}
        self._by_transcribe: dict[str, WatchedCall] = {}
        self._transcribe_began: dict[str, float] = {}

    def forget(self) -> None:
        """Start a new measurement."""
        self.calls.clear()
        self._by_call.clear()
        self._by_transcribe.clear()
        self._transcribe_began.clear()

    def live(self) -> int:
        """Calls that are answered and have not ended."""
        return sum(call.progressing is not None and call.ended is None for call in self.calls.values())

    def take(self, event: dict[str, Any], at: float) -> None:
        """Take one event that arrived `at` (wall time)."""
        self.events += 1
        kind, body = event["type"], event["data"]
        if kind.startswith("transcript_") or kind.startswith("transcribe_speech"):
            self._take_speech(kind, body, at)
        elif kind.startswith("transcribe_"):
            self._take_transcribe(kind, body)
        elif kind.startswith("call_"):
            self._take_call(kind, body, at)

    def _take_call(self, kind: str, body: dict[str, Any], at: float) -> None:
        if body.get("direction") != "incoming" or body["source"]["target"] == PROBE:
            return
        call = self._by_call.get(body["id"])
        if call is None:
            call = self._by_call[body["id"]] = WatchedCall(body["source"]["target"], at)
            self.calls[call.name] = call
        if kind == "call_progressing":
            call.progressing = call.progressing or at
        elif kind == "call_hangup":
            call.ended = call.ended or at
        call.other_events[kind] = call.other_events.get(kind, 0) + 1

    def _take_transcribe(self, kind: str, body: dict[str, Any]) -> None:
        call = self._by_call.get(body.get("reference_id", ""))
        if call is None:
            return
        call.other_events[kind] = call.other_events.get(kind, 0) + 1
        if kind != "transcribe_refused" and "tm_create" in body and body.get("id"):
            call.transcribe_began = parse_timestamp(body["tm_create"]).timestamp()
            self._by_transcribe[body["id"]] = call

    def _take_speech(self, kind: str, body: dict[str, Any], at: float) -> None:
        call = self._by_transcribe.get(body["transcribe_id"])
        if call is None or call.transcribe_began is None:
            return
        if kind == "transcript_created":
            start = call.transcribe_began + timedelta(milliseconds=body["offset_ms"]).total_seconds()
            end = start + body["duration_ms"] / 1000
            degraded, source = bool(body.get("degraded")), body.get("source", "speech")
            call.heard.append(Heard(body["direction"], body["message"], start, end, at, degraded, source))
        elif kind == "transcribe_speech_interim":
            call.interim_ages.append((at, at - parse_timestamp(body["tm_event"]).timestamp()))


@asynccontextmanager
async def open_watcher(instance: Instance) -> AsyncIterator[Watcher]:
    """Follow the customer's calls until the end; the instance's own collecting of events, which never forgets, ends."""
    await instance.stop_following()
    watcher = Watcher()
    async with instance.session.ws_connect(f"{instance.api}/ws", max_msg_size=2**24) as feed:
        topics = [f"customer_id:{instance.customer_id}:{word}:" for word in _TOPICS]
        await feed.send_json({"type": "subscribe", "topics": topics})

        async def follow() -> None:
            async for message in feed:
                watcher.take(json.loads(message.data), time.time())

        following = asyncio.create_task(follow())
        try:
            yield watcher
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
