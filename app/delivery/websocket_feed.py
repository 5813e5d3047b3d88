"""`/v1.0/ws`: the live feed of events to every client that subscribed (contract 6, 10 row 5)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from aiohttp import web

from app.delivery.rendered_events import RenderedEvents
from app.delivery.stored_events import EventTable, StoredEvents
from app.delivery.websocket_connection import CLIENT_LEFT, TOO_SLOW, Ending, FeedLimits, WebsocketConnection
from app.domain.customer import Identity
from app.event_bus import EventBus
from app.logs import get_log

log = get_log("websocket")


async def _admit(_identity: Identity) -> bool:
    return True


class WebsocketFeed:
    """Serves WebSocket connections from the event bus; each has its own bounded queue, so none slows another."""

    def __init__(
        self,
        bus: EventBus,
        events: EventTable,
        limits: FeedLimits | None = None,
        *,
        is_admitted: Callable[[Identity], Awaitable[bool]] = _admit,
    ) -> None:
        """`is_admitted` tells whether a client whose connection is open would still be let in."""
        self._bus = bus
        self._is_admitted = is_admitted
        self._connections: set[WebsocketConnection] = set()
        self._stored = StoredEvents(events)
        self._limits = limits or FeedLimits()
        self._rendered = RenderedEvents()
        self._closing = asyncio.Event()
        self.open_connections = 0
        self.too_slow = 0
        """How many clients were sent away because they did not keep up."""

    async def serve(self, request: web.Request, identity: Identity) -> web.WebSocketResponse:
        """Serve one connection until it ends. Raises aiohttp's HTTPBadRequest for what is no WebSocket request."""
        limits = self._limits
        # compression would cost every event CPU per connection and gain little on texts this short;
        # `timeout` bounds the close alone, and _say_goodbye bounds it further
        socket = web.WebSocketResponse(
            autoping=False, compress=False, max_msg_size=limits.max_frame_bytes, timeout=limits.slow_close_seconds
        )
        with self._bus.subscribe(limit=limits.max_unread_events) as events:
            await socket.prepare(request)
            connection = WebsocketConnection(
                socket, identity, events, self._stored, self._rendered, limits, partial(self._is_admitted, identity)
            )
            self._connections.add(connection)
            self.open_connections += 1
            log.info("websocket opened", customer_id=identity.customer_id)
            ending = CLIENT_LEFT
            try:
                ending = await connection.live(self._closing)
            finally:
                self.open_connections -= 1
                self.too_slow += ending is TOO_SLOW
                self._connections.discard(connection)
                log.info("websocket closed", code=int(ending.code), reason=ending.reason, sent=connection.sent)
        await self._say_goodbye(request, socket, ending)
        return socket

    def readers(self) -> tuple[WebsocketConnection, ...]:
        """The clients that are connected now; for any thread."""
        return tuple(self._connections)

    def recheck(self) -> None:
        """Look now whether every client would still be let in, and close the connections of those who would not."""
        for connection in self._connections:
            connection.doubt()

    async def close(self) -> None:
        """Begin to close every connection with 1001, those that come later too."""
        self._closing.set()

    async def _say_goodbye(self, request: web.Request, socket: web.WebSocketResponse, ending: Ending) -> None:
        """Close with the reason; what the client does not take in time is thrown away with the connection."""
        if ending is CLIENT_LEFT:
            return
        transport = request.transport
        patience = self._limits.slow_close_seconds if ending is TOO_SLOW else self._limits.close_seconds
        try:
            async with asyncio.timeout(patience):
                # no drain: the close frame goes behind what already waits, its reader may be a slow one
                await socket.close(code=ending.code, message=ending.reason.encode(), drain=False)
        except TimeoutError:
            log.info("websocket client did not read its close", code=int(ending.code))
        finally:
            if transport is not None and transport.get_write_buffer_size():
                transport.abort()
