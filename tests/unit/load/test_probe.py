import asyncio
import struct
from typing import Any

from app.media.g711 import decode_ulaw
from benchmarks.load.lasting import probe_figures
from benchmarks.load.pcap import encode_ulaw
from benchmarks.load.probe import Probed, probe_once
from benchmarks.load.probe_sound import digit_event, is_sound


def rtp(payload: bytes, kind: int = 0) -> bytes:
    return struct.pack(">BBHII", 0x80, kind, 1, 160, 7) + payload


def test_a_digit_event() -> None:
    assert digit_event(5, 800, is_end=True) == bytes([5, 0x8A, 3, 32])
    assert digit_event(5, 160) == bytes([5, 0x0A, 0, 160])


def test_what_is_sound() -> None:
    quiet, loud = struct.pack("<160h", *[40] * 160), struct.pack("<160h", *[40] * 159, -3000)
    assert decode_ulaw(encode_ulaw(loud))
    assert not is_sound(rtp(encode_ulaw(quiet)))
    assert is_sound(rtp(encode_ulaw(loud)))
    assert is_sound(rtp(encode_ulaw(loud), 0x80))
    assert not is_sound(rtp(encode_ulaw(loud), 101))
    assert not is_sound(b"\x80")


class Server(asyncio.DatagramProtocol):
    """Refuses whoever calls."""

    asked: list[str]

    def connection_made(self, transport: Any) -> None:
        self.transport, self.asked = transport, []

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        lines = data.decode().split("\r\n")
        self.asked.append(lines[0].split()[0])
        if lines[0].startswith("INVITE"):
            kept = [line for line in lines if line.startswith(("Via", "From", "To", "Call-ID", "CSeq"))]
            self.transport.sendto("\r\n".join(["SIP/2.0 486 Busy Here", *kept, "", ""]).encode(), addr)


async def test_a_refused_call_is_unanswered() -> None:
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(Server, local_addr=("127.0.0.1", 0))
    try:
        probed = await probe_once("127.0.0.1", transport.get_extra_info("sockname"), "7600")
    finally:
        transport.close()
    assert (probed.answered_ms, probed.digit_to_prompt_ms) == (None, None)
    assert server.asked[0] == "INVITE"
    assert "BYE" not in server.asked


def test_figures_of_the_probe() -> None:
    found = probe_figures([Probed(1.0, 10.0, 50.0), Probed(2.0, 30.0, None), Probed(3.0)])
    assert (found["calls"], found["unanswered"], found["silent"]) == (3, 1, 1)
    assert found["answered_ms"]["p95"] == 30.0
    assert found["digit_to_prompt_ms"]["p50"] == 50.0
