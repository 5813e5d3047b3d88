"""What a flow plays to a leg: it gives way to whatever else is done with the leg, and goes on from where it was.

Measured with Asterisk 22.10.1: what it is asked to do with a channel (hold, music, silence, mute) it does only when
what is played to the channel has ended. Requests for the answer and for a bridge are not even answered sooner, and
while they wait Asterisk reads no other request. So the playback is stopped first, and begun again behind its offset.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum

from app.ari.ari import Ari
from app.ari.playback import Playback, PlaybackResult, open_playback
from app.domain.call import PlayOutcome
from app.domain.ids import asterisk_id, new_id
from app.errors import CallscribeError, LegGone

OVERLAP_MS = 100
"""So much is heard twice where a playback goes on: better than a syllable that is missing."""
KEEP_OFF_SECONDS = 1.0
"""How long what gave way to a bridge stays off the leg."""


class Pause(StrEnum):
    """Why nothing is played to a leg now: something else is there to be heard until it is ended."""

    HOLD = "hold"
    MUSIC = "music"
    SILENCE = "silence"


@dataclass(slots=True, eq=False)
class _Part:
    playback: Playback
    is_interrupted: bool = False


class LegPlaying:
    """All playbacks of flows on one leg. `channel_id` tells the leg's channel, `gone` is set when it is no more."""

    def __init__(self, ari: Ari, channel_id: Callable[[], str], gone: asyncio.Event) -> None:
        self._ari = ari
        self._channel_id = channel_id
        self._gone = gone
        self._turn = asyncio.Lock()
        self._parts: set[_Part] = set()
        self._pauses: set[Pause] = set()
        self._pauses_changed = asyncio.Event()
        self._keep_off_until = 0.0
        self._voices: list[Callable[[], Awaitable[None]]] = []

    @property
    def pauses(self) -> frozenset[Pause]:
        """What is heard instead of what flows play."""
        return frozenset(self._pauses)

    def pause(self, why: Pause, *, is_on: bool) -> None:
        """Play nothing from now on, or go on where nothing else keeps it."""
        (self._pauses.add if is_on else self._pauses.discard)(why)
        self._pauses_changed.set()

    @asynccontextmanager
    async def undisturbed(self) -> AsyncIterator[None]:
        """Within this context nothing is played to the leg; what was goes on after it."""
        async with self._turn:
            await self._interrupt()
            yield

    def on_bridging(self, step_aside: Callable[[], Awaitable[None]]) -> Callable[[], None]:
        """Call `step_aside`, of who speaks over flows, before the leg is needed, until what is returned is called."""
        self._voices.append(step_aside)
        return lambda: self._voices.remove(step_aside)

    async def silence_voices(self) -> None:
        """Have all who speak over flows leave the leg."""
        for step_aside in tuple(self._voices):
            await step_aside()

    async def give_way(self) -> None:
        """Play nothing for a moment: the leg goes into or out of a bridge."""
        await self.silence_voices()
        self._keep_off_until = asyncio.get_running_loop().time() + KEEP_OFF_SECONDS
        async with self._turn:
            await self._interrupt()

    async def play(self, media: Sequence[str], pressed: Callable[[], Awaitable[object]] | None = None) -> PlayOutcome:
        """Play media URIs in order; returns when the last has ended, or `pressed()` has. LegGone, AriError."""
        stops: list[asyncio.Future[object]] = [asyncio.ensure_future(self._gone.wait())]
        if pressed is not None:
            stops.append(asyncio.ensure_future(pressed()))
        try:
            is_failed = False
            for uri in media:
                result = await self._play_one(uri, stops)
                if result is None:
                    return PlayOutcome.STOPPED_BY_DIGIT
                is_failed = is_failed or result is PlaybackResult.FAILED
            return PlayOutcome.FAILED if is_failed else PlayOutcome.DONE
        finally:
            await _cancel(stops)

    async def _play_one(self, uri: str, stops: Sequence["asyncio.Future[object]"]) -> PlaybackResult | None:
        """Play one URI, as often as it takes; None when it was stopped by a digit."""
        offset_ms = 0
        while True:
            if not await self._wait(self._wait_clear(), stops):
                return None
            async with AsyncExitStack() as stack:
                async with self._turn:
                    if self._is_kept_off():
                        continue
                    playback = await stack.enter_async_context(
                        open_playback(
                            self._ari, self._channel_id(), asterisk_id("play", new_id()), [uri], offset_ms=offset_ms
                        )
                    )
                    part = _Part(playback)
                    self._parts.add(part)
                try:
                    ended = asyncio.ensure_future(playback.finished())
                    if not await self._wait(ended, stops):
                        return None
                finally:
                    self._parts.discard(part)
            if not part.is_interrupted:
                return ended.result()
            if playback.started_at is not None:
                played_ms = int((asyncio.get_running_loop().time() - playback.started_at) * 1000)
                offset_ms += max(0, played_ms - OVERLAP_MS)

    async def _wait(self, what: Awaitable[object], stops: Sequence["asyncio.Future[object]"]) -> bool:
        """Wait for `what`; False when a digit came first, LegGone when the party has hung up."""
        task = asyncio.ensure_future(what)
        try:
            await asyncio.wait({task, *stops}, return_when=asyncio.FIRST_COMPLETED)
            if self._gone.is_set():
                raise LegGone("the party has hung up")
            return task.done()
        finally:
            await _cancel([task])

    async def _interrupt(self) -> None:
        for part in tuple(self._parts):
            part.is_interrupted = True
        await asyncio.gather(*(part.playback.stop() for part in tuple(self._parts)))

    def _is_kept_off(self) -> bool:
        return bool(self._pauses) or asyncio.get_running_loop().time() < self._keep_off_until

    async def _wait_clear(self) -> None:
        while self._is_kept_off():
            if self._pauses:
                self._pauses_changed.clear()
                await self._pauses_changed.wait()
            else:
                await asyncio.sleep(self._keep_off_until - asyncio.get_running_loop().time())


async def _cancel(tasks: "Sequence[asyncio.Future[object]]") -> None:
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError, CallscribeError):
            await asyncio.wait({task})
