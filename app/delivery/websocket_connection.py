"""One WebSocket connection: reads what the client wants, sends its events, watches whether it is still there."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from aiohttp import WSCloseCode, WSMsgType, web

from app.delivery.client_frame import ClientFrame, read_client_frame
from app.delivery.rendered_events import RenderedEvents, numbered
from app.delivery.stored_events import StoredEvents
from app.delivery.websocket_replay import Replayed, done_frame, incomplete_frame, is_replayable
from app.domain.customer import Identity
from app.domain.events import Event
from app.errors import Unavailable
from app.event_bus import Subscription
from app.wire.event import EventText, stored_event_text
from app.wire.topics import Delivery, EventTopics, TopicSet, is_allowed, stored_topics

_MOST_REPLAYED = 100  # remembered until the bus is past them, which is at once


@dataclass(frozen=True, slots=True)
class FeedLimits:
    """The limits of one connection (contract 6)."""

    ping_seconds: float = 10.0
    pong_seconds: float = 60.0
    recheck_seconds: float = 10.0
    """How often it is looked whether the client would still be let in; its key can expire."""
    write_seconds: float = 10.0
    close_seconds: float = 2.0
    """How long a client may take to answer our close."""
    slow_close_seconds: float = 30.0
    """The same for one that was too slow: it gets the time to read what was sent, and the reason behind it."""
    max_unread_events: int = 500
    max_topics: int = 1000
    max_frame_bytes: int = 256 * 1024
    max_replayed_events: int = 10_000
    """The newest of a customer that a replay reaches back to."""
    max_held_frames: int = 100
    """What a client may say while a replay goes on; it is obeyed after it."""


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a connection ends: the close code (RFC 6455, 7.4) and a reason of at most 123 bytes."""

    code: int
    reason: str


CLIENT_LEFT = Ending(WSCloseCode.OK, "")
SERVER_CLOSES = Ending(WSCloseCode.GOING_AWAY, "the server is closing")
TOPIC_NOT_ALLOWED = Ending(WSCloseCode.POLICY_VIOLATION, "a topic is not allowed")
TOO_MANY_TOPICS = Ending(WSCloseCode.POLICY_VIOLATION, "too many topics")
TOO_MANY_FRAMES = Ending(WSCloseCode.POLICY_VIOLATION, "too many frames during a replay")
STORE_AWAY = Ending(WSCloseCode.TRY_AGAIN_LATER, "the stored events cannot be read now; connect again later")
BINARY_FRAME = Ending(WSCloseCode.UNSUPPORTED_DATA, "only text frames are understood")
TOO_SLOW = Ending(WSCloseCode.POLICY_VIOLATION, "too slow: events were lost; connect again, with since")
NOT_ADMITTED = Ending(WSCloseCode.POLICY_VIOLATION, "the token or access key is not valid any more")
NO_PONG = Ending(WSCloseCode.POLICY_VIOLATION, "no pong came back")


