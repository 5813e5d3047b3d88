"""Puts one stream's packets in order on one time line: pure, fed with packets and the time, no clock and no I/O.

While nothing is missing a packet leaves at once. When one is missing the later ones wait for it, at most `wait_seconds`
and at most HELD_PACKETS of them; then silence of its length by timestamp takes its place, so the time line stays true.
"""

from typing import NamedTuple

from app.domain.audio import FRAME_SAMPLES, SAMPLE_RATE
from app.media.rtp_packet import SEQUENCE_MODULUS, TIMESTAMP_MODULUS, RtpPacket
from app.media.stream_counts import StreamCounts

HELD_PACKETS = 32
WAIT_SECONDS = 0.06
MAX_SILENCE_SAMPLES = 5 * SAMPLE_RATE
"""The longest silence put in for one hole; a longer one (hold without packets, a broken clock) is cut to it."""

_MAX_DROPOUT = 3000  # RFC 3550 A.1: further ahead than this is another sequence, not a loss
_MAX_MISORDER = 100  # RFC 3550 A.1: further behind than this is another sequence, not a late packet
_HISTORY_MASK = (1 << _MAX_MISORDER) - 1
_STRAGGLER_SECONDS = 1.0
_STAMP_JITTER_SAMPLES = SAMPLE_RATE * 5 // 1000
_ARRIVAL_JITTER_SAMPLES = SAMPLE_RATE * 60 // 1000


class Chunk(NamedTuple):
    """A piece of the time line: little-endian 16-bit `pcm` that begins at `position` (samples; never wraps, no gaps).

    `arrived_at` is when its packet arrived; None = nothing arrived, the silence stands in for it.
    `is_resync` = the sender's timestamps do not continue here: how they map to time must be learnt anew.
    """

    position: int
    pcm: bytes
    arrived_at: float | None
    is_resync: bool = False


class _Held(NamedTuple):
    timestamp: int
    pcm: bytes
    arrived_at: float


