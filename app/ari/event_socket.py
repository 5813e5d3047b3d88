"""One connection to ARI's WebSocket: events come out of it in order, REST requests go in and are answered on it.

REST over the WebSocket: Asterisk 22.4 and later,
https://docs.asterisk.org/Configuration/Interfaces/Asterisk-REST-Interface-ARI/ARI-REST-over-WebSocket/
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from itertools import count

import aiohttp
from pydantic_core import to_json

from app.ari.errors import AriDisconnected, AriRefused, AriTimeout
from app.ari.events import AriEvent, parse_message
from app.ari.models import RestResponse
from app.logs import get_log

log = get_log("event_socket")

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
"""A listing of some thousand channels is one message of a few megabytes."""

CLOSE_TIMEOUT_SECONDS = 1.0


def events_url(url: str, application: str) -> str:
    """Return the WebSocket's address for `url` (`http://host:8088`, with or without `/ari`)."""
    root = url.rstrip("/").removesuffix("/events").removesuffix("/ari")
    scheme, _, rest = root.partition("://")
    socket_scheme = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}[scheme.lower()]
    return f"{socket_scheme}://{rest}/ari/events?app={application}&subscribeAll=false"


class EventSocket:
    """An open connection. `read` must run for requests to be answered."""

    def __init__(self, websocket: aiohttp.ClientWebSocketResponse) -> None:
        self._websocket = websocket
        self._pending: dict[str, asyncio.Future[RestResponse]] = {}
        self._numbers = count(1)
        self._lost: AriDisconnected | None = None

    async def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Mapping[str, object] | None,
        timeout_seconds: float,
    ) -> object:
        """Send one REST request; return its parsed answer. Raises AriRefused, AriTimeout, AriDisconnected."""
        if self._lost is not None:
            raise self._lost
        request_id = str(next(self._numbers))
        answer: asyncio.Future[RestResponse] = asyncio.get_running_loop().create_future()
        self._pending[request_id] = answer
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._websocket.send_str(_request_text(request_id, method, path, query, body))
                response = await answer
        except TimeoutError:
            raise AriTimeout(
                f"Asterisk did not answer {method} {path} within {timeout_seconds} s", method=method, path=path
            ) from None
        except aiohttp.ClientConnectionError as error:
            raise AriDisconnected(f"the connection to Asterisk was lost during {method} {path}: {error}") from error
        finally:
            self._pending.pop(request_id, None)
            if answer.done() and not answer.cancelled():
                answer.exception()  # read it, even when sending failed first: asyncio complains of unread ones
        if response.status_code >= 400:
            raise AriRefused(response.status_code, response.complaint, path, method=method)
        return response.body

    async def read(self, on_event: Callable[[AriEvent], None]) -> str:
        """Hand on every event, in order, until the connection ends; return why it did. Then all requests fail."""
        cause = "it was cancelled"
        try:
            cause = await self._read(on_event)
        finally:
            self._fail_pending(f"the connection to Asterisk was lost: {cause}")
        return cause

    async def _read(self, on_event: Callable[[AriEvent], None]) -> str:
        while True:
            frame = await self._websocket.receive()
            if frame.type is aiohttp.WSMsgType.TEXT:
                self._take(frame.data, on_event)
            elif frame.type is aiohttp.WSMsgType.ERROR:
                return f"{type(frame.data).__name__}: {frame.data}" if frame.data else "broken"
            elif frame.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.CLOSED):
                return f"closed with code {self._websocket.close_code}"

    def _take(self, text: str, on_event: Callable[[AriEvent], None]) -> None:
        try:
            message = parse_message(text)
        except ValueError:
            log.warning("unreadable message from Asterisk", length=len(text))
            return
        if not isinstance(message, RestResponse):
            on_event(message)
            return
        answer = self._pending.get(message.request_id)
        if answer is not None and not answer.done():
            answer.set_result(message)
        else:
            log.debug("answer to a request that nobody waits for", status=message.status_code)

    def _fail_pending(self, reason: str) -> None:
        self._lost = AriDisconnected(reason)
        for answer in self._pending.values():
            if not answer.done():
                answer.set_exception(AriDisconnected(reason))

    def give_up(self, reason: str) -> None:
        """Fail all requests that wait, and all that follow, with AriDisconnected; events still come."""
        self._fail_pending(reason)

    async def close(self) -> None:
        """Close the connection; `read` ends."""
        await self._websocket.close()


def _request_text(
    request_id: str, method: str, path: str, query: Mapping[str, str], body: Mapping[str, object] | None
) -> str:
    request: dict[str, object] = {
        "type": "RESTRequest",
        "transaction_id": request_id,
        "request_id": request_id,
        "method": method,
        "uri": path.lstrip("/"),
    }
    if query:
        request["query_strings"] = [{"name": name, "value": value} for name, value in query.items()]
    if body is not None:
        request["content_type"] = "application/json"
        request["message_body"] = to_json(body).decode()
    return to_json(request).decode()


@asynccontextmanager
async def open_event_socket(
    session: aiohttp.ClientSession,
    url: str,
    user: str,
    password: str,
    application: str,
    *,
    heartbeat_seconds: float,
    timeout_seconds: float,
) -> AsyncIterator[EventSocket]:
    """Connect; AriDisconnected says why it failed, AriRefused (401, 403) that user or password are wrong.

    Pings go out every `heartbeat_seconds`; without an answer within half of it the connection counts as lost.
    """
    headers = {"Authorization": aiohttp.encode_basic_auth(user, password)}
    try:
        async with asyncio.timeout(timeout_seconds):
            websocket = await session.ws_connect(
                events_url(url, application),
                headers=headers,
                heartbeat=heartbeat_seconds,
                max_msg_size=MAX_MESSAGE_BYTES,
                timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_TIMEOUT_SECONDS),
            )
    except aiohttp.WSServerHandshakeError as error:
        if error.status in {401, 403}:
            raise AriRefused(error.status, f"wrong user or password for {url}", "/events") from error
        raise AriDisconnected(
            f"{url} answers, but not as Asterisk's ARI does: HTTP {error.status} instead of a WebSocket "
            "(are http.conf and ari.conf enabled, res_ari and res_http_websocket loaded?)"
        ) from error
    except TimeoutError:
        raise AriDisconnected(f"{url} did not answer within {timeout_seconds} s") from None
    except (aiohttp.ClientError, OSError) as error:
        raise AriDisconnected(f"cannot connect to Asterisk at {url}: {error}") from error
    socket = EventSocket(websocket)
    try:
        yield socket
    finally:
        await socket.close()
