"""Parsing and encoding RTP: fields, what is skipped, what is refused, and that nothing else is ever raised."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.media.rtp_packet import MalformedPacket, RtpPacket, encode_packet, parse_packet

packets = st.builds(
    RtpPacket,
    payload_type=st.integers(0, 127).filter(lambda number: not 72 <= number <= 76),
    sequence=st.integers(0, 2**16 - 1),
    timestamp=st.integers(0, 2**32 - 1),
    ssrc=st.integers(0, 2**32 - 1),
    is_marked=st.booleans(),
    payload=st.binary(max_size=400),
)
extensions = st.one_of(
    st.none(), st.tuples(st.integers(0, 2**16 - 1), st.integers(0, 8).map(lambda words: bytes(4 * words)))
)


def test_reads_every_field() -> None:
    datagram = bytes.fromhex("808a 1234 00000a0b deadbeef 0102 0304")

    assert parse_packet(datagram) == RtpPacket(10, 0x1234, 0x0A0B, 0xDEADBEEF, True, b"\1\2\3\4")


@given(packets, st.lists(st.integers(0, 2**32 - 1), max_size=15), extensions, st.integers(0, 255))
def test_reads_back_what_was_encoded(
    packet: RtpPacket, sources: list[int], extension: tuple[int, bytes] | None, padding: int
) -> None:
    datagram = encode_packet(packet, contributing_sources=sources, extension=extension, padding_bytes=padding)

    assert parse_packet(datagram) == packet


@given(st.binary(max_size=80))
def test_any_bytes_are_a_packet_or_malformed(datagram: bytes) -> None:
    with suppress(MalformedPacket):
        parse_packet(datagram)


@given(st.binary(min_size=11, max_size=80), st.integers(0x80, 0xBF))
def test_any_bytes_behind_version_2_are_a_packet_or_malformed(rest: bytes, first: int) -> None:
    with suppress(MalformedPacket):
        assert len(parse_packet(bytes([first]) + rest).payload) <= len(rest) - 11


@pytest.mark.parametrize(
    ("datagram", "message"),
    [
        ("", "has 0"),
        ("80 0a 0001 00000001 000000", "has 11"),
        ("40 0a 0001 00000001 00000001", "version is 1"),
        ("00 0a 0001 00000001 00000001", "version is 0"),
        ("81 0a 0001 00000001 00000001", "longer than the packet"),
        ("8f 0a 0001 00000001 00000001 00000002", "longer than the packet"),
        ("90 0a 0001 00000001 00000001 0000", "ends before its header extension"),
        ("90 0a 0001 00000001 00000001 0000 0002 00000000", "longer than the packet"),
        ("a0 0a 0001 00000001 00000001 00", "padding count is 0"),
        ("a0 0a 0001 00000001 00000001 0009", "longer than the packet"),
        ("80 c8 0006 00000001 00000001", "RTCP"),
    ],
)
def test_refuses_and_says_why(datagram: str, message: str) -> None:
    with pytest.raises(MalformedPacket, match=message):
        parse_packet(bytes.fromhex(datagram))


def test_reads_what_asterisk_sends(read_recording: Callable[[str], list[tuple[float, bytes]]]) -> None:
    recorded = [parse_packet(datagram) for _, datagram in read_recording("asterisk22_slin")]

    assert {(packet.payload_type, len(packet.payload), packet.ssrc) for packet in recorded} == {
        (10, 320, recorded[0].ssrc)
    }
    assert [packet.sequence - recorded[0].sequence for packet in recorded] == list(range(30))
