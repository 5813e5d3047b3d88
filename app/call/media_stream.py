"""The sound of a call or a conference both ways: frames out of it, and sound into it, as an external program sends it.

Of a call comes what its party says, and what is sent is mixed into what the party hears (a snoop: spy=in, whisper=out).
Of a conference comes what all hear together, and what is sent all hear: it is one more member of its bridge.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.ari.ari import Ari
from app.ari.bridge import open_bridge
from app.ari.external_media import open_external_media
from app.ari.snoop import open_snoop
from app.call.bridge_tap import open_bridge_tap
from app.call.carrier import Leg, open_carrier
from app.call.live_call import LiveCall
from app.call.running import open_sender, running
from app.call.tap import FIRST_PACKET_SECONDS, open_stream
from app.domain.audio import Frame
from app.domain.ids import asterisk_id, new_id
from app.errors import StateInvalid, Unavailable
from app.media.rtp_receiver import RtpReceiver
from app.media.rtp_sender import RtpSender

if TYPE_CHECKING:
    from app.call.conference import LiveConference

MOST_OF_ONE = 5
"""Media streams of one call or conference at once (contract 3.5, external media per call)."""
CARRY_ON_SECONDS = 1.0

Sink = Callable[[Sequence[Frame]], None]


@dataclass(frozen=True, slots=True)
class MediaStream:
    """An open stream. Frames go to its sink on the media thread; `sender.push` takes what is to be heard."""

    sender: RtpSender


class MediaStreams:
    """Opens streams, at most MOST_OF_ONE of one call or conference; each takes one pair of RTP ports."""

    def __init__(
        self,
        ari: Ari,
        receiver: RtpReceiver,
        *,
        media_host: str,
        reserve_ports: Callable[[str, int], bool],
        release_ports: Callable[[str], None],
    ) -> None:
        self._ari = ari
        self._receiver = receiver
        self._media_host = media_host
        self._reserve_ports = reserve_ports
        self._release_ports = release_ports
        self._open: Counter[str] = Counter()

    def __len__(self) -> int:
        return self._open.total()

    @asynccontextmanager
    async def open_call(self, call: LiveCall, sink: Sink) -> AsyncIterator[MediaStream]:
        """Open the sound of a call; yields when it comes. StateInvalid, Unavailable, LegGone, AriError."""
        with self._one_more(call.record.id) as stream_id:
            async with self._open_leg(call, stream_id, sink) as stream:
                yield stream

    @asynccontextmanager
    async def open_conference(self, conference: "LiveConference", sink: Sink) -> AsyncIterator[MediaStream]:
        """Open the sound of a conference; nothing comes while it is empty. StateInvalid, Unavailable, AriError."""
        with self._one_more(conference.record.id) as stream_id:
            async with (
                open_bridge_tap(
                    self._ari,
                    self._receiver,
                    media_host=self._media_host,
                    bridge_id=conference.bridge_id,
                    owner_id=stream_id,
                    sink=sink,
                ) as tap,
                self._sending(tap.stream.source) as sender,
            ):
                yield MediaStream(sender)

    @asynccontextmanager
    async def _open_leg(self, leg: Leg, stream_id: str, sink: Sink) -> AsyncIterator[MediaStream]:
        media_id, snoop_id = asterisk_id("media", stream_id, "stream"), asterisk_id("snoop", stream_id, "stream")
        port = self._receiver.address[1]
        async with (
            open_external_media(self._ari, media_id, self._media_host, port, format="slin") as media,
            open_stream(self._receiver, media.source, sink) as stream,
            open_snoop(self._ari, leg.channel_id, snoop_id, "in", whisper="out"),
            open_bridge(self._ari, asterisk_id("tap", stream_id, "stream")) as bridge,
        ):
            await bridge.add(media_id, snoop_id)
            await stream.wait_first_packet(FIRST_PACKET_SECONDS)
            async with self._sending(media.source) as sender, running(self._carry(leg, sender)):
                yield MediaStream(sender)

    def _sending(self, destination: tuple[str, int]) -> AbstractAsyncContextManager[RtpSender]:
        return open_sender(lambda datagram: self._receiver.send(datagram, destination))

    async def _carry(self, leg: Leg, sender: RtpSender) -> None:
        """While something is sent have it carried to the party."""
        while True:
            await sender.wait_sound()
            async with open_carrier(self._ari, leg):
                await sender.wait_quiet(CARRY_ON_SECONDS)

    @contextmanager
    def _one_more(self, reference_id: str) -> Iterator[str]:
        if self._open[reference_id] >= MOST_OF_ONE:
            raise StateInvalid(
                f"{reference_id} already has {MOST_OF_ONE} media streams, which is the most; end one first"
            )
        stream_id = new_id()
        if not self._reserve_ports(stream_id, 1):
            raise Unavailable("all ports of CALLSCRIBE_RTP_PORTS are in use: no media stream can be opened now")
        self._open[reference_id] += 1
        try:
            yield stream_id
        finally:
            self._release_ports(stream_id)
            self._open[reference_id] -= 1
            if not self._open[reference_id]:
                del self._open[reference_id]
