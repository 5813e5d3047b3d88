"""The sound of calls for programs elsewhere: RTP from Asterisk itself, AudioSocket by way of a relay of ours."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Literal, cast

from app.ari.ari import Ari
from app.ari.bridge import open_bridge
from app.ari.external_media import open_audiosocket, open_external_media
from app.ari.snoop import open_snoop
from app.call.carrier import open_carrier
from app.call.live_call import LiveCall
from app.call.session_life import SessionLife
from app.domain.ids import asterisk_id, new_id
from app.errors import StateInvalid, Unavailable
from app.logs import get_log
from app.media.audiosocket_relay import open_audiosocket_relay
from app.owned_tasks import OwnedTasks

log = get_log("call")

MOST_OF_ONE = 5
"""External medias of one call at once (contract 3.5)."""
OPEN_SECONDS = 10.0
END_SECONDS = 3.0

_Side = Literal["in", "out", "both", "none"]


@dataclass(frozen=True, slots=True)
class MediaLink:
    """Where the sound goes to and comes from; `listen` and `speak` are in, out, both or "" (as a snoop has them)."""

    host: str
    port: int
    is_audiosocket: bool = False
    format: str = "ulaw"
    listen: str = "both"
    speak: str = ""
    data: str = ""


@dataclass(slots=True, eq=False)
class _Live:
    id: str
    call: LiveCall
    link: MediaLink
    life: SessionLife[None] = field(default_factory=lambda: SessionLife("external media", log))


class ExternalMedias:
    """The register; each lives until it is stopped, its call ends or the other side of AudioSocket hangs up."""

    def __init__(
        self,
        ari: Ari,
        *,
        media_host: str,
        reserve_ports: Callable[[str, int], bool],
        release_ports: Callable[[str], None],
    ) -> None:
        self._ari = ari
        self._media_host = media_host
        self._reserve_ports = reserve_ports
        self._release_ports = release_ports
        self._live: dict[str, _Live] = {}
        self._tasks = OwnedTasks("the program is ending")

    async def run(self) -> None:
        """Own the tasks until cancelled; cancel only when no call lives."""
        await self._tasks.run(self._end_all)

    async def start(self, call: LiveCall, link: MediaLink) -> str:
        """Begin; its id, when sound can flow. StateInvalid (too many), Unavailable, LegGone, AriError."""
        self._tasks.require_open()
        if sum(live.call is call for live in self._live.values()) >= MOST_OF_ONE:
            raise StateInvalid(
                f"the call already has {MOST_OF_ONE} external medias, which is the most; stop them first"
            )
        media_id = new_id()
        if not link.is_audiosocket and not self._reserve_ports(media_id, 1):
            raise Unavailable("all ports of CALLSCRIBE_RTP_PORTS are in use: no external media can be opened now")
        live = _Live(media_id, call, link)
        self._live[media_id] = live
        self._tasks.start(self._run(live), name=f"external media {media_id}")
        await live.life.wait_ready()
        return media_id

    async def stop(self, call_id: str) -> None:
        """End all of a call; none is no error."""
        ours = [live for live in self._live.values() if live.call.record.id == call_id]
        await asyncio.gather(*(live.life.finish() for live in ours))

    async def _run(self, live: _Live) -> None:
        try:
            with (
                live.life.live(too_late="the external media could not be opened in time"),
                live.call.attach(live.life.finish),
            ):
                async with self._open(live):
                    live.life.be_ready(None)
                    log.info("external media begins", media_id=live.id, call_id=live.call.record.id)
                    await live.life.ending.wait()
        finally:
            del self._live[live.id]
            self._release_ports(live.id)

    async def _end_all(self) -> None:
        for live in self._live.values():
            live.life.ending.set()

    @asynccontextmanager
    async def _open(self, live: _Live) -> AsyncIterator[None]:
        link, channel_id = live.link, live.call.channel_id
        media_id = asterisk_id("media", live.id, "external")
        async with (
            self._open_channel(media_id, link, uuid=link.data or live.id),
            open_snoop(
                self._ari,
                channel_id,
                asterisk_id("snoop", live.id, "external"),
                cast(_Side, link.listen or "none"),
                whisper=cast(_Side, link.speak or "none"),
            ) as snoop,
            open_bridge(self._ari, asterisk_id("tap", live.id, "external")) as bridge,
            open_carrier(self._ari, live.call) if link.speak in {"out", "both"} else nullcontext(),
        ):
            await bridge.add(media_id, snoop.channel_id)
            yield

    @asynccontextmanager
    async def _open_channel(self, media_id: str, link: MediaLink, *, uuid: str) -> AsyncIterator[None]:
        if not link.is_audiosocket:
            async with open_external_media(self._ari, media_id, link.host, link.port, link.format):
                yield
            return
        async with (
            open_audiosocket_relay(self._media_host, link.host, link.port, uuid=uuid) as (host, port),
            open_audiosocket(self._ari, media_id, host, port, link.format, uuid=uuid),
        ):
            yield
