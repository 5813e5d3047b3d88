"""The relay on real sockets: `asterisk` is the test's connection to it, `program` the other side's."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from app.errors import Unavailable
from app.media.audiosocket_relay import open_audiosocket_relay

UUID = "8c5a9e2a-2a7f-4a6f-9f1d-debd72c279ce"
HELLO = b"\x01\x00\x10" + bytes.fromhex(UUID.replace("-", ""))
SOUND = b"\x10\x01\x40" + bytes(range(160)) * 2
HANGUP = b"\x00\x00\x00"


@dataclass
class End:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def is_quiet(self) -> bool:
        try:
            async with asyncio.timeout(0.2):
                return await self.reader.read(1) == b"?"
        except TimeoutError:
            return True

    async def has_ended(self) -> bool:
        try:
            async with asyncio.timeout(5):
                return await self.reader.read() == b""
        except ConnectionError:
            return True


@asynccontextmanager
async def open_ends(hello: bytes = HELLO) -> AsyncIterator[tuple[End, End]]:
    """Both ends of a relay, the program's first, after Asterisk said hello."""
    arrived: asyncio.Queue[End] = asyncio.Queue()
    server = await asyncio.start_server(lambda *streams: arrived.put_nowait(End(*streams)), "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    async with server, open_audiosocket_relay("127.0.0.1", host, port, uuid=UUID) as (relay_host, relay_port):
        program = await arrived.get()
        asterisk = End(*await asyncio.open_connection(relay_host, relay_port))
        asterisk.writer.write(hello)
        try:
            yield program, asterisk
        finally:
            asterisk.writer.close()
            program.writer.close()


async def test_messages_go_both_ways() -> None:
    async with open_ends() as (program, asterisk):
        assert await program.reader.readexactly(len(HELLO)) == HELLO
        asterisk.writer.write(SOUND)
        assert await program.reader.readexactly(len(SOUND)) == SOUND
        program.writer.write(SOUND + SOUND)
        assert await asterisk.reader.readexactly(2 * len(SOUND)) == SOUND + SOUND


@pytest.mark.parametrize("part", [1, 2, 3, 100])
async def test_a_message_that_is_not_whole_waits_here(part: int) -> None:
    async with open_ends() as (program, asterisk):
        program.writer.write(SOUND[:part])
        assert await asterisk.is_quiet()
        program.writer.write(SOUND[part:])
        assert await asterisk.reader.readexactly(len(SOUND)) == SOUND


async def test_a_program_that_does_not_read_stops_nobody() -> None:
    async with open_ends() as (program, asterisk):
        assert await program.reader.readexactly(len(HELLO)) == HELLO
        program.reader._transport.pause_reading()  # type: ignore[attr-defined]
        async with asyncio.timeout(30):
            for _ in range(40_000):
                asterisk.writer.write(SOUND)
                await asterisk.writer.drain()
        program.writer.write(SOUND)
        assert await asterisk.reader.readexactly(len(SOUND)) == SOUND


@pytest.mark.parametrize("is_program", [True, False])
async def test_who_hangs_up_ends_both(is_program: bool) -> None:
    async with open_ends() as (program, asterisk):
        assert await program.reader.readexactly(len(HELLO)) == HELLO
        one, other = (program, asterisk) if is_program else (asterisk, program)
        one.writer.write(HANGUP)
        assert await other.reader.readexactly(len(HANGUP)) == HANGUP
        assert await other.has_ended()


async def test_a_connection_that_breaks_ends_both() -> None:
    async with open_ends() as (program, asterisk):
        program.writer.write(SOUND[:50])
        program.writer.close()
        assert await asterisk.has_ended()


async def test_a_stranger_is_not_passed_on() -> None:
    async with open_ends(hello=HELLO[:-1] + b"\x00") as (program, asterisk):
        assert await asterisk.has_ended()
        assert await program.is_quiet()


async def test_the_end_of_the_relay_ends_both() -> None:
    async with open_ends() as (program, asterisk):
        assert await program.reader.readexactly(len(HELLO)) == HELLO
    assert await program.has_ended()
    assert await asterisk.has_ended()


async def test_nobody_answers() -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    server.close()
    await server.wait_closed()
    with pytest.raises(Unavailable, match=f"no AudioSocket server answers at 127.0.0.1:{port}"):
        async with open_audiosocket_relay("127.0.0.1", host, port, uuid=UUID):
            pass
