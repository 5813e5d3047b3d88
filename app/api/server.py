"""The server: binds the port, and closes without cutting off what is being answered."""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from app.errors import InvalidSetting
from app.logs import get_log

log = get_log("server")

_CLOSE_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where the server listens; `port` is the real one when 0 was asked for."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """The root as an HTTP URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


@asynccontextmanager
async def open_server(app: web.Application, host: str, port: int) -> AsyncIterator[ServerAddress]:
    """Serve `app` on `host`:`port`; InvalidSetting says which setting is wrong when that cannot be bound.

    At the end the WebSockets are closed with 1001, requests get 3 s to finish, and the port is free.
    """
    # no access log: request lines hold tokens
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=_CLOSE_SECONDS)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise _refused(host, port, error) from error
        address = ServerAddress(host, runner.addresses[0][1])
        log.info("server opened", url=address.url)
        yield address
    finally:
        await runner.cleanup()


def _refused(host: str, port: int, error: OSError) -> InvalidSetting:
    if error.errno == errno.EADDRINUSE:
        return InvalidSetting(
            "CALLSCRIBE_HTTP_PORT", f"port {port} on {host} is taken by another program; choose a free one"
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return InvalidSetting("CALLSCRIBE_HTTP_PORT", f"this user may not use port {port}; choose one above 1023")
    return InvalidSetting("CALLSCRIBE_HTTP_HOST", f"cannot listen on {host}: {error.strerror or error}")
