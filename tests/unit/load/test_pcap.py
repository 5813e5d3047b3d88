import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.audio import FRAME_BYTES, FRAME_SAMPLES
from app.media.g711 import decode_ulaw
from app.media.rtp_packet import parse_packet
from benchmarks.load.pcap import encode_ulaw, write_pcap


def packets_of(path: Path) -> list[tuple[float, bytes]]:
    """Time in seconds and bytes of each packet of a capture file."""
    text = path.read_bytes()
    assert struct.unpack("<IHH", text[:8]) == (0xA1B2C3D4, 2, 4)
    assert struct.unpack("<I", text[20:24]) == (1,)
    at, found = 24, []
    while at < len(text):
        seconds, microseconds, length, whole = struct.unpack("<IIII", text[at : at + 16])
        assert length == whole
        found.append((seconds + microseconds / 1e6, text[at + 16 : at + 16 + length]))
        at += 16 + length
    return found


def ones_sum(words: bytes) -> int:
    total: int = sum(struct.unpack(f">{len(words) // 2}H", words))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def test_every_code_survives_a_round_trip() -> None:
    codes = bytes(range(256))
    heard = decode_ulaw(codes)
    assert decode_ulaw(encode_ulaw(heard)) == heard


@given(st.lists(st.integers(-32768, 32767), min_size=1, max_size=50))
def test_the_nearest_level_is_taken(samples: list[int]) -> None:
    levels = np.frombuffer(decode_ulaw(bytes(range(256))), "<i2").astype(int)
    heard = np.frombuffer(decode_ulaw(encode_ulaw(np.array(samples, "<i2").tobytes())), "<i2").astype(int)
    for sample, level in zip(samples, heard, strict=True):
        assert abs(sample - level) == np.abs(levels - sample).min()


def test_packets_follow_each_other_every_20_ms(tmp_path: Path) -> None:
    path = tmp_path / "sound.pcap"
    sound = b"".join(struct.pack("<h", n % 3000) for n in range(FRAME_SAMPLES * 120 + 1))
    assert write_pcap(path, sound, ssrc=77) == 121
    found = packets_of(path)
    assert [at for at, _ in found] == pytest.approx([n * 0.02 for n in range(121)])
    for number, (_, frame) in enumerate(found):
        assert frame[12:14] == b"\x08\x00"
        ip, udp, rtp = frame[14:34], frame[34:42], frame[42:]
        assert ones_sum(ip) == 0xFFFF
        assert struct.unpack(">H", ip[2:4])[0] == len(frame) - 14
        assert struct.unpack(">H", udp[4:6])[0] == len(frame) - 34
        packet = parse_packet(rtp)
        assert (packet.payload_type, packet.sequence, packet.timestamp) == (0, number, number * FRAME_SAMPLES)
        assert packet.ssrc == 77
        assert len(packet.payload) == FRAME_SAMPLES
    assert b"".join(frame[54:] for _, frame in found)[: len(sound) // 2] == encode_ulaw(sound)


def test_the_last_packet_is_filled_up_with_silence(tmp_path: Path) -> None:
    path = tmp_path / "sound.pcap"
    write_pcap(path, struct.pack("<h", 5000))
    ((_, frame),) = packets_of(path)
    heard = decode_ulaw(frame[54:])
    assert len(heard) == FRAME_BYTES
    assert not any(heard[2:])
