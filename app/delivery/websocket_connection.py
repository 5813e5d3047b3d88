"""One WebSocket connection: reads what the client wants, sends its events, watches whether it is still there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass

from aiohttp import WSCloseCode, WSMsgType, web

from app.delivery.client_frame import read_client_frame
from app.delivery.rendered_events import RenderedEvents
from app.domain.customer import Identity
from app.event_bus import Subscription
from app.wire.topics import Delivery, TopicSet, is_allowed


@dataclass(frozen=True, slots=True)
class FeedLimits:
    """The limits of one connection (contract 6)."""

    ping_seconds: float = 10.0
    pong_seconds: float = 60.0
    write_seconds: float = 10.0
    close_seconds: float = 2.0
    """How long a client may take to answer our close."""
    slow_close_seconds: float = 30.0
    """The same for one that was too slow: it gets the time to read what was sent, and the reason behind it."""
    max_unread_events: int = 500
    max_topics: int = 1000
    max_frame_bytes: int = 256 * 1024


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a connection ends: the close code (RFC 6455, 7.4) and a reason of at most 123 bytes."""

    code: int
    reason: str


CLIENT_LEFT = Ending(WSCloseCode.OK, "")
SERVER_CLOSES = Ending(WSCloseCode.GOING_AWAY, "the server is closing")
TOPIC_NOT_ALLOWED = Ending(WSCloseCode.POLICY_VIOLATION, "a topic is not allowed")
TOO_MANY_TOPICS = Ending(WSCloseCode.POLICY_VIOLATION, "too many topics")
BINARY_FRAME = Ending(WSCloseCode.UNSUPPORTED_DATA, "only text frames are understood")
TOO_SLOW = Ending(WSCloseCode.POLICY_VIOLATION, "too slow: events were lost; connect again and read the rest by REST")
NO_PONG = Ending(WSCloseCode.POLICY_VIOLATION, "no pong came back")


class WebsocketConnection:
    """The life of one connection that is already open."""

    def __init__(
        self,
        socket: web.WebSocketResponse,
        identity: Identity,
        events: Subscription,
        rendered: RenderedEvents,
        limits: FeedLimits,
    ) -> None:
        self._socket = socket
        self._identity = identity
        self._events = events
        self._rendered = rendered
        self._limits = limits
        self._topics = TopicSet()
        self._heard_at = time.monotonic()
        self.sent = 0

    async def live(self, closing: asyncio.Event) -> Ending:
        """Serve until the client leaves, does what is not allowed, is too slow, or `closing` is set; return why."""
        tasks = [
            asyncio.create_task(part, name=f"websocket {name}")
            for name, part in (
                ("reader", self._read()),
                ("writer", self._write()),
                ("pinger", self._ping()),
                ("closing", self._wait_for(closing)),
            )
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return next(task.result() for task in tasks if task in done)
        except ConnectionError:  # it went while something was being sent
            return CLIENT_LEFT
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self) -> Ending:
        while True:
            frame = await self._socket.receive()
            self._heard_at = time.monotonic()
            if frame.type is WSMsgType.TEXT:
                ending = self._obey(frame.data)
                if ending is not None:
                    return ending
            elif frame.type is WSMsgType.BINARY:
                return BINARY_FRAME
            elif frame.type is WSMsgType.PING:
                await self._is_taken(self._socket.pong(frame.data))
            elif frame.type is not WSMsgType.PONG:
                return CLIENT_LEFT

    def _obey(self, text: str) -> Ending | None:
        wanted = read_client_frame(text)
        if wanted is None:
            return None
        if wanted.type == "unsubscribe":
            for topic in wanted.topics:
                self._topics.discard(topic)
            return None
        for topic in wanted.topics:
            if not is_allowed(topic, self._identity):
                return TOPIC_NOT_ALLOWED
            if len(self._topics) >= self._limits.max_topics:
                return TOO_MANY_TOPICS
            self._topics.add(topic)
        return None

    async def _write(self) -> Ending:
        async for event in self._events:
            if not self._topics or event.customer_id != self._identity.customer_id:
                continue
            rendered = self._rendered.of(event)
            delivery = self._topics.delivery_of(rendered.topics)
            if delivery is None:
                continue
            text = rendered.text.envelope if delivery is Delivery.ENVELOPE else rendered.text.bare
            if not await self._is_taken(self._socket.send_str(text)):
                return TOO_SLOW
            self.sent += 1
        return TOO_SLOW if self._events.is_overrun else SERVER_CLOSES

    async def _ping(self) -> Ending:
        while True:
            await asyncio.sleep(self._limits.ping_seconds)
            if time.monotonic() - self._heard_at > self._limits.pong_seconds:
                return NO_PONG
            if not await self._is_taken(self._socket.ping()):
                return TOO_SLOW

    async def _is_taken(self, sending: Awaitable[None]) -> bool:
        """Await the sending of a frame; False when the client took nothing for too long."""
        try:
            async with asyncio.timeout(self._limits.write_seconds):
                await sending
        except TimeoutError:
            return False
        return True

    @staticmethod
    async def _wait_for(closing: asyncio.Event) -> Ending:
        await closing.wait()
        return SERVER_CLOSES
