"""What a party hears on Asterisk's own account: music on hold, silence; one goes before the other."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from app.ari import channel as leg
from app.ari.ari import Ari
from app.call.leg_playing import LegPlaying, Pause

Alone = Callable[[], AbstractAsyncContextManager[None]]
"""Opens a context in which nothing is played to the leg; LegGone, StateInvalid where nobody has answered."""


class LegSound:
    """Hold, music and silence of one leg. While any of them is on, what flows play waits."""

    def __init__(self, ari: Ari, channel_id: Callable[[], str], playing: LegPlaying, alone: Alone) -> None:
        self._ari = ari
        self._channel_id = channel_id
        self._playing = playing
        self._alone = alone

    @property
    def is_music(self) -> bool:
        """Whether music on hold is played to the party: a playback on the leg would end it."""
        return bool(self._playing.pauses & {Pause.HOLD, Pause.MUSIC}) and Pause.SILENCE not in self._playing.pauses

    async def hold(self, *, is_on: bool) -> None:
        """Put the party on hold, or back: its telephone is told so, and it hears music."""
        async with self._alone():
            self._playing.pause(Pause.HOLD, is_on=is_on)
            await (leg.hold if is_on else leg.unhold)(self._ari, self._channel_id())
            await self._renew()

    async def music(self, *, is_on: bool) -> None:
        """Play music on hold to the party, or end it."""
        await self._pause(Pause.MUSIC, is_on=is_on)

    async def silence(self, *, is_on: bool) -> None:
        """Send silence to the party, or end it; it goes before music."""
        await self._pause(Pause.SILENCE, is_on=is_on)

    async def _pause(self, why: Pause, *, is_on: bool) -> None:
        async with self._alone():
            self._playing.pause(why, is_on=is_on)
            await self._renew()

    async def _renew(self) -> None:
        """Let the party hear what is on now: silence, else music, else nothing of both."""
        if Pause.SILENCE in self._playing.pauses:
            await leg.start_silence(self._ari, self._channel_id())
            return
        await leg.stop_silence(self._ari, self._channel_id())
        await (leg.start_music if self.is_music else leg.stop_music)(self._ari, self._channel_id())
