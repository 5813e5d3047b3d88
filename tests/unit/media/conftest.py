"""What the tests of the media path share: packets made from few words, and packets that a real Asterisk sent."""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from app.media.rtp_packet import RtpPacket

Recording = list[tuple[float, bytes]]

_RECORD = struct.Struct("!dH")


@pytest.fixture
def read_recording() -> Callable[[str], Recording]:
    """Return a reader of tests/data/rtp: (seconds since the first, datagram); README.md there says how they came."""

    def read(name: str) -> Recording:
        content = (Path(__file__).parents[2] / "data" / "rtp" / f"{name}.bin").read_bytes()
        recording = []
        while content:
            moment, length = _RECORD.unpack_from(content)
            recording.append((moment, content[_RECORD.size : _RECORD.size + length]))
            content = content[_RECORD.size + length :]
        return recording

    return read


@pytest.fixture
def make_packet() -> Callable[..., RtpPacket]:
    """Return a maker of slin packets by their number in the stream; every sample holds that number."""

    def make(number: int, *, samples: int = 160, ssrc: int = 1, first: int = 0, origin: int = 0) -> RtpPacket:
        payload = (number & 0x7FFF).to_bytes(2) * samples
        timestamp = (origin + number * samples) % 2**32
        return RtpPacket(10, (first + number) % 2**16, timestamp, ssrc, False, payload)

    return make
