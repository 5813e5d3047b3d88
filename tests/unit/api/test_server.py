"""The server: a port of its own, a clear word when it is taken, a close that frees it."""

import asyncio
import socket
from typing import Any

import aiohttp
import pytest

from app.api.application import build_app
from app.api.ports import ApiContext
from app.api.server import ServerAddress, open_server
from app.errors import InvalidSetting


async def test_a_taken_port_names_the_setting(context: ApiContext) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InvalidSetting, match=f"CALLSCRIBE_HTTP_PORT: port {port} on 127.0.0.1 is taken"):
            async with open_server(build_app(context), "127.0.0.1", port):
                pass


async def test_a_host_that_is_not_ours_names_the_setting(context: ApiContext) -> None:
    with pytest.raises(InvalidSetting, match="CALLSCRIBE_HTTP_HOST"):
        async with open_server(build_app(context), "203.0.113.7", 0):
            pass


async def test_after_the_close_the_port_is_free_and_the_feed_was_told(context: ApiContext, live: Any) -> None:
    async with open_server(build_app(context), "127.0.0.1", 0) as address:
        assert not live.is_feed_closed
        async with aiohttp.ClientSession() as session, session.get(address.url + "/ping") as answer:
            assert answer.status == 200
    assert live.is_feed_closed
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(address.host, address.port)
    async with open_server(build_app(context), "127.0.0.1", address.port) as again:
        assert again == address


def test_the_url_of_an_address() -> None:
    assert ServerAddress("127.0.0.1", 80).url == "http://127.0.0.1:80"
    assert ServerAddress("::1", 80).url == "http://[::1]:80"
