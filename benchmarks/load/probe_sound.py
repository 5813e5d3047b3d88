"""The sound of the probe: silence as RTP (RFC 3550), one digit (RFC 4733), and when sound comes back."""

import asyncio
import struct
import time
from typing import Any, Final

import numpy as np

from app.domain.audio import FRAME_SAMPLES, FRAME_SECONDS
from app.media.g711 import decode_ulaw

DIGIT: Final = 5
DIGIT_FRAMES: Final = 5
DIGIT_SECONDS: Final = DIGIT_FRAMES * FRAME_SECONDS
_EVENT: Final = 101
_SILENCE: Final = b"\xff" * FRAME_SAMPLES
_LOUD: Final = 300
"""A sample beyond this is sound: speech has thousands, silence in G.711 some tens at most."""
_HEADER: Final = struct.Struct(">BBHII")


class Sound(asyncio.DatagramProtocol):
    """One call's RTP. `heard` is when (time.monotonic()) the first packet with sound came after the digit."""

    def __init__(self) -> None:
        self.heard: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self.port = 0
        self._transport: asyncio.DatagramTransport | None = None
        self._pressed = False
        self._number = 0

    def connection_made(self, transport: Any) -> None:
        """asyncio's: the socket is there."""
        self._transport = transport
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """asyncio's: a packet came."""
        if self._pressed and not self.heard.done() and is_sound(data):
            self.heard.set_result(time.monotonic())

    async def press(self, to: tuple[str, int], pause_seconds: float) -> float:
        """Send silence for `pause_seconds`, then a digit of 100 ms; when (time.monotonic()) it ended.

        Asterisk learns from the silence where our sound comes from.
        """
        begun = time.monotonic()
        silent = round(pause_seconds / FRAME_SECONDS)
        for frame in range(silent + DIGIT_FRAMES):
            await asyncio.sleep(max(0.0, begun + frame * FRAME_SECONDS - time.monotonic()))
            if frame < silent:
                self._send(to, 0, frame * FRAME_SAMPLES, _SILENCE, is_marked=frame == 0)
            else:
                done = frame - silent + 1
                event = digit_event(DIGIT, done * FRAME_SAMPLES)
                self._send(to, _EVENT, silent * FRAME_SAMPLES, event, is_marked=done == 1)
        await asyncio.sleep(FRAME_SECONDS)
        self._pressed = True
        pressed = time.monotonic()
        for _ in range(3):  # in case one is lost (RFC 4733 2.5.1.4)
            event = digit_event(DIGIT, DIGIT_FRAMES * FRAME_SAMPLES, is_end=True)
            self._send(to, _EVENT, silent * FRAME_SAMPLES, event)
        return pressed

    def _send(self, to: tuple[str, int], kind: int, at: int, payload: bytes, *, is_marked: bool = False) -> None:
        assert self._transport is not None
        header = _HEADER.pack(0x80, kind | (0x80 if is_marked else 0), self._number, at, 0xCA11)
        self._number += 1
        self._transport.sendto(header + payload, to)


def digit_event(digit: int, duration: int, *, is_end: bool = False) -> bytes:
    """The payload of a telephone event; `duration` in samples so far."""
    return struct.pack(">BBH", digit, (0x80 if is_end else 0) | 10, duration)


def is_sound(packet: bytes) -> bool:
    """Whether an RTP packet is PCMU with something to hear."""
    if len(packet) <= _HEADER.size or packet[1] & 0x7F:
        return False
    samples = np.frombuffer(decode_ulaw(packet[_HEADER.size :]), "<i2").astype(np.int32)
    return bool(np.abs(samples).max() > _LOUD)
