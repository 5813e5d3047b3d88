"""One RTP packet as bytes and as values (RFC 3550 section 5.1); pure, for the hot path."""

import struct
from collections.abc import Sequence
from typing import NamedTuple

from app.errors import CallscribeError

HEADER_BYTES = 12
SEQUENCE_MODULUS = 1 << 16
TIMESTAMP_MODULUS = 1 << 32

_HEADER = struct.Struct("!BBHII")
_EXTENSION = struct.Struct("!HH")
_PLAIN_FIRST_BYTE = 0x80  # version 2, no padding, no extension, no contributing source: what Asterisk sends
_RTCP_PAYLOAD_TYPES = range(72, 77)  # SR, RR, SDES, BYE, APP with the marker bit taken off (RFC 5761 section 4)


class MalformedPacket(CallscribeError):
    """A datagram that is not an RTP packet; the message says what is wrong with it."""

    code = "MALFORMED_PACKET"


class RtpPacket(NamedTuple):
    """One packet. A NamedTuple, not a frozen dataclass: it is built for every packet, in a third of the time.

    `sequence` counts modulo 2**16, `timestamp` in samples modulo 2**32; `payload` is without padding, and may be empty.
    Contributing sources and header extensions are skipped: nothing that we listen to uses them.
    """

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    is_marked: bool
    payload: bytes


def parse_packet(datagram: bytes) -> RtpPacket:
    """Read one datagram; raises MalformedPacket, and nothing else, when it is not RTP version 2."""
    if len(datagram) < HEADER_BYTES:
        raise MalformedPacket(f"an RTP packet has at least {HEADER_BYTES} bytes, this datagram has {len(datagram)}")
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(datagram)
    payload_type = second & 0x7F
    if payload_type in _RTCP_PAYLOAD_TYPES:
        raise MalformedPacket(f"packet type {second} belongs to RTCP, expected RTP")
    payload = datagram[HEADER_BYTES:] if first == _PLAIN_FIRST_BYTE else _cut_payload(datagram, first)
    return RtpPacket(payload_type, sequence, timestamp, ssrc, second >= 0x80, payload)


def encode_packet(
    packet: RtpPacket,
    *,
    contributing_sources: Sequence[int] = (),
    extension: tuple[int, bytes] | None = None,
    padding_bytes: int = 0,
) -> bytes:
    """Return `packet` as a datagram; `extension` = (profile, a multiple of 4 bytes), `padding_bytes` 0 to 255."""
    first = 0x80 | (0x20 if padding_bytes else 0) | (0x10 if extension else 0) | len(contributing_sources)
    second = (0x80 if packet.is_marked else 0) | packet.payload_type
    parts = [_HEADER.pack(first, second, packet.sequence, packet.timestamp, packet.ssrc)]
    parts += [source.to_bytes(4) for source in contributing_sources]
    if extension:
        profile, content = extension
        parts += [_EXTENSION.pack(profile, len(content) // 4), content]
    parts.append(packet.payload)
    if padding_bytes:
        parts.append(bytes(padding_bytes - 1) + bytes([padding_bytes]))
    return b"".join(parts)


def _cut_payload(datagram: bytes, first: int) -> bytes:
    """Return what is left of `datagram` without contributing sources, header extension and padding."""
    if first >> 6 != 2:
        raise MalformedPacket(f"the RTP version is {first >> 6}, expected 2")
    start = HEADER_BYTES + 4 * (first & 0x0F)
    end = len(datagram)
    if first & 0x10:
        if start + _EXTENSION.size > end:
            raise MalformedPacket("the packet ends before its header extension")
        _, words = _EXTENSION.unpack_from(datagram, start)
        start += _EXTENSION.size + 4 * words
    if first & 0x20:
        padding_bytes = datagram[-1]
        if padding_bytes == 0:
            raise MalformedPacket("the padding count is 0, expected at least 1")
        end -= padding_bytes
    if start > end:
        raise MalformedPacket("header, extension and padding are longer than the packet")
    return datagram[start:end]
