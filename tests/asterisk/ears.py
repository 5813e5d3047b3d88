"""Calls of a real Asterisk whose both ends we hold, and ears on them that tell tones apart."""

import asyncio
import math
import wave
from array import array
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np

from app.ari import channel as channels
from app.ari import operation
from app.ari.ari import Ari
from app.ari.events import StasisStart
from app.ari.release import release
from app.call.tap import open_tap
from app.domain.audio import FRAME_SAMPLES, SAMPLE_RATE, Frame
from app.domain.ids import asterisk_id, new_id
from app.domain.transcribe import Direction
from app.media.rtp_receiver import RtpReceiver

PATIENCE_SECONDS = 15.0


def tone(hertz: int, seconds: float) -> bytes:
    """8 kHz 16-bit samples of a tone."""
    count = int(SAMPLE_RATE * seconds)
    return array("h", (int(9000 * math.sin(2 * math.pi * hertz * at / SAMPLE_RATE)) for at in range(count))).tobytes()


def write_tone(path: Path, hertz: int, seconds: float) -> str:
    """Write a tone as a sound file of Asterisk's, and return its media URI."""
    with wave.open(f"{path}.wav", "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        file.writeframes(tone(hertz, seconds))
    return f"sound:{path}"


def has_tone(pcm: bytes, hertz: int) -> bool:
    """Whether a frame holds a tone of this pitch, alone or among others."""
    samples = np.frombuffer(pcm, "<i2").astype(float)
    turns = np.exp(-2j * np.pi * hertz * np.arange(len(samples)) / SAMPLE_RATE)
    return bool(abs((samples * turns).sum()) / FRAME_SAMPLES > 1000)


class Ear:
    """What was heard; frames come from any thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self.frames: list[bytes] = []

    def put(self, frames: Sequence[Frame]) -> None:
        self._loop.call_soon_threadsafe(self.take, [frame.pcm for frame in frames])

    def take(self, frames: Sequence[bytes]) -> None:
        self.frames.extend(frames)
        self._news.set()

    async def hear(self, *pitches: int, without: Sequence[int] = (), frames: int = 10) -> None:
        """Wait until so many frames in a row from now on have all these tones, and none of the others."""
        await self.wait_frames(
            lambda pcm: all(has_tone(pcm, hertz) for hertz in pitches) and not any(has_tone(pcm, no) for no in without),
            frames,
            f"{pitches} without {without}",
        )

    async def miss(self, *pitches: int, frames: int = 25) -> None:
        """Wait until so many frames in a row from now on have none of these tones."""
        await self.wait_frames(lambda pcm: not any(has_tone(pcm, hertz) for hertz in pitches), frames, f"no {pitches}")

    async def quiet(self, *pitches: int, seconds: float = 0.6) -> None:
        """Wait until none of these tones has come for a while; silence may also come as nothing at all."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                at = len(self.frames)
                await asyncio.sleep(seconds)
                if not any(has_tone(pcm, hertz) for pcm in self.frames[at:] for hertz in pitches):
                    return

    async def wait_frames(self, is_right: Callable[[bytes], bool], frames: int, what: str) -> None:
        """Wait until so many frames in a row from now on are right."""
        at, run = len(self.frames), 0
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while run < frames:
                    while at == len(self.frames):
                        self._news.clear()
                        await self._news.wait()
                    run = run + 1 if is_right(self.frames[at]) else 0
                    at += 1
        except TimeoutError:
            story = "".join("x" if is_right(pcm) else "." for pcm in self.frames[-400:])
            raise AssertionError(f"not heard: {what}; the last frames: {story}") from None


@asynccontextmanager
async def open_ear(ari: Ari, receiver: RtpReceiver, channel_id: str, direction: Direction) -> AsyncIterator[Ear]:
    """Listen to one direction of a channel."""
    ear = Ear()
    async with open_tap(
        ari,
        receiver,
        media_host="127.0.0.1",
        channel_id=channel_id,
        owner_id=new_id(),
        direction=direction,
        sink=ear.put,
    ):
        yield ear


@asynccontextmanager
async def open_party(ari: Ari) -> AsyncIterator[tuple[str, str]]:
    """Yield the channel of an answered new call, and that of its party; Local channels stand in for both."""
    party = asterisk_id("leg", new_id())
    query = {"endpoint": "Local/1000@incoming/n", "app": ari.application, "otherChannelId": f"1700000000.{new_id()}"}
    with ari.watch(party) as watch:
        await operation.ORIGINATE.send(ari, {"channelId": party}, query)
        try:
            start = await anext(aiter(ari.arrivals))
            await channels.answer(ari, start.channel.id)
            await watch.wait_for(StasisStart, 5)
            yield start.channel.id, party
        finally:
            await release(ari, operation.HANG_UP, {"channelId": party})


async def until_empty(ari: Ari) -> None:
    """Wait until Asterisk has no channel and no bridge: deleted channels need a moment."""
    async with asyncio.timeout(5):
        while (await ari.request("GET", "/channels"), await ari.request("GET", "/bridges")) != ([], []):
            await asyncio.sleep(0.02)
