"""One stream: what its listener holds (first packet, counts, end), and its side on the media thread."""

import asyncio
from collections.abc import Callable, Sequence

from app.domain.audio import Frame
from app.errors import Unavailable
from app.logs import get_log
from app.media.depacketizer import Depacketizer
from app.media.stream_counts import StreamCounts

log = get_log("media")

FrameSink = Callable[[Sequence[Frame]], None]
"""Takes the frames that were released, in order; on the media thread, so it must not block."""


class NoPacketArrived(Unavailable):
    """Nothing that we can read came from the source in time."""


class RtpStream:
    """Made by `RtpReceiver.listen`. Its listener uses `wait_first_packet`, `close`, `counts` and `is_failed` only.

    The frames of a stream whose sink raised are dropped from then on; `on_failure` has heard why, others go on.
    """

    def __init__(
        self,
        source: tuple[str, int],
        sink: FrameSink,
        *,
        call_on_loop: Callable[[Callable[[], None]], None],
        request_end: Callable[["RtpStream"], bool],
        on_first_packet: Callable[[], None] | None,
        on_failure: Callable[[Exception], None] | None,
    ) -> None:
        self.source = source
        self._sink = sink
        self._call_on_loop = call_on_loop
        self._request_end = request_end
        self._on_first_packet = on_first_packet
        self._on_failure = on_failure
        self._depacketizer = Depacketizer()
        self._has_begun = False
        self._first_packet = asyncio.Event()
        self._ended = asyncio.Event()
        self._is_closing = False
        self.is_failed = False

    @property
    def counts(self) -> StreamCounts:
        """A copy of what happened so far."""
        return self._depacketizer.counts

    @property
    def held_packets(self) -> int:
        """How many packets wait for a missing one; any thread."""
        return self._depacketizer.held_packets

    async def wait_first_packet(self, timeout_seconds: float) -> None:
        """Return once sound has arrived; NoPacketArrived when none did within `timeout_seconds`."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._first_packet.wait()
        except TimeoutError:
            ip, port = self.source
            raise NoPacketArrived(
                f"no RTP packet with sound came from {ip}:{port} within {timeout_seconds:g} s; "
                "expected Asterisk to send there: check that its address reaches the receiver",
                source=f"{ip}:{port}",
            ) from None

    async def close(self) -> None:
        """Give the sink what still waits and stop listening; after this the sink is never called again."""
        if not self._is_closing:
            self._is_closing = True
            if not self._request_end(self):
                self._ended.set()  # the receiver was closed before, and ended its streams
        await self._ended.wait()

    # The rest belongs to the media thread.

    @property
    def deadline(self) -> float | None:
        """When `expire` is due; None while no packet is missing."""
        return self._depacketizer.deadline

    def take(self, datagram: bytes, arrived_at: float) -> None:
        """Take one datagram from the source; what it releases waits for `deliver`."""
        if self.is_failed:
            return
        try:
            is_sound = self._depacketizer.accept(datagram, arrived_at)
        except Exception as error:  # noqa: BLE001 - isolation boundary: a fault of ours ends this stream alone
            self.fail(error)
            return
        if is_sound and not self._has_begun:
            self._has_begun = True
            self._call_on_loop(self._announce_first_packet)

    def expire(self, now: float) -> None:
        """Stop waiting for packets that are missing for too long."""
        self._release(lambda: self._depacketizer.expire(now))

    def deliver(self) -> None:
        """Hand the released frames to the sink. A sink that raises loses this stream, not the others."""
        frames = self._depacketizer.take_frames()
        if not frames or self.is_failed:
            return
        try:
            self._sink(frames)
        except Exception as error:  # noqa: BLE001 - isolation boundary: one listener's fault stays its own
            self.fail(error)

    def fail(self, error: Exception) -> None:
        """Mark the stream failed, once, and tell its listener on the event loop."""
        if self.is_failed:
            return
        self.is_failed = True
        log.error("rtp stream failed", source=self.source, exc_info=error)
        if self._on_failure is not None:
            on_failure = self._on_failure
            self._call_on_loop(lambda: on_failure(error))

    def end(self) -> None:
        """Deliver everything that waits; the last thing that happens to a stream."""
        self._release(self._depacketizer.flush)
        self._call_on_loop(self._ended.set)

    def _release(self, step: Callable[[], None]) -> None:
        try:
            step()
        except Exception as error:  # noqa: BLE001 - isolation boundary, as in `take`
            self.fail(error)
        self.deliver()

    def _announce_first_packet(self) -> None:
        self._first_packet.set()
        if self._on_first_packet is not None:
            self._on_first_packet()
