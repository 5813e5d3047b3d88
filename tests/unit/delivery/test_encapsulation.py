"""How a media stream's sound is wrapped."""

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.delivery.encapsulation import make_encapsulation
from app.domain.audio import FRAME_BYTES
from app.errors import InvalidArgument
from app.media.rtp_packet import RtpPacket, encode_packet, parse_packet

FRAME = bytes(range(256)) + bytes(64)


@pytest.mark.parametrize("name", ["", "RTP", "opus"])
def test_any_other_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidArgument, match="rtp, sln, audiosocket") as refused:
        make_encapsulation(name)
    assert refused.value.field == "encapsulation"


def test_rtp() -> None:
    form = make_encapsulation("rtp")
    messages = [form.wrap(FRAME) for _ in range(3)]
    packets = [parse_packet(message) for message in messages]
    assert all(len(message) == 332 for message in messages)
    assert all((packet.payload_type, packet.payload) == (96, FRAME) for packet in packets)
    assert (packets[2].sequence - packets[0].sequence) % 2**16 == 2
    assert (packets[2].timestamp - packets[0].timestamp) % 2**32 == 320
    assert [form.unwrap(message) for message in messages] == [FRAME] * 3


@pytest.mark.parametrize(
    ("payload_type", "payload", "pcm"),
    [(96, b"\1\2\3", b"\1\2"), (10, b"\1\2", b"\2\1"), (0, b"\xff", b"\0\0"), (5, b"\1\2", b"")],
)
def test_rtp_of_others(payload_type: int, payload: bytes, pcm: bytes) -> None:
    message = encode_packet(RtpPacket(payload_type, 1, 2, 3, False, payload))
    assert make_encapsulation("rtp").unwrap(message) == pcm


def test_what_is_no_rtp_is_nothing() -> None:
    assert make_encapsulation("rtp").unwrap(b"short") == b""


@pytest.mark.parametrize("name", ["sln", "audiosocket"])
def test_plain_samples(name: str) -> None:
    form = make_encapsulation(name)
    assert form.wrap(FRAME) == FRAME
    assert form.unwrap(FRAME) == FRAME
    assert form.unwrap(FRAME + b"\1") == FRAME


def message(kind: int, content: bytes) -> bytes:
    return struct.pack("!BH", kind, len(content)) + content


@pytest.mark.parametrize(
    ("sent", "pcm"),
    [
        (message(0x10, FRAME), FRAME),
        (message(0x01, bytes(16)) + message(0x10, FRAME) + message(0x10, FRAME[:2]), FRAME + FRAME[:2]),
        (message(0x00, b""), None),
        (b"\x10\x01\x3d" + bytes(FRAME_BYTES - 3), b"\x10\x01\x3d" + bytes(FRAME_BYTES - 3)),
    ],
)
def test_audiosocket_messages(sent: bytes, pcm: bytes | None) -> None:
    assert make_encapsulation("audiosocket").unwrap(sent) == pcm


@given(st.sampled_from(["rtp", "sln", "audiosocket"]), st.binary(max_size=700))
def test_nothing_that_is_sent_raises(name: str, sent: bytes) -> Any:
    pcm = make_encapsulation(name).unwrap(sent)
    assert pcm is None or len(pcm) % 2 == 0
