"""How sound is wrapped on a media stream's WebSocket (contract 3.2): pure, 8 kHz 16-bit mono frames of 20 ms.

The samples are little-endian in all three forms. In `rtp` that is our choice: its payload type 96 is a dynamic one, to
which RFC 3551 gives no byte order; who cuts the 12 bytes off has the same samples as in `sln`.
"""

import secrets
import struct
from typing import Protocol

from app.domain.audio import FRAME_SAMPLES
from app.errors import InvalidArgument
from app.media.depacketizer import DECODERS
from app.media.rtp_packet import (
    SEQUENCE_MODULUS,
    TIMESTAMP_MODULUS,
    MalformedPacket,
    RtpPacket,
    encode_packet,
    parse_packet,
)

PAYLOAD_STREAM = 96
_AUDIOSOCKET = struct.Struct("!BH")
_KIND_END = 0x00
_KIND_SOUND = 0x10


class Encapsulation(Protocol):
    """One connection's form: it has a state, so each connection has its own."""

    def wrap(self, pcm: bytes) -> bytes:
        """Return the message of one frame."""
        ...

    def unwrap(self, message: bytes) -> bytes | None:
        """Return the samples of a message, none (b"") for what cannot be read; None when it says that it ends."""
        ...


class Plain:
    """`sln`: the samples alone, 320 bytes a frame; taken in pieces of any length."""

    def wrap(self, pcm: bytes) -> bytes:
        """Return the frame as it is."""
        return pcm

    def unwrap(self, message: bytes) -> bytes | None:
        """Return the message as it is, without half a sample."""
        return message[: len(message) & ~1]


class AudioSocket(Plain):
    """`audiosocket`: sent as the contract has it, 320 bytes without a header; taken with and without one.

    A header is kind (0x10 sound, 0x00 end, others are skipped) and length, big-endian:
    https://docs.asterisk.org/Configuration/Channel-Drivers/AudioSocket/
    """

    def unwrap(self, message: bytes) -> bytes | None:
        """Return the samples of all AudioSocket messages in it; of a message that is none, all of it."""
        pcm = b""
        start = 0
        while start < len(message):
            if start + _AUDIOSOCKET.size > len(message):
                return super().unwrap(message)
            kind, length = _AUDIOSOCKET.unpack_from(message, start)
            start += _AUDIOSOCKET.size
            content = message[start : start + length]
            if len(content) < length or (kind == _KIND_SOUND and length % 2) or kind not in _KINDS:
                return super().unwrap(message)
            if kind == _KIND_END:
                return None if length == 0 and start == len(message) else super().unwrap(message)
            if kind == _KIND_SOUND:
                pcm += content
            start += length
        return pcm


_KINDS = frozenset({_KIND_END, 0x01, 0x03, _KIND_SOUND, 0xFF})  # end, UUID, DTMF, sound, error


class Rtp:
    """`rtp`: a 12-byte header (payload type 96) and 320 bytes. Taken: the same, and types 0, 8, 10 and 11."""

    def __init__(self) -> None:
        self._ssrc = secrets.randbits(32)
        self._sequence = secrets.randbits(15)
        self._timestamp = secrets.randbits(31)

    def wrap(self, pcm: bytes) -> bytes:
        """Return the next packet."""
        packet = encode_packet(RtpPacket(PAYLOAD_STREAM, self._sequence, self._timestamp, self._ssrc, False, pcm))
        self._sequence = (self._sequence + 1) % SEQUENCE_MODULUS
        self._timestamp = (self._timestamp + FRAME_SAMPLES) % TIMESTAMP_MODULUS
        return packet

    def unwrap(self, message: bytes) -> bytes | None:
        """Return a packet's sound: type 96 as we send it, 0 and 8 (G.711), 10 and 11 (linear, big-endian)."""
        try:
            packet = parse_packet(message)
            if packet.payload_type == PAYLOAD_STREAM:
                return packet.payload[: len(packet.payload) & ~1]
            decode = DECODERS.get(packet.payload_type)
            return decode(packet.payload) if decode else b""
        except MalformedPacket:
            return b""


_FORMS: dict[str, type[Rtp] | type[Plain]] = {"rtp": Rtp, "sln": Plain, "audiosocket": AudioSocket}


def make_encapsulation(name: str) -> Encapsulation:
    """Return a new form by its name; InvalidArgument (encapsulation) for any other."""
    form = _FORMS.get(name)
    if form is None:
        raise InvalidArgument("encapsulation", f"expected one of {', '.join(_FORMS)}")
    return form()
