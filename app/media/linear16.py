"""Linear sound from the network's byte order to ours (Asterisk's `slin` in RTP is big-endian, like L16 of RFC 3551).

`array.byteswap` takes 0.16 us per 20 ms frame here; numpy 0.5-0.6 us, strided copies 0.7 us.
"""

from array import array

from app.media.rtp_packet import MalformedPacket


def decode_linear16(payload: bytes) -> bytes:
    """Return big-endian 16-bit samples as little-endian ones; MalformedPacket when half a sample is left over."""
    if len(payload) & 1:
        raise MalformedPacket(f"a payload of 16-bit samples has an even number of bytes, this one has {len(payload)}")
    samples = array("h", payload)
    samples.byteswap()
    return samples.tobytes()
