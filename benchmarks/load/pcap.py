"""Sound as a capture file of RTP packets, for SIPp's `play_pcap_audio`: PCMU, 8 kHz, 20 ms, one SSRC (RFC 3550, 3551).

SIPp replaces addresses and ports and keeps the rest, so sequence numbers and timestamps are true for one playing only:
a file is played once in a call. The first packet is sent when the playing begins; packet n leaves n * 20 ms after it.
"""

import struct
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.domain.audio import FRAME_BYTES, FRAME_MS, FRAME_SAMPLES
from app.media.g711 import decode_ulaw

PORT: Final = 6000
_FILE_HEADER: Final = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
"""libpcap's classic format, little-endian, microseconds, link type 1 (Ethernet)."""
_ETHERNET: Final = bytes(12) + b"\x08\x00"
_LOOPBACK: Final = bytes([127, 0, 0, 1])


def encode_ulaw(pcm: bytes) -> bytes:
    """Return 16-bit little-endian samples as mu-law bytes, each the nearest of the 256 levels (ITU-T G.711)."""
    return _NEAREST[np.frombuffer(pcm, "<i2").astype(np.int32) + 32768].tobytes()


def write_pcap(path: Path, pcm: bytes, ssrc: int = 0x0CA11) -> int:
    """Write 8 kHz 16-bit mono samples as RTP packets, the last one filled up with silence; how many packets."""
    payloads = encode_ulaw(pcm + bytes(-len(pcm) % FRAME_BYTES))
    count = len(payloads) // FRAME_SAMPLES
    with path.open("wb") as file:
        file.write(_FILE_HEADER)
        for number in range(count):
            packet = _packet(number, payloads[number * FRAME_SAMPLES : (number + 1) * FRAME_SAMPLES], ssrc)
            seconds, ms = divmod(number * FRAME_MS, 1000)
            file.write(struct.pack("<IIII", seconds, ms * 1000, len(packet), len(packet)) + packet)
    return count


def _packet(number: int, payload: bytes, ssrc: int) -> bytes:
    # The marker says that talk begins here; version 2, payload type 0.
    rtp = struct.pack(">BBHII", 0x80, 0x80 if number == 0 else 0, number & 0xFFFF, number * FRAME_SAMPLES, ssrc)
    udp = struct.pack(">HHHH", PORT, PORT, 8 + len(rtp) + len(payload), 0)
    length = 20 + len(udp) + len(rtp) + len(payload)
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, length, number & 0xFFFF, 0, 64, 17, 0, _LOOPBACK, _LOOPBACK)
    checksum = _checksum(ip)
    return _ETHERNET + ip[:10] + struct.pack(">H", checksum) + ip[12:] + udp + rtp + payload


def _checksum(header: bytes) -> int:
    """Internet checksum (RFC 1071)."""
    total: int = sum(struct.unpack(f">{len(header) // 2}H", header))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _nearest() -> NDArray[np.uint8]:
    """The code of the nearest level for each of the 65536 samples, from -32768 on."""
    levels = np.frombuffer(decode_ulaw(bytes(range(256))), "<i2").astype(np.int32)
    order = np.argsort(levels, kind="stable")
    borders = (levels[order][:-1] + levels[order][1:]) / 2
    return order[np.searchsorted(borders, np.arange(-32768, 32768))].astype(np.uint8)


_NEAREST: Final[NDArray[np.uint8]] = _nearest()
