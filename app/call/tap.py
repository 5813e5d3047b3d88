"""One tap: the audio of one direction of one leg, from Asterisk to our receiver. Never two directions in one."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

from app.ari.ari import Ari
from app.ari.bridge import open_bridge
from app.ari.external_media import open_external_media
from app.ari.snoop import open_snoop
from app.domain.audio import Frame
from app.domain.ids import asterisk_id
from app.domain.transcribe import Direction
from app.media.rtp_receiver import RtpReceiver
from app.media.rtp_stream import RtpStream

FIRST_PACKET_SECONDS = 2.0
QUIET_SECONDS = 0.06
DRAIN_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Tap:
    """An open tap; its frames go to the sink on the media thread."""

    stream: RtpStream

    async def drain(self) -> None:
        """Wait until the last packets that are on their way have come: the leg is gone, the stream runs dry."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + DRAIN_SECONDS
        seen = -1
        while loop.time() < deadline and self.stream.counts.received != seen:
            seen = self.stream.counts.received
            await asyncio.sleep(QUIET_SECONDS)


@asynccontextmanager
async def open_tap(
    ari: Ari,
    receiver: RtpReceiver,
    *,
    media_host: str,
    channel_id: str,
    owner_id: str,
    direction: Direction,
    sink: Callable[[Sequence[Frame]], None],
) -> AsyncIterator[Tap]:
    """Tap one direction of a leg; yields when the first packet has arrived, so that no word is lost.

    Raises LegGone when the party hangs up meanwhile, AriError when Asterisk refuses or does not answer in time.
    """
    media_id = asterisk_id("media", owner_id, direction)
    snoop_id = asterisk_id("snoop", owner_id, direction)
    bridge_id = asterisk_id("tap", owner_id, direction)
    port = receiver.address[1]
    spy: Literal["in", "out"] = "in" if direction is Direction.IN else "out"
    async with (
        open_external_media(ari, media_id, media_host, port, format="slin") as media,
        open_stream(receiver, media.source, sink) as stream,
        open_snoop(ari, channel_id, snoop_id, spy),
        open_bridge(ari, bridge_id) as bridge,
    ):
        await bridge.add(media_id, snoop_id)
        await stream.wait_first_packet(FIRST_PACKET_SECONDS)
        yield Tap(stream)


@asynccontextmanager
async def open_stream(
    receiver: RtpReceiver, source: tuple[str, int], sink: Callable[[Sequence[Frame]], None]
) -> AsyncIterator[RtpStream]:
    """Listen to what comes from `source`; at the end the sink has everything that came, and is never called again."""
    stream = receiver.listen(source, sink)
    try:
        yield stream
    finally:
        await stream.close()
