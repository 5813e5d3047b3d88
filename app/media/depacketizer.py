"""One stream's datagrams to its frames: parse, decode, order, time, cut. Pure: fed with bytes and the time."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from app.domain.audio import Frame
from app.media.framer import Framer
from app.media.g711 import decode_alaw, decode_ulaw
from app.media.jitter_buffer import WAIT_SECONDS, Chunk, JitterBuffer
from app.media.linear16 import decode_linear16
from app.media.media_clock import MediaClock
from app.media.rtp_packet import MalformedPacket, parse_packet
from app.media.stream_counts import StreamCounts

DECODERS: Mapping[int, Callable[[bytes], bytes]] = {
    0: decode_ulaw,
    8: decode_alaw,
    # Asterisk numbers slin at 8 kHz 10 (and reads 11 as the same, main/rtp_engine.c), against RFC 3551's 44.1 kHz.
    10: decode_linear16,
    11: decode_linear16,
}


class Depacketizer:
    """The pure core of a stream: `accept` and `expire`, then `take_frames`; `flush` at the end."""

    __slots__ = ("_buffer", "_clock", "_counts", "_framer", "_frames")

    def __init__(self, *, wait_seconds: float = WAIT_SECONDS) -> None:
        self._counts = StreamCounts()
        self._buffer = JitterBuffer(self._counts, wait_seconds=wait_seconds)
        self._clock = MediaClock()
        self._frames: list[Frame] = []
        self._framer = Framer(self._clock, self._frames)

    @property
    def counts(self) -> StreamCounts:
        """A copy of the counts."""
        return replace(self._counts)

    @property
    def held_packets(self) -> int:
        """How many packets wait for a missing one; any thread."""
        return self._buffer.held_packets

    @property
    def deadline(self) -> float | None:
        """When `expire` is due; None while no packet is missing."""
        return self._buffer.deadline

    def accept(self, datagram: bytes, arrived_at: float) -> bool:
        """Take one datagram; never raises for what is in it. Return whether it was RTP with sound that we can read."""
        counts = self._counts
        try:
            packet = parse_packet(datagram)
            decode = DECODERS.get(packet.payload_type)
            pcm = decode(packet.payload) if decode else b""
        except MalformedPacket:
            counts.malformed += 1
            return False
        counts.received += 1
        counts.last_packet_at = arrived_at
        if decode is None:
            # It still fills its place in the sequence: nothing waits for it, nothing is counted as lost.
            counts.unsupported += 1
        self._cut(self._buffer.push(packet, pcm, arrived_at))
        return bool(pcm)

    def expire(self, now: float) -> None:
        """Let go what waited for a missing packet for long enough."""
        self._cut(self._buffer.expire(now))

    def flush(self) -> None:
        """Let everything go that still waits: the end of the stream."""
        self._cut(self._buffer.flush())
        self._framer.flush()

    def take_frames(self) -> list[Frame]:
        """Return the frames that were released since the last time, in order."""
        frames = self._frames.copy()
        self._frames.clear()
        self._counts.frames += len(frames)
        return frames

    def _cut(self, chunks: list[Chunk]) -> None:
        for chunk in chunks:
            position, pcm, arrived_at, is_resync = chunk
            if arrived_at is not None:
                if is_resync:
                    self._clock.restart()
                self._clock.observe(position + (len(pcm) >> 1), arrived_at)
            self._framer.cut(chunk)
