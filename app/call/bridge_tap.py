"""What everybody in a bridge hears together, as frames: an external media channel among the bridge's members."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from app.ari.ari import Ari
from app.ari.bridge import Bridge
from app.ari.external_media import open_external_media
from app.call.tap import Tap, open_stream
from app.domain.audio import Frame
from app.domain.ids import asterisk_id
from app.media.rtp_receiver import RtpReceiver


@asynccontextmanager
async def open_bridge_tap(
    ari: Ari,
    receiver: RtpReceiver,
    *,
    media_host: str,
    bridge_id: str,
    owner_id: str,
    sink: Callable[[Sequence[Frame]], None],
) -> AsyncIterator[Tap]:
    """Hear the mix of a bridge; yields when the channel is in it.

    It does not wait for sound: Asterisk sends nothing while nobody else is in the bridge, and frames then come with a
    gap in their times. Raises LegGone when the channel is gone at once, AriError when Asterisk refuses (404: there is
    no such bridge) or does not answer in time.
    """
    media_id = asterisk_id("media", owner_id, "mix")
    async with (
        open_external_media(ari, media_id, media_host, receiver.address[1], format="slin") as media,
        open_stream(receiver, media.source, sink) as stream,
    ):
        await Bridge(ari, bridge_id).add(media_id)
        yield Tap(stream)
