"""A carrier for what is whispered: a snoop mixes only into frames that are on their way to the party.

With Asterisk 22.10.1 nothing is on its way to a leg to which nothing is played and that nobody talks with, so a whisper
is lost there. Silence played to such a leg carries it. Asterisk begins the silence behind the playback that goes on,
and ends it at the next one, so it is asked for again and again. In a bridge the silence would stand in for what the
others say, so it ends there.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Protocol

from app.ari.ari import Ari
from app.ari.channel import get_variable, start_silence, stop_silence
from app.ari.errors import AriRefused
from app.ari.events import ChannelEnteredBridge
from app.ari.release import finish
from app.ari.watch import Watch
from app.errors import LegGone, Unavailable

LOOK_SECONDS = 0.5
RENEW_SECONDS = 2.0
_PEERS = "BRIDGEPEER"  # Asterisk's list of the other channels in the channel's bridge


class Leg(Protocol):
    """The leg of the party that is whispered to."""

    @property
    def channel_id(self) -> str:
        """The leg's channel."""
        ...

    @property
    def hears_music(self) -> bool:
        """Whether music on hold is played to the party, which silence or a playback would end."""
        ...


async def is_connected(ari: Ari, leg: Leg) -> bool:
    """Tell whether anybody else is in a bridge with the leg; LegGone when it is gone."""
    return bool(await get_variable(ari, leg.channel_id, _PEERS))


@asynccontextmanager
async def open_carrier(ari: Ari, leg: Leg) -> AsyncIterator[None]:
    """Keep frames on their way to the leg as long as the context lasts; they are when it begins."""
    with ari.watch(leg.channel_id) as watch:
        carrier = _Carrier(ari, leg)
        await carrier.look(is_renewal=True)
        keeping = asyncio.create_task(carrier.keep(watch), name=f"carrier {leg.channel_id}")
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.wait({keeping})
            await finish(carrier.end())


class _Carrier:
    def __init__(self, ari: Ari, leg: Leg) -> None:
        self._ari = ari
        self._leg = leg
        self._is_silent = False

    async def keep(self, watch: Watch) -> None:
        """Look again after every while, and at once when the leg comes into a bridge; ends when the leg is gone."""
        loop = asyncio.get_running_loop()
        renewed_at = loop.time()
        with suppress(LegGone, AriRefused, Unavailable):
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await watch.wait_for(ChannelEnteredBridge)
                is_renewal = loop.time() - renewed_at >= RENEW_SECONDS
                await self.look(is_renewal=is_renewal)
                if is_renewal:
                    renewed_at = loop.time()

    async def look(self, *, is_renewal: bool) -> None:
        """Play silence where nothing else can be on its way, and end it where something is."""
        needs = not self._leg.hears_music and not await is_connected(self._ari, self._leg)
        if not needs:
            await self.end()
        elif is_renewal or not self._is_silent:
            await start_silence(self._ari, self._leg.channel_id)
            self._is_silent = True

    async def end(self) -> None:
        """End the silence, but not music that took its place."""
        if self._is_silent:
            self._is_silent = False
            if not self._leg.hears_music:
                with suppress(LegGone, AriRefused, Unavailable):
                    await stop_silence(self._ari, self._leg.channel_id)
