"""G.711 and slin to our samples: known codes, symmetry, and the length."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.media.g711 import decode_alaw, decode_ulaw
from app.media.linear16 import decode_linear16
from app.media.rtp_packet import MalformedPacket


def samples_of(pcm: bytes) -> list[int]:
    return list(struct.unpack(f"<{len(pcm) // 2}h", pcm))


def test_ulaw_codes_of_the_standard() -> None:
    # ITU-T G.711 table 2: the ends of the scale, both zeros, and one step beside them
    assert samples_of(decode_ulaw(bytes([0x00, 0x80, 0x7F, 0xFF, 0x7E, 0xFE, 0x70, 0xF0]))) == [
        -32124, 32124, 0, 0, -8, 8, -120, 120,
    ]  # fmt: skip


def test_alaw_codes_of_the_standard() -> None:
    # ITU-T G.711 table 1: the smallest and the largest values of both signs
    assert samples_of(decode_alaw(bytes([0xD5, 0x55, 0xAA, 0x2A, 0xD4, 0x54]))) == [8, -8, 32256, -32256, 24, -24]


@pytest.mark.parametrize("decode", [decode_ulaw, decode_alaw])
def test_half_of_the_codes_mirror_the_others(decode: object) -> None:
    assert callable(decode)
    values = samples_of(decode(bytes(range(256))))

    assert [-value for value in values[:128]] == values[128:]
    assert len(set(map(abs, values))) == 128


@given(st.lists(st.integers(-32768, 32767), max_size=500))
def test_linear16_swaps_bytes(values: list[int]) -> None:
    assert samples_of(decode_linear16(struct.pack(f">{len(values)}h", *values))) == values


def test_linear16_refuses_half_a_sample() -> None:
    with pytest.raises(MalformedPacket, match="even number of bytes, this one has 3"):
        decode_linear16(b"abc")