class JitterBuffer:
    """The buffer of one stream. `deadline` is when `expire` has something to do, None while nothing waits."""

    __slots__ = (
        "_counts",
        "_held",
        "_history",
        "_last_arrived_at",
        "_next_position",
        "_next_sequence",
        "_next_timestamp",
        "_previous_ssrc",
        "_previous_until",
        "_probe",
        "_ssrc",
        "_wait_seconds",
        "deadline",
    )

    def __init__(self, counts: StreamCounts, *, wait_seconds: float = WAIT_SECONDS) -> None:
        self._counts = counts
        self._wait_seconds = wait_seconds
        self._held: dict[int, _Held] = {}  # by sequence number, in the order of arrival
        self._history = 0  # bit n: the packet n + 1 before the next one did arrive
        self._ssrc: int | None = None
        self._previous_ssrc: int | None = None
        self._previous_until = 0.0
        self._probe: tuple[RtpPacket, bytes, float] | None = None
        self._next_sequence = 0
        self._next_timestamp = 0
        self._next_position = 0
        self._last_arrived_at = 0.0
        self.deadline: float | None = None

    @property
    def held_packets(self) -> int:
        """How many packets wait for a missing one; any thread."""
        return len(self._held)

    def push(self, packet: RtpPacket, pcm: bytes, arrived_at: float) -> list[Chunk]:
        """Take one packet, decoded to `pcm`, and return what may leave now, in order.

        Empty `pcm` is a packet without sound (an event, a keep-alive): it fills its place in the sequence only.
        `arrived_at` never goes backwards.
        """
        chunks: list[Chunk] = []
        sequence = packet.sequence
        if packet.ssrc != self._ssrc:
            self._change_ssrc(chunks, packet, pcm, arrived_at)
        elif sequence == self._next_sequence and not self._held:
            self._release(chunks, packet.timestamp, pcm, arrived_at)
        else:
            ahead = (sequence - self._next_sequence) % SEQUENCE_MODULUS
            if ahead < _MAX_DROPOUT:
                self._hold(chunks, packet, pcm, arrived_at)
            elif ahead >= SEQUENCE_MODULUS - _MAX_MISORDER:
                self._count_late(SEQUENCE_MODULUS - ahead)
            else:
                self._probe_jump(chunks, packet, pcm, arrived_at)
        return chunks

    def expire(self, now: float) -> list[Chunk]:
        """Give up the packets that were waited for long enough; return what may leave then."""
        chunks: list[Chunk] = []
        while self.deadline is not None and now >= self.deadline:
            self._give_up(chunks)
        return chunks

    def flush(self) -> list[Chunk]:
        """Return everything that waits, silence in the place of what is missing; the buffer goes on afterwards."""
        chunks: list[Chunk] = []
        while self._held:
            self._give_up(chunks)
        return chunks

    def _hold(self, chunks: list[Chunk], packet: RtpPacket, pcm: bytes, arrived_at: float) -> None:
        """Keep a packet that is ahead, or the missing one that others wait for; release what is complete then."""
        held = self._held
        if packet.sequence in held:
            self._counts.duplicate += 1
            return
        ahead = (packet.sequence - self._next_sequence) % SEQUENCE_MODULUS
        if any((other - self._next_sequence) % SEQUENCE_MODULUS > ahead for other in held):
            self._counts.reordered += 1
        held[packet.sequence] = _Held(packet.timestamp, pcm, arrived_at)
        self._release_run(chunks)
        if len(held) > HELD_PACKETS:
            self._give_up(chunks)

    def _give_up(self, chunks: list[Chunk]) -> None:
        """Count what is missing before the earliest packet that waits as lost, and release from there."""
        missing = min((sequence - self._next_sequence) % SEQUENCE_MODULUS for sequence in self._held)
        self._counts.lost += missing
        self._history = (self._history << min(missing, _MAX_MISORDER)) & _HISTORY_MASK
        self._next_sequence = (self._next_sequence + missing) % SEQUENCE_MODULUS
        self._release_run(chunks)

    def _release_run(self, chunks: list[Chunk]) -> None:
        """Release the packets that wait, up to the next one that is missing, and set the deadline for that one."""
        held = self._held
        while (waiting := held.pop(self._next_sequence, None)) is not None:
            self._release(chunks, *waiting)
        # Insertion order is arrival order, so the first one that is left has waited longest.
        self.deadline = next(iter(held.values())).arrived_at + self._wait_seconds if held else None

    def _release(self, chunks: list[Chunk], timestamp: int, pcm: bytes, arrived_at: float) -> None:
        """Put the packet whose turn it is on the time line."""
        self._next_sequence = (self._next_sequence + 1) % SEQUENCE_MODULUS
        self._history = (self._history << 1 | 1) & _HISTORY_MASK
        if pcm:
            is_resync = timestamp != self._next_timestamp and self._bridge(chunks, timestamp, pcm, arrived_at)
            self._place(chunks, pcm, arrived_at, is_resync)

    def _bridge(self, chunks: list[Chunk], timestamp: int, pcm: bytes, arrived_at: float) -> bool:
        """Fill the hole before a timestamp that does not continue the last one; return whether it is a new origin."""
        half = TIMESTAMP_MODULUS // 2
        gap = (timestamp - self._next_timestamp + half) % TIMESTAMP_MODULUS - half
        samples = len(pcm) >> 1
        tolerance = min(max(samples, _STAMP_JITTER_SAMPLES), FRAME_SAMPLES)
        if tolerance <= gap <= MAX_SILENCE_SAMPLES:
            # A hole that is no whole number of packets (Asterisk's clock after a pause of its own) is rounded to whole
            # frames: else all later frames would straddle two packets, and be late by one.
            is_whole = gap % samples == 0
            self._add_silence(chunks, gap if is_whole else (gap + FRAME_SAMPLES // 2) // FRAME_SAMPLES * FRAME_SAMPLES)
            self._next_timestamp = timestamp
        elif abs(gap) >= tolerance:
            self._resync(chunks, timestamp, pcm, arrived_at)
            return True
        # Less than a packet is a stamp that jitters, not a hole: if it stays it adds up in the next gap.
        return False

    def _place(self, chunks: list[Chunk], pcm: bytes, arrived_at: float, is_resync: bool) -> None:
        samples = len(pcm) >> 1
        chunks.append(Chunk(self._next_position, pcm, arrived_at, is_resync))
        self._next_position += samples
        self._next_timestamp = (self._next_timestamp + samples) % TIMESTAMP_MODULUS
        self._last_arrived_at = arrived_at

    def _add_silence(self, chunks: list[Chunk], samples: int) -> None:
        chunks.append(Chunk(self._next_position, bytes(2 * samples), None))
        self._next_position += samples
        self._counts.concealed_samples += samples

    def _resync(self, chunks: list[Chunk], timestamp: int, pcm: bytes, arrived_at: float) -> None:
        """Take `timestamp` as the new origin; how long nothing came says how much silence lies before it."""
        self._counts.resyncs += 1
        self._next_timestamp = timestamp
        silence = int((arrived_at - self._last_arrived_at) * SAMPLE_RATE) - (len(pcm) >> 1)
        if silence > _ARRIVAL_JITTER_SAMPLES:
            silence -= silence % FRAME_SAMPLES
            self._add_silence(chunks, min(silence, MAX_SILENCE_SAMPLES))

    def _change_ssrc(self, chunks: list[Chunk], packet: RtpPacket, pcm: bytes, arrived_at: float) -> None:
        """Begin with the first packet, or go over to a new sender (RFC 3550 section 8); the time line goes on."""
        if packet.ssrc == self._previous_ssrc and arrived_at < self._previous_until:
            self._counts.late += 1
            return
        if self._ssrc is None:
            if pcm:
                self._ssrc = packet.ssrc
                self._begin_sequence(packet.sequence)
                self._next_timestamp = packet.timestamp
                self._release(chunks, packet.timestamp, pcm, arrived_at)
            return
        self._counts.ssrc_changes += 1
        self._previous_ssrc, self._previous_until = self._ssrc, arrived_at + _STRAGGLER_SECONDS
        self._ssrc = packet.ssrc
        self._restart(chunks, packet, pcm, arrived_at)

    def _probe_jump(self, chunks: list[Chunk], packet: RtpPacket, pcm: bytes, arrived_at: float) -> None:
        """Believe a far jump of the sequence only when two packets in a row make it (RFC 3550 A.1)."""
        probe = self._probe
        if probe is None or packet.sequence != (probe[0].sequence + 1) % SEQUENCE_MODULUS:
            if probe is not None:
                self._counts.late += 1
            self._probe = (packet, pcm, arrived_at)
            return
        self._restart(chunks, *probe)
        chunks += self.push(packet, pcm, arrived_at)

    def _restart(self, chunks: list[Chunk], packet: RtpPacket, pcm: bytes, arrived_at: float) -> None:
        """Let everything go that waits, and go on with `packet` whatever its numbers are."""
        chunks += self.flush()
        self._begin_sequence((packet.sequence + 1) % SEQUENCE_MODULUS)
        self._history = 1
        if pcm:
            self._resync(chunks, packet.timestamp, pcm, arrived_at)
            self._place(chunks, pcm, arrived_at, is_resync=True)

    def _begin_sequence(self, sequence: int) -> None:
        self._next_sequence = sequence
        self._history = 0
        self._probe = None

    def _count_late(self, behind: int) -> None:
        """Tell a second copy from a packet that came after its place was given away; `behind` counts from 1."""
        if self._history >> (behind - 1) & 1:
            self._counts.duplicate += 1
        else:
            self._counts.late += 1
