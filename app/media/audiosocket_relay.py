"""AudioSocket with a relay of ours between Asterisk and the program that speaks it.

Asterisk reads a message of AudioSocket with blocking reads while it holds the channel's lock, and writes with blocking
writes (Asterisk 22, res_audiosocket): a program that sends half a message, or that reads no more, keeps that lock for
ever, and with it every request that looks at the channel. Measured: one byte of a message stopped all calls. So it
gets whole messages only, and what it sends is always read.

A message is kind (1 byte), length (2 bytes, big-endian), content (docs.asterisk.org: AudioSocket).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final
from uuid import UUID

from app.errors import Unavailable
from app.logs import get_log

log = get_log("media")

CONNECT_SECONDS: Final = 5.0
MOST_WAITING_BYTES: Final = 64 * 1024
"""Four seconds of 8 kHz: a program that is further behind gets no more sound until it has read some."""

_HANGUP, _ID = 0x00, 0x01
_FIRST_SOUND, _LAST_SOUND = 0x10, 0x18
_HEAD_BYTES: Final = 3
_FAILURES = (OSError, asyncio.IncompleteReadError, TimeoutError)


@asynccontextmanager
async def open_audiosocket_relay(
    listen_host: str, host: str, port: int, *, uuid: str, timeout_seconds: float = CONNECT_SECONDS
) -> AsyncIterator[tuple[str, int]]:
    """Connect with the program at host:port; yields where Asterisk is to connect instead. Both are closed at the end.

    Only the connection that begins with `uuid` is passed on. Unavailable where nobody answers at host:port.
    """
    try:
        async with asyncio.timeout(timeout_seconds):
            reader, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError) as error:
        raise Unavailable(f"no AudioSocket server answers at {host}:{port}: {error or 'no answer'}") from error
    relay = _Relay(reader, writer, UUID(uuid).bytes, timeout_seconds)
    try:
        server = await asyncio.start_server(relay.serve, listen_host, 0)
    except OSError:
        writer.close()
        raise
    try:
        address = server.sockets[0].getsockname()
        yield address[0], address[1]
    finally:
        server.close()
        await relay.close()
        if relay.left_out:
            log.warning("AudioSocket server reads too slowly", host=host, port=port, left_out_messages=relay.left_out)


class _Relay:
    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, uuid: bytes, timeout_seconds: float
    ) -> None:
        self.left_out = 0
        self._outer = (reader, writer)
        self._hello = _message(_ID, uuid)
        self._timeout_seconds = timeout_seconds
        self._is_taken = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on what Asterisk and the program say, until one of them ends."""
        task = asyncio.current_task()
        assert task is not None  # asyncio serves each connection in a task of its own
        self._tasks.add(task)
        try:
            with suppress(*_FAILURES):
                async with asyncio.timeout(self._timeout_seconds):
                    hello = await reader.readexactly(len(self._hello))
                if hello == self._hello and not self._is_taken:
                    self._is_taken = True
                    self._outer[1].write(hello)
                    await self._pass_on(reader, writer)
        except asyncio.CancelledError:
            pass  # by close(); asyncio would report it as a fault of the server
        finally:
            writer.close()
            self._tasks.discard(task)

    async def close(self) -> None:
        """End both connections."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._outer[1].close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        outwards = asyncio.create_task(self._to_program(reader))
        inwards = asyncio.create_task(self._to_asterisk(writer))
        try:
            await asyncio.wait((outwards, inwards), return_when=asyncio.FIRST_COMPLETED)
        finally:
            outwards.cancel()
            inwards.cancel()
            await asyncio.gather(outwards, inwards, return_exceptions=True)
            self._outer[1].close()

    async def _to_program(self, reader: asyncio.StreamReader) -> None:
        writer = self._outer[1]
        with suppress(*_FAILURES):
            while True:
                kind, message = await _read(reader)
                is_sound = _FIRST_SOUND <= kind <= _LAST_SOUND
                if is_sound and writer.transport.get_write_buffer_size() > MOST_WAITING_BYTES:
                    self.left_out += 1
                    continue
                writer.write(message)
                if kind == _HANGUP:
                    return

    async def _to_asterisk(self, writer: asyncio.StreamWriter) -> None:
        # Nothing of a message waits here while Asterisk reads the one before.
        writer.transport.set_write_buffer_limits(high=0)
        with suppress(*_FAILURES):
            while True:
                kind, message = await _read(self._outer[0])
                writer.write(message)
                await writer.drain()
                if kind == _HANGUP:
                    return


async def _read(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """One message: its kind, and all of it."""
    head = await reader.readexactly(_HEAD_BYTES)
    return head[0], head + await reader.readexactly(int.from_bytes(head[1:], "big"))


def _message(kind: int, content: bytes) -> bytes:
    return bytes([kind]) + len(content).to_bytes(2, "big") + content
