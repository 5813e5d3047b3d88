"""Requests of flows to web addresses: bounded in time, size and redirects, and only to where webhooks may go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from yarl import URL

from app.delivery.webhook_connector import open_webhook_session
from app.delivery.webhook_networks import WebhookNetworks
from app.errors import Unavailable
from app.flow.reach import HttpReply
from app.logs import get_log

log = get_log("flow")

_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """The bounds of one request: `total_seconds` over all redirects, `max_bytes` of the answer's body."""

    total_seconds: float = 10.0
    max_bytes: int = 1_000_000
    max_redirects: int = 3


class FlowHttp:
    """Sends requests; what is logged is the host only, an address may hold secrets."""

    def __init__(self, session: aiohttp.ClientSession, limits: HttpLimits | None = None) -> None:
        self._session = session
        self._limits = limits or HttpLimits()

    async def request(
        self,
        method: str,
        url: str,
        *,
        body: bytes = b"",
        content_type: str = "application/json",
        authorization: str = "",
    ) -> HttpReply:
        """Send one request and return the answer, whatever its status.

        Unavailable says why there is none; AddressRefused where webhooks may not go there.
        """
        limits = self._limits
        headers = {"Content-Type": content_type} if body else {}
        if authorization:
            headers["Authorization"] = authorization
        try:
            async with asyncio.timeout(limits.total_seconds):
                reply, host = await self._follow(method, url, body, headers)
        except TimeoutError:
            raise Unavailable(f"the address gave no answer within {limits.total_seconds:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise Unavailable(f"the address gave no answer: {_describe(error)}") from None
        log.info("request of a flow", method=method, host=host, status=reply.status, answer_bytes=len(reply.body))
        return reply

    async def _follow(self, method: str, url: str, body: bytes, headers: dict[str, str]) -> tuple[HttpReply, str]:
        """Send, and send again where a redirect leads: with method and body, whatever the status."""
        here = _read_url(url)
        for _ in range(self._limits.max_redirects + 1):
            async with self._session.request(
                method,
                here,
                data=body or None,
                headers=headers,
                allow_redirects=False,
                # The time is kept by our caller; this is only to turn aiohttp's own limits off.
                timeout=aiohttp.ClientTimeout(total=None),
            ) as response:
                target = response.headers.get("Location")
                if response.status not in _REDIRECTS or target is None:
                    return HttpReply(response.status, await self._read(response)), here.host or ""
                response.close()
            here = _next_url(here, target)
        raise aiohttp.ClientError(f"more than {self._limits.max_redirects} redirects")

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        parts: list[bytes] = []
        size = 0
        async for part in response.content.iter_any():
            size += len(part)
            if size > self._limits.max_bytes:
                response.close()
                raise aiohttp.ClientError(f"the answer is longer than {self._limits.max_bytes} bytes")
            parts.append(part)
        return b"".join(parts)


@asynccontextmanager
async def open_flow_http(networks: WebhookNetworks, limits: HttpLimits | None = None) -> AsyncIterator[FlowHttp]:
    """Yield a client that reaches public addresses and `networks`; without cookies and proxies."""
    async with open_webhook_session(networks) as session:
        yield FlowHttp(session, limits)


def _read_url(text: str) -> URL:
    url = URL(text)
    if url.scheme not in {"http", "https"} or not url.host:
        raise aiohttp.ClientError("it is no http or https address")
    return url


def _next_url(url: URL, target: str) -> URL:
    following = _read_url(str(url.join(URL(target))))
    if url.scheme == "https" and following.scheme == "http":
        raise aiohttp.ClientError("a redirect from https to http is not followed")
    return following


def _describe(error: Exception) -> str:
    """Return what went wrong, without the address."""
    if isinstance(error, aiohttp.InvalidURL):  # a ClientError and a ValueError whose text is the address
        return "it is no http or https address"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "the host name is unknown"
    if isinstance(error, aiohttp.ClientSSLError):
        return "no TLS connection (a valid certificate, 1.2 at least)"
    if isinstance(error, aiohttp.ClientConnectorError):
        return error.os_error.strerror or "it cannot be reached"
    return str(error) if type(error) is aiohttp.ClientError else "the connection broke"
