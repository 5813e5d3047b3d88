"""A webhook receiver of the tests: a real HTTP server whose answers are scripted, and deliveries for it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from app.domain.ids import new_id
from app.domain.timestamps import now
from app.domain.webhook import DeliveryStatus, WebhookDelivery

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Heard:
    """One request as it came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def delivery_id(self) -> str:
        return self.headers["X-Callscribe-Delivery"]


class Receiver:
    """Hears requests; `answer` says what is answered, 200 by default."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.answer: Answer = self.say(200)
        self.port = 0
        self.at_once = 0
        self.most_at_once = 0
        self._runner: web.AppRunner | None = None
        self._has_heard = asyncio.Condition()

    @staticmethod
    def say(status: int, **headers: str) -> Answer:
        async def answer(_request: web.Request) -> web.StreamResponse:
            return web.Response(status=status, headers=headers)

        return answer

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def ids(self) -> list[str]:
        return [each.delivery_id for each in self.heard]

    async def open(self) -> None:
        """Listen, on the port of the last time where there was one."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._hear)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def wait_heard(self, count: int) -> None:
        async with asyncio.timeout(60), self._has_heard:
            await self._has_heard.wait_for(lambda: len(self.heard) >= count)

    async def _hear(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        async with self._has_heard:
            self.heard.append(Heard(request.method, request.path, dict(request.headers), body))
            self._has_heard.notify_all()
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return await self.answer(request)
        finally:
            self.at_once -= 1


@asynccontextmanager
async def open_receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    await receiver.open()
    try:
        yield receiver
    finally:
        await receiver.close()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def delivery(customer_id: str, uri: str, seq: int = 1, **fields: Any) -> WebhookDelivery:
    """A delivery that is due now."""
    moment = now()
    defaults: dict[str, Any] = {
        "id": new_id(),
        "order_key": "call",
        "event_type": "call_created",
        "method": "POST",
        "body": f'{{"type":"call_created","data":{{"number":{seq}}}}}',
        "status": DeliveryStatus.PENDING,
        "tm_create": moment,
        "tm_update": moment,
        "tm_next": moment,
    }
    return WebhookDelivery(customer_id=customer_id, uri=uri, seq=seq, **(defaults | fields))
