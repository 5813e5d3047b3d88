"""external_media_start on the real Asterisk: RTP and AudioSocket, both ways."""

import asyncio
import socket
import struct
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from app.cli.demo import find_free_port, find_free_udp_range
from tests.asterisk.calls.conversation import write_script
from tests.asterisk.calls.instance import Instance
from tests.asterisk.calls.sip_peer import open_sip_peer
from tests.asterisk.flows.phones import wait_loud
from tests.speech_files import english_files

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(60)]


RTP_PORT, TCP_PORT = find_free_udp_range(2), find_free_port()


@contextmanager
def open_udp() -> Iterator[socket.socket]:
    """The program that speaks RTP."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as bound:
        bound.bind(("127.0.0.1", RTP_PORT))
        bound.setblocking(False)
        yield bound


UUID = "8c5a9e2a-2a7f-4a6f-9f1d-debd72c279ce"


def start(port: int, **option: Any) -> dict[str, Any]:
    host = f"127.0.0.1:{port}"
    return {"type": "external_media_start", "option": {"external_host": host, "direction_speak": "out", **option}}


WAIT = {"type": "sleep", "option": {"duration": 6000}}
STOP = {"type": "external_media_stop"}
FLOWS = {
    "media-rtp": {
        "numbers": ["7521"],
        "language": "en-US",
        "actions": [{"type": "answer"}, start(RTP_PORT, direction_listen="in"), WAIT, STOP, WAIT],
    },
    "media-audiosocket": {
        "numbers": ["7522"],
        "language": "en-US",
        "actions": [
            {"type": "answer"},
            start(TCP_PORT, encapsulation="audiosocket", format="slin", direction_listen="in", data=UUID),
            WAIT,
        ],
    },
    "media-none": {
        "numbers": ["7524"],
        "language": "en-US",
        "actions": [{"type": "answer"}, WAIT],
    },
    "media-elsewhere": {
        "numbers": ["7523"],
        "language": "en-US",
        "actions": [
            {"type": "answer"},
            {"type": "external_media_start", "option": {"external_host": "192.0.2.1:5004"}},
        ],
    },
}


async def is_silent(loop: asyncio.AbstractEventLoop, udp: socket.socket) -> bool:
    """Whether nothing comes for a second, after what waits."""
    for _ in range(1000):
        try:
            await asyncio.wait_for(loop.sock_recvfrom(udp, 2048), 1)
        except TimeoutError:
            return True
    return False


async def test_rtp_goes_out_and_comes_back(running5: Instance, tmp_path: Path) -> None:
    voice = write_script(english_files()[9:10], tmp_path / "voice.wav").wav
    loop = asyncio.get_running_loop()
    with open_udp() as udp:
        async with open_sip_peer("+15550521") as caller:
            calling = await caller.call(running5.sip_uri("7521"))
            await calling.wait_answered()
            calling.start_saying(voice)
            loud = 0
            for _ in range(200):
                datagram, source = await asyncio.wait_for(loop.sock_recvfrom(udp, 2048), 5)
                assert (datagram[1] & 0x7F, len(datagram)) == (0, 172)  # ulaw, 20 ms
                loud += len(set(datagram[12:])) > 30
                # An echo: what is heard comes back.
                await loop.sock_sendto(udp, datagram, source)
            assert loud > 40
            await wait_loud(calling, "the echo")
            assert await is_silent(loop, udp), "it was stopped"
            assert not calling.has("ended")
            await calling.hang_up()


async def test_audiosocket_knows_the_call_by_its_uuid(running5: Instance, tmp_path: Path) -> None:
    voice = write_script(english_files()[9:10], tmp_path / "voice.wav").wav
    arrived: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    server = await asyncio.start_server(lambda *streams: arrived.put_nowait(streams), "127.0.0.1", TCP_PORT)
    async with server, open_sip_peer("+15550522") as caller:
        calling = await caller.call(running5.sip_uri("7522"))
        reader, writer = await asyncio.wait_for(arrived.get(), 10)
        kind, length = struct.unpack("!BH", await reader.readexactly(3))
        assert (kind, (await reader.readexactly(length)).hex()) == (1, UUID.replace("-", ""))
        calling.start_saying(voice)
        for _ in range(150):
            kind, length = struct.unpack("!BH", await asyncio.wait_for(reader.readexactly(3), 5))
            content = await reader.readexactly(length)
            assert (kind, length) == (0x10, 320)
            writer.write(struct.pack("!BH", kind, length) + content)
        await wait_loud(calling, "the echo")
        await calling.hang_up()
        async with asyncio.timeout(5):
            while await reader.read(4096):
                pass
        writer.close()


async def test_half_a_message_stops_nobody_else(running5: Instance) -> None:
    arrived: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    server = await asyncio.start_server(lambda *streams: arrived.put_nowait(streams), "127.0.0.1", TCP_PORT)
    async with server, open_sip_peer("+15550522") as caller, open_sip_peer("+15550524") as other:
        calling = await caller.call(running5.sip_uri("7522"))
        _, writer = await asyncio.wait_for(arrived.get(), 10)
        # Asterisk itself would wait for the rest of it, and with it everything that looks at its channels.
        writer.write(b"\x10")
        await asyncio.sleep(1)
        ringing = await other.call(running5.sip_uri("7524"))
        await ringing.wait_answered()
        await ringing.hang_up()
        assert not calling.has("ended")
        await calling.hang_up()
        writer.close()


async def test_other_places_are_not_reached(running5: Instance) -> None:
    async with open_sip_peer("+15550523") as caller:
        calling = await caller.call(running5.sip_uri("7523"))
        await calling.wait_ended()
    assert "CALLSCRIBE_MEDIA_DESTINATIONS" in await running5.log_text()
    async with asyncio.timeout(10):
        while (await running5.residue())["channels"]:
            await asyncio.sleep(0.1)
