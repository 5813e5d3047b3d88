"""A party hears itself: its leg is alone in a bridge with an external media channel, and we send back what that sends.

Not Asterisk's own Echo(): for that the leg would have to leave our application (or a Local channel would need a place
in the dialplan), and it ends at a `#`.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from app.ari.ari import Ari
from app.ari.bridge import open_bridge
from app.ari.external_media import open_external_media
from app.call.live_call import LiveCall
from app.call.running import open_sender
from app.call.tap import open_stream
from app.domain.audio import Frame
from app.domain.ids import asterisk_id, new_id
from app.media.rtp_receiver import RtpReceiver


@asynccontextmanager
async def open_echo(ari: Ari, receiver: RtpReceiver, call: LiveCall, *, media_host: str) -> AsyncIterator[None]:
    """Let the party hear itself within this context; takes one pair of RTP ports.

    Raises LegGone when the party hangs up meanwhile, AriError.
    """
    loop = asyncio.get_running_loop()
    echo_id = new_id()
    media_id = asterisk_id("media", echo_id, "echo")
    async with (
        open_external_media(ari, media_id, media_host, receiver.address[1], format="slin") as media,
        open_sender(lambda datagram: receiver.send(datagram, media.source)) as sender,
    ):

        def send_back(frames: Sequence[Frame]) -> None:
            # On the media thread; the sender is the event loop's.
            loop.call_soon_threadsafe(sender.push, b"".join(frame.pcm for frame in frames))

        async with (
            open_stream(receiver, media.source, send_back),
            open_bridge(ari, asterisk_id("echo", echo_id)) as bridge,
        ):
            await call.make_way()
            await bridge.add(media_id, call.channel_id)
            yield
