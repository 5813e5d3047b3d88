"""A webhook receiver for tests: it can be away, refuse, hang or redirect, and remembers every request."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web

from app.cli.demo import find_free_port

HANG = 0
"""Not a status: no answer at all."""

MOVED = "/moved"


@dataclass(frozen=True)
class Request:
    """One request as it came in; `status` is what it was answered, HANG for nothing."""

    path: str
    method: str
    delivery_id: str
    attempt: int
    signature: str
    body: bytes
    status: int

    @property
    def event(self) -> dict[str, Any]:
        """The event that it tells."""
        return json.loads(self.body)  # type: ignore[no-any-return]

    @property
    def is_accepted(self) -> bool:
        """Whether it was taken: the sender must not send it again."""
        return 200 <= self.status < 300


def always(status: int) -> Callable[[Request], int]:
    """The same answer to everything."""
    return lambda _: status


@dataclass
class Receiver:
    """`answer` says what a request gets: a status, 307 for a redirect to MOVED, HANG for none. MOVED takes all."""

    port: int
    answer: Callable[[Request], int] = field(default_factory=lambda: always(200))
    requests: list[Request] = field(default_factory=list)
    _runner: web.AppRunner | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def uri(self) -> str:
        """Where it is, when it is there."""
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def accepted(self) -> list[Request]:
        """What it took, in order."""
        return [request for request in self.requests if request.is_accepted]

    async def open(self) -> None:
        """Listen from now on."""
        app = web.Application()
        app.router.add_route("*", "/hook", self._take)
        app.router.add_route("*", MOVED, self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def close(self) -> None:
        """Close the port, and break what hangs."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def wait_for(self, condition: Callable[[], object], seconds: float, what: str) -> None:
        """Wait until `condition()`, looked at after every request."""
        try:
            async with asyncio.timeout(seconds):
                while not condition():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            seen = [(request.event["type"], request.attempt, request.status) for request in self.requests]
            raise AssertionError(f"{what}: not within {seconds} s; seen {seen[-40:]}") from None

    async def _take(self, got: web.Request) -> web.Response:
        headers = got.headers
        asked = Request(
            path=got.path,
            method=got.method,
            delivery_id=headers["X-Callscribe-Delivery"],
            attempt=int(headers["X-Callscribe-Attempt"]),
            signature=headers.get("X-VoIPBIN-Signature", ""),
            body=await got.read(),
            status=200,
        )
        status = 200 if got.path == MOVED else self.answer(asked)
        self.requests.append(replace(asked, status=status))
        self._news.set()
        if status == HANG:
            await asyncio.get_running_loop().create_future()
        return web.Response(status=status, headers={"Location": MOVED} if status == 307 else {})


@asynccontextmanager
async def reserve_receiver() -> AsyncIterator[Receiver]:
    """A receiver that is not there yet: its port is closed until `open`."""
    receiver = Receiver(find_free_port())
    try:
        yield receiver
    finally:
        await receiver.close()