class WebsocketConnection:
    """The life of one connection that is already open."""

    def __init__(
        self,
        socket: web.WebSocketResponse,
        identity: Identity,
        events: Subscription,
        stored: StoredEvents,
        rendered: RenderedEvents,
        limits: FeedLimits,
        is_admitted: Callable[[], Awaitable[bool]],
    ) -> None:
        self._socket = socket
        self._is_admitted = is_admitted
        self._is_doubted = asyncio.Event()
        self._identity = identity
        self._events = events
        self._stored = stored
        self._rendered = rendered
        self._limits = limits
        self._topics = TopicSet()
        self._held: deque[ClientFrame] = deque()
        self._replayed: deque[Replayed] = deque(maxlen=_MOST_REPLAYED)
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
                ("admission", self._watch_admission()),
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
        """Do what a client says: at once, or in its turn by the writer where a replay is asked for or goes on."""
        wanted = read_client_frame(text)
        if wanted is None:
            return None
        if wanted.type == "subscribe" and not all(is_allowed(topic, self._identity) for topic in wanted.topics):
            return TOPIC_NOT_ALLOWED
        if not self._held and not wanted.asks_for_replay:
            return self._change_topics(wanted)
        if len(self._held) >= self._limits.max_held_frames:
            return TOO_MANY_FRAMES
        self._held.append(wanted)
        self._events.nudge()
        return None

    def _change_topics(self, wanted: ClientFrame) -> Ending | None:
        for topic in wanted.topics:
            if wanted.type == "unsubscribe":
                self._topics.discard(topic)
            elif len(self._topics) >= self._limits.max_topics:
                return TOO_MANY_TOPICS
            else:
                self._topics.add(topic)
        return None

    async def _write(self) -> Ending:
        """Send events as they come, and replays when they are asked for: one writer, so that neither overtakes."""
        while True:
            while (event := self._events.take()) is not None:
                if not await self._send_live(event):
                    return TOO_SLOW
            if self._held:
                ending = await self._obey_held(self._held[0])
                if ending is not None:
                    return ending
                self._held.popleft()
            elif self._events.is_closed:
                return TOO_SLOW if self._events.is_overrun else SERVER_CLOSES
            else:
                await self._events.wait()

    async def _obey_held(self, wanted: ClientFrame) -> Ending | None:
        ending = self._change_topics(wanted)
        if ending is None and wanted.asks_for_replay:
            try:
                return None if await self._replay(wanted) else TOO_SLOW
            except Unavailable:
                return STORE_AWAY
        return ending

    async def _replay(self, wanted: ClientFrame) -> bool:
        """Send the stored events that these topics match, then what came live in the meantime; False = too slow.

        What comes live and is in the store is read from there: the queue of the bus does not fill up.
        """
        customer_id = self._identity.customer_id
        topics = TopicSet()
        for topic in wanted.topics:
            topics.add(topic)
        span = await self._stored.find_span(customer_id, wanted.since, self._limits.max_replayed_events)
        if span.reason and not await self._send(incomplete_frame(wanted.since, span)):
            return False
        position, sent = span.start, self.sent
        while True:
            while (event := self._events.take()) is not None:  # before the page: it is in that, or in one after it
                if not await self._send_live(event, without=topics):
                    return False
            page = await self._stored.read(customer_id, position)
            for record in page.records:
                names = stored_topics(record.topics)
                if is_replayable(record) and topics.delivery_of(names) is not None:
                    text = numbered(stored_event_text(record), record.seq)
                    if not await self._send_event(text, self._topics.delivery_of(names)):
                        return False
            position = page.end
            if page.is_last:
                break
            if self._events.is_overrun:
                return False
        self._replayed.append(Replayed(topics, position))
        return await self._send(done_frame(wanted.since, self.sent - sent, position))

    async def _send_live(self, event: Event, *, without: TopicSet | None = None) -> bool:
        """Send an event of the bus where it is wanted and was not replayed; False when the client is too slow."""
        if not self._topics or event.customer_id != self._identity.customer_id:
            return True
        rendered = self._rendered.of(event)
        if without is not None and without.delivery_of(rendered.topics) is not None:
            return True
        if any(replayed.had(event, rendered.topics) for replayed in self._replayed):
            return True
        if is_replayable(event):
            while self._replayed and self._replayed[0].end <= event.seq:
                self._replayed.popleft()
        return await self._send_event(rendered.text, self._topics.delivery_of(rendered.topics))

    async def _send_event(self, text: EventText, delivery: Delivery | None) -> bool:
        if delivery is None:
            return True
        self.sent += 1
        return await self._send(text.envelope if delivery is Delivery.ENVELOPE else text.bare)

    async def _send(self, text: str) -> bool:
        return await self._is_taken(self._socket.send_str(text))

    async def _ping(self) -> Ending:
        while True:
            await asyncio.sleep(self._limits.ping_seconds)
            if time.monotonic() - self._heard_at > self._limits.pong_seconds:
                return NO_PONG
            if not await self._is_taken(self._socket.ping()):
                return TOO_SLOW

    def wants(self, customer_id: str, topics: EventTopics) -> bool:
        """Whether the client has subscribed to an event of this customer with these topics; for any thread."""
        return customer_id == self._identity.customer_id and self._topics.delivery_of(topics) is not None

    def doubt(self) -> None:
        """The client's key or agent may be gone: look now, not only at the next regular time."""
        self._is_doubted.set()

    async def _watch_admission(self) -> Ending:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._limits.recheck_seconds):
                    await self._is_doubted.wait()
            self._is_doubted.clear()
            with suppress(Unavailable):  # no reason to turn anybody away; the next look tells
                if not await self._is_admitted():
                    return NOT_ADMITTED

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
