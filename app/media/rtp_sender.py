"""Sound out as RTP: 20 ms packets at an even pace from whatever comes in whatever pieces, to one address.

Asterisk gets 16-bit linear at 8 kHz, which it numbers 10, in network byte order (see depacketizer). Its strict RTP
takes packets only from the address that its channel sends to, so they go out of the receiver's own socket.
"""

import asyncio
import secrets
import time
from array import array
from collections import deque
from collections.abc import Callable

from app.domain.audio import FRAME_BYTES, FRAME_SAMPLES, FRAME_SECONDS
from app.media.rtp_packet import SEQUENCE_MODULUS, TIMESTAMP_MODULUS, RtpPacket, encode_packet

PAYLOAD_SLIN = 10
MOST_SECONDS = 10.0
_LATE_SECONDS = 0.5
_MOST_FRAMES = round(MOST_SECONDS / FRAME_SECONDS)


class SoundQueue:
    """Bytes in, frames of FRAME_BYTES out; 10 s at most, of more the oldest frames are dropped and counted."""

    def __init__(self, most_frames: int = _MOST_FRAMES) -> None:
        self._frames: deque[bytes] = deque()
        self._rest = b""
        self._most_frames = most_frames
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._frames)

    def push(self, pcm: bytes) -> None:
        """Append 8 kHz 16-bit little-endian samples; what fills no frame waits for more."""
        pcm = self._rest + pcm
        whole = len(pcm) // FRAME_BYTES * FRAME_BYTES
        self._frames.extend(pcm[start : start + FRAME_BYTES] for start in range(0, whole, FRAME_BYTES))
        self._rest = pcm[whole:]
        while len(self._frames) > self._most_frames:
            self._frames.popleft()
            self.dropped += 1

    def pop(self) -> bytes | None:
        """Take the oldest frame; None when there is none."""
        return self._frames.popleft() if self._frames else None

    def clear(self) -> None:
        """Forget what waits."""
        self._frames.clear()
        self._rest = b""


class RtpSender:
    """Sends what is pushed, one frame every 20 ms, by `send`; `run` does it. Where nothing waits nothing is sent.

    The schedule is absolute, so it does not drift; the timestamp goes on with the time that passes while nothing is
    sent, and the packet after a pause is marked (RFC 3551, 4.1). For one thread: the event loop.
    """

    def __init__(self, send: Callable[[bytes], object]) -> None:
        self._send = send
        self._queue = SoundQueue()
        self._news = asyncio.Event()
        self._ssrc = secrets.randbits(32)
        self._sequence = secrets.randbits(15)
        self._timestamp = secrets.randbits(31)
        self._next_at: float | None = None
        self._quiet_since: float | None = None
        self.sent = 0

    @property
    def dropped(self) -> int:
        """Frames that were thrown away because more than 10 s waited."""
        return self._queue.dropped

    def push(self, pcm: bytes) -> None:
        """Queue 8 kHz 16-bit little-endian samples of any length."""
        self._queue.push(pcm)
        self._news.set()

    def clear(self) -> None:
        """Forget what waits: silence at once."""
        self._queue.clear()

    async def wait_sound(self) -> None:
        """Return when something waits to be sent."""
        while not self._queue:
            self._news.clear()
            await self._news.wait()

    async def wait_quiet(self, seconds: float) -> None:
        """Return when nothing was sent for so long and nothing waits."""
        while True:
            left = seconds + len(self._queue) * FRAME_SECONDS
            if self._quiet_since is not None:
                left -= time.monotonic() - self._quiet_since
            if left <= 0:
                return
            await asyncio.sleep(left)

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            due_at = self.step(time.monotonic())
            if due_at is None:
                await self.wait_sound()
            else:
                await asyncio.sleep(max(0.0, due_at - time.monotonic()))

    def step(self, now: float) -> float | None:
        """Send what is due at `now`; return when the next frame is due, None when nothing waits."""
        is_resumed = False
        if self._next_at is None:
            if not self._queue:
                return None
            is_resumed = True
            if self._quiet_since is not None:
                self._skip(round(max(0.0, now - self._quiet_since) / FRAME_SECONDS))
            self._next_at, self._quiet_since = now, None
        elif now - self._next_at > _LATE_SECONDS:  # the program was held up: no burst of what nobody could hear
            missed = int((now - self._next_at) / FRAME_SECONDS)
            self._skip(missed)
            self._next_at += missed * FRAME_SECONDS
        while self._next_at <= now:
            frame = self._queue.pop()
            if frame is None:
                self._quiet_since, self._next_at = self._next_at, None
                return None
            self._send(self._packet(frame, is_marked=is_resumed))
            is_resumed = False
            self._next_at += FRAME_SECONDS
        return self._next_at

    def _skip(self, frames: int) -> None:
        self._timestamp = (self._timestamp + frames * FRAME_SAMPLES) % TIMESTAMP_MODULUS

    def _packet(self, frame: bytes, *, is_marked: bool) -> bytes:
        packet = RtpPacket(PAYLOAD_SLIN, self._sequence, self._timestamp, self._ssrc, is_marked, swap_samples(frame))
        self._sequence = (self._sequence + 1) % SEQUENCE_MODULUS
        self._skip(1)
        self.sent += 1
        return encode_packet(packet)


def swap_samples(pcm: bytes) -> bytes:
    """Return 16-bit samples with their two bytes swapped: ours from and to the network's order."""
    samples = array("h", pcm)
    samples.byteswap()
    return samples.tobytes()
