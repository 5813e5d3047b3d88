"""Connections to webhook receivers: the address that was checked is the one that is connected to (no DNS rebinding)."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.connector import AddrInfoType

from app.delivery.webhook_networks import WebhookNetworks
from app.errors import CallscribeError

_MAX_KEPT_SECONDS = 15.0


class AddressRefused(CallscribeError):
    """A webhook's host is, or its name leads to, an address that webhooks may not reach."""

    code = "ADDRESS_REFUSED"

    def __init__(self, host: str, address: str) -> None:
        super().__init__(
            f"{host} is not a public address and not in a network of CALLSCRIBE_WEBHOOK_NETWORKS", address=address
        )


class CheckedResolver(AbstractResolver):
    """Looks names up and refuses those of which any address may not be reached."""

    def __init__(self, networks: WebhookNetworks, resolver: AbstractResolver) -> None:
        self._networks = networks
        self._resolver = resolver

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of `host`. OSError when there are none, AddressRefused when one may not be reached."""
        found = await self._resolver.resolve(host, port, family)
        for each in found:
            if not self._networks.allow(each["host"]):
                raise AddressRefused(host, each["host"])
        return found

    async def close(self) -> None:
        """Close the resolver behind."""
        await self._resolver.close()


@asynccontextmanager
async def open_webhook_session(
    networks: WebhookNetworks, resolver: AbstractResolver | None = None
) -> AsyncIterator[aiohttp.ClientSession]:
    """Yield a session for webhooks: TLS 1.2 at least, checked addresses, no proxies, no cookies, nothing unpacked.

    An address that may not be reached raises AddressRefused out of the request.
    """

    def make_socket(info: AddrInfoType) -> socket.socket:
        # The last line: an address in the URL itself does not pass the resolver.
        family, kind, protocol, _, target = info
        if not networks.allow(str(target[0])):
            raise AddressRefused(str(target[0]), str(target[0]))
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        return made

    connector = aiohttp.TCPConnector(
        resolver=CheckedResolver(networks, resolver or aiohttp.ThreadedResolver()),
        ssl=await asyncio.to_thread(_tls),
        socket_factory=make_socket,
        use_dns_cache=False,
        keepalive_timeout=_MAX_KEPT_SECONDS,
        limit=0,  # the sender counts, by receiver and customer
        happy_eyeballs_delay=None,
    )
    session = aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "Callscribe"},
        skip_auto_headers=("Accept-Encoding",),
        auto_decompress=False,
        read_bufsize=4096,
    )
    async with session:
        yield session


def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
