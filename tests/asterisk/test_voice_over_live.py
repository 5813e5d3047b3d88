"""Voices over calls with the real Asterisk: whom they reach, whatever runs; and that they leave nothing behind."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import pytest

from app.ari import channel as channels
from app.ari.ari import Ari, open_ari
from app.ari.bridge import open_bridge
from app.ari.playback import Playback, PlaybackResult, open_playback
from app.call.played_media import PlayedMedia
from app.call.voice_over import VoiceOver, open_voice_over
from app.domain.call import PlayOutcome
from app.domain.ids import asterisk_id, new_id
from app.domain.transcribe import Direction
from app.errors import LegGone
from app.media.rtp_receiver import RtpReceiver, open_rtp_receiver
from tests.asterisk.conftest import RealAsterisk
from tests.asterisk.ears import Ear, open_ear, open_party, until_empty, write_tone

pytestmark = pytest.mark.asterisk

VOICE, PROMPT, OTHER = 1700, 1000, 400


@dataclass
class PartyOfTest:
    """As a LiveCall."""

    channel_id: str
    hears_music: bool = False
    asides: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    played: PlayedMedia = field(default_factory=PlayedMedia)

    def on_bridging(self, step_aside: Callable[[], Awaitable[None]]) -> Callable[[], None]:
        self.asides.append(step_aside)
        return lambda: self.asides.remove(step_aside)


@dataclass
class Scene:
    """A call with a voice: `heard` = what the party hears, `said` = what taps take for its speech, `out` = for ours."""

    ari: Ari
    receiver: RtpReceiver
    party: PartyOfTest
    far_id: str
    voice: VoiceOver
    heard: Ear
    said: Ear
    out: Ear
    media: dict[int, str]

    def play(self, hertz: int, channel_id: str = "") -> AbstractAsyncContextManager[Playback]:
        return open_playback(
            self.ari, channel_id or self.party.channel_id, asterisk_id("play", new_id()), [self.media[hertz]]
        )

    @asynccontextmanager
    async def speaking(self) -> AsyncIterator[asyncio.Task[PlayOutcome]]:
        """Speak as long as the context lasts."""
        task = asyncio.create_task(self.voice.speak([self.media[VOICE]]))
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.wait({task})


@asynccontextmanager
async def open_scene(asterisk: RealAsterisk) -> AsyncIterator[Scene]:
    media = {hertz: write_tone(asterisk.sounds / str(hertz), hertz, 30) for hertz in (VOICE, PROMPT, OTHER)}
    async with (
        open_ari(asterisk.url, asterisk.user, asterisk.password, asterisk.application) as ari,
        open_rtp_receiver("127.0.0.1", 0) as receiver,
    ):
        async with AsyncExitStack() as stack:
            channel_id, far_id = await stack.enter_async_context(open_party(ari))
            heard = await stack.enter_async_context(open_ear(ari, receiver, far_id, Direction.IN))
            said = await stack.enter_async_context(open_ear(ari, receiver, channel_id, Direction.IN))
            out = await stack.enter_async_context(open_ear(ari, receiver, channel_id, Direction.OUT))
            party = PartyOfTest(channel_id)
            voice = await stack.enter_async_context(open_voice_over(ari, party))
            yield Scene(ari, receiver, party, far_id, voice, heard, said, out, media)
        assert party.asides == []
        await until_empty(ari)


async def test_over_nothing(real_asterisk: RealAsterisk) -> None:
    async with open_scene(real_asterisk) as scene:
        begun = asyncio.Event()
        task = asyncio.create_task(scene.voice.speak([scene.media[VOICE]], begun.set))
        await begun.wait()
        await asyncio.gather(scene.heard.hear(VOICE), scene.out.hear(VOICE), scene.said.miss(VOICE))
        await scene.voice.stop()
        assert await task is PlayOutcome.DONE
        await scene.heard.miss(VOICE)


async def test_over_a_prompt_and_beyond_its_end(real_asterisk: RealAsterisk) -> None:
    async with open_scene(real_asterisk) as scene:
        async with scene.play(PROMPT) as prompt:
            await scene.heard.hear(PROMPT)
            async with scene.speaking() as task:
                await asyncio.gather(scene.heard.hear(PROMPT, VOICE), scene.said.miss(VOICE, PROMPT))
                # What is whispered is not in what a tap hears: Asterisk gives it the frames before they are mixed.
                await scene.out.hear(PROMPT, without=[VOICE])
                await prompt.stop()
                assert await prompt.finished() is PlaybackResult.DONE
                await scene.heard.hear(VOICE, without=[PROMPT], frames=25)
                async with scene.play(PROMPT):
                    await scene.heard.hear(PROMPT, VOICE)
                await scene.heard.hear(VOICE, without=[PROMPT], frames=40)
                assert not task.done()
        await scene.heard.miss(VOICE, PROMPT)


async def test_over_music(real_asterisk: RealAsterisk) -> None:
    async with open_scene(real_asterisk) as scene:
        await channels.start_music(scene.ari, scene.party.channel_id)
        scene.party.hears_music = True
        async with scene.speaking():
            await scene.heard.hear(VOICE)


async def test_in_a_bridge(real_asterisk: RealAsterisk) -> None:
    async with (
        open_scene(real_asterisk) as scene,
        open_party(scene.ari) as (peer_id, peer_far_id),
        open_bridge(scene.ari, asterisk_id("room", "x")) as room,
        open_ear(scene.ari, scene.receiver, peer_far_id, Direction.IN) as peer_heard,
    ):
        await room.add(scene.party.channel_id)
        async with scene.speaking():  # alone in the room
            await asyncio.gather(scene.heard.hear(VOICE), scene.out.hear(VOICE))
        await scene.heard.miss(VOICE)
        await room.add(peer_id)
        async with scene.play(OTHER, peer_far_id), scene.play(PROMPT, scene.far_id):
            await asyncio.gather(scene.heard.hear(OTHER), peer_heard.hear(PROMPT))
            async with scene.speaking():
                await asyncio.gather(scene.heard.hear(OTHER, VOICE), scene.said.hear(PROMPT, without=[VOICE]))
                await peer_heard.hear(PROMPT, without=[VOICE])
            await scene.heard.hear(OTHER, without=[VOICE])


async def test_a_voice_makes_way_for_a_bridge(real_asterisk: RealAsterisk) -> None:
    async with (
        open_scene(real_asterisk) as scene,
        open_party(scene.ari) as (peer_id, peer_far_id),
        open_bridge(scene.ari, asterisk_id("room", "x")) as room,
        scene.play(OTHER, peer_far_id),
        scene.speaking(),
    ):
        await scene.heard.hear(VOICE)
        for step_aside in scene.party.asides:
            await step_aside()
        await room.add(scene.party.channel_id, peer_id)
        await scene.heard.hear(OTHER, VOICE)


async def test_a_voice_makes_way_for_leaving_a_bridge(real_asterisk: RealAsterisk) -> None:
    async with (
        open_scene(real_asterisk) as scene,
        open_bridge(scene.ari, asterisk_id("room", "x")) as room,
    ):
        await room.add(scene.party.channel_id)
        async with scene.speaking():
            await scene.heard.hear(VOICE)
            for step_aside in scene.party.asides:
                await step_aside()
            await room.remove(scene.party.channel_id)
            await scene.heard.hear(VOICE)


async def test_silence_that_carries_a_whisper_ends_in_a_bridge(real_asterisk: RealAsterisk) -> None:
    async with (
        open_scene(real_asterisk) as scene,
        open_party(scene.ari) as (peer_id, peer_far_id),
        open_bridge(scene.ari, asterisk_id("room", "x")) as room,
        scene.play(OTHER, peer_far_id),
    ):
        async with scene.play(PROMPT) as prompt:
            await scene.heard.hear(PROMPT)
            async with scene.speaking():
                await scene.heard.hear(PROMPT, VOICE)
                await prompt.stop()
                await scene.heard.hear(VOICE, without=[PROMPT])
                await room.add(scene.party.channel_id, peer_id)
                await scene.heard.hear(OTHER, VOICE, frames=40)
        await scene.heard.hear(OTHER, without=[VOICE])


async def test_the_party_hangs_up(real_asterisk: RealAsterisk) -> None:
    async with open_scene(real_asterisk) as scene:
        task = asyncio.create_task(scene.voice.speak([scene.media[VOICE]]))
        await scene.heard.hear(VOICE)
        await channels.hang_up(scene.ari, scene.far_id)
        with pytest.raises(LegGone):
            await task
        with pytest.raises(LegGone):
            await scene.voice.speak([scene.media[VOICE]])
