"""A voice over whatever runs in a call: one party hears it, its own speech and what runs stay untouched.

Two ways, measured with Asterisk 22.10.1. While nothing else is played to the leg, the voice is an ordinary playback on
it: whatever listens to what the party hears (`out`) hears it too. While something is played, or others talk with the
party, it is whispered by a snoop (spy=none, whisper=out), which mixes. Audiohooks that spy get each frame before it is
mixed, so what is whispered is in no `out` tap and no recording.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Protocol

from app.ari.ari import Ari
from app.ari.events import PlaybackFinished, PlaybackStarted
from app.ari.playback import Playback, PlaybackResult, open_playback
from app.ari.snoop import open_snoop
from app.ari.watch import Watch
from app.call.carrier import Leg, is_connected, open_carrier
from app.call.played_media import PlayedMedia
from app.domain.call import PlayOutcome
from app.domain.ids import asterisk_id, new_id

KEEP_OFF_SECONDS = 2.0
"""How long a voice that stepped aside leaves the leg alone."""
BEGIN_SECONDS = 0.25
"""A playback on a leg to which nothing else is played begins sooner; a later one waits behind something."""


class Party(Leg, Protocol):
    """Whom a voice speaks to; a LiveCall is one."""

    @property
    def played(self) -> PlayedMedia:
        """What is played to the party."""
        ...

    def on_bridging(self, step_aside: Callable[[], Awaitable[None]]) -> Callable[[], None]:
        """Have `step_aside` awaited before the leg goes into or out of a bridge; what is returned takes that back."""
        ...


class VoiceOver:
    """Made by `open_voice_over`. Speaks one thing at a time; cancelling `speak` silences it at once."""

    def __init__(self, ari: Ari, party: Party, stack: AsyncExitStack) -> None:
        self._ari = ari
        self._party = party
        self._stack = stack
        self._whisper_id: str | None = None
        self._playback: Playback | None = None
        self._aside = asyncio.Event()
        self._is_off_leg = asyncio.Event()
        self._is_off_leg.set()
        self._keeps_off_until = 0.0

    async def speak(self, media: Sequence[str], on_begun: Callable[[], None] = lambda: None) -> PlayOutcome:
        """Speak media URIs to the party; returns at their end. `on_begun` is called when they begin to be heard.

        Raises LegGone when the party hangs up, AriError.
        """
        self._aside.clear()
        is_kept_off = asyncio.get_running_loop().time() < self._keeps_off_until
        if not is_kept_off and not self._party.hears_music and not await is_connected(self._ari, self._party):
            outcome = await self._speak_directly(media, on_begun)
            if outcome is not None:
                return outcome
        return await self._whisper(media, on_begun)

    async def stop(self) -> None:
        """Silence what is spoken now; its `speak` returns."""
        if self._playback is not None:
            await self._playback.stop()

    async def step_aside(self) -> None:
        """Leave the leg, which is about to go into or out of a bridge: what is being spoken is said again, whispered.

        Asterisk does that only when the channel's playback has ended, and answers no other request meanwhile.
        """
        self._keeps_off_until = asyncio.get_running_loop().time() + KEEP_OFF_SECONDS
        self._aside.set()
        await self._is_off_leg.wait()

    async def _speak_directly(self, media: Sequence[str], on_begun: Callable[[], None]) -> PlayOutcome | None:
        """Play on the leg itself; None when something else is being played there, or a bridge needs the leg."""
        play_id = asterisk_id("play", new_id())
        self._is_off_leg.clear()
        try:
            return await self._play_on_leg(play_id, media, on_begun)
        finally:
            self._is_off_leg.set()

    async def _play_on_leg(
        self, play_id: str, media: Sequence[str], on_begun: Callable[[], None]
    ) -> PlayOutcome | None:
        with self._ari.watch(play_id) as watch, self._party.played.of(media):
            async with open_playback(self._ari, self._party.channel_id, play_id, media) as playback:
                if not await _has_begun(watch):
                    return None
                watch.close()
                on_begun()
                return await self._follow(playback, self._aside.wait())

    async def _whisper(self, media: Sequence[str], on_begun: Callable[[], None]) -> PlayOutcome:
        snoop_id = await self._open_whisper()
        async with (
            open_carrier(self._ari, self._party),
            open_playback(self._ari, snoop_id, asterisk_id("play", new_id()), media) as playback,
        ):
            on_begun()
            return await self._follow(playback) or PlayOutcome.DONE

    async def _open_whisper(self) -> str:
        if self._whisper_id is None:
            snoop_id = asterisk_id("snoop", new_id(), "voice")
            await self._stack.enter_async_context(
                open_snoop(self._ari, self._party.channel_id, snoop_id, "none", whisper="out")
            )
            self._whisper_id = snoop_id
        return self._whisper_id

    async def _follow(
        self, playback: Playback, interruption: Coroutine[Any, Any, object] | None = None
    ) -> PlayOutcome | None:
        """Wait for the end of the playback; None when `interruption` comes first."""
        self._playback = playback
        ended: asyncio.Future[Any] = asyncio.ensure_future(playback.finished())
        waits = [ended] if interruption is None else [ended, asyncio.ensure_future(interruption)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                return None
            return PlayOutcome.DONE if ended.result() is PlaybackResult.DONE else PlayOutcome.FAILED
        finally:
            self._playback = None
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)


@asynccontextmanager
async def open_voice_over(ari: Ari, party: Party) -> AsyncIterator[VoiceOver]:
    """Open a voice to one party for as long as the context lasts; nothing is heard of it until it speaks."""
    async with AsyncExitStack() as stack:
        voice = VoiceOver(ari, party, stack)
        stack.callback(party.on_bridging(voice.step_aside))
        yield voice


async def speak_once(
    ari: Ari, party: Party, media: Sequence[str], on_begun: Callable[[], None] = lambda: None
) -> PlayOutcome:
    """Speak media URIs over whatever runs; returns at their end."""
    async with open_voice_over(ari, party) as voice:
        return await voice.speak(media, on_begun)


async def _has_begun(watch: Watch) -> bool:
    try:
        async with asyncio.timeout(BEGIN_SECONDS):
            async for event in watch:
                if isinstance(event, PlaybackStarted | PlaybackFinished):
                    return True
    except TimeoutError:
        pass
    return False
