"""The scripted Asterisk itself: its sound, its calls without an app, its restart."""

import asyncio
import socket
import struct
import wave
from array import array
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from app.ari.ari import Ari, open_ari
from app.ari.backoff import Backoff
from app.ari.bridge import open_bridge
from app.ari.errors import AriDisconnected
from app.ari.events import Disconnected, Reconnected
from app.ari.external_media import open_external_media
from app.ari.leftovers import sweep
from app.ari.playback import PlaybackResult, open_playback
from app.ari.snoop import open_snoop
from app.domain.ids import asterisk_id
from tests.scenarios.scripted_asterisk import ScriptedAsterisk, open_scripted_asterisk


@pytest.fixture
async def asterisk() -> AsyncIterator[ScriptedAsterisk]:
    async with open_scripted_asterisk(speed=10) as scripted:
        yield scripted


@pytest.fixture
async def ari(asterisk: ScriptedAsterisk) -> AsyncIterator[Ari]:
    async with open_ari(
        asterisk.url, asterisk.user, asterisk.password, backoff=Backoff(first_seconds=0.01, limit_seconds=0.05)
    ) as connected:
        yield connected


class Ear:
    """One tapped direction, as the app would hear it."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)

    async def open(self, stack: AsyncExitStack, ari: Ari, leg_id: str, name: str) -> None:
        stack.callback(self.socket.close)
        port = self.socket.getsockname()[1]
        spy = open_snoop(ari, leg_id, asterisk_id("snoop", name), "in" if name == "in" else "out")
        snoop = await stack.enter_async_context(spy)
        media = await stack.enter_async_context(open_external_media(ari, asterisk_id("media", name), "127.0.0.1", port))
        bridge = await stack.enter_async_context(open_bridge(ari, asterisk_id("tap", name)))
        await bridge.add(snoop.channel_id, media.channel_id)

    async def packet(self) -> tuple[int, int]:
        """The next packet's sequence number and first sample."""
        packet = await asyncio.get_running_loop().sock_recv(self.socket, 2048)
        first, payload_type, sequence = struct.unpack("!BBH", packet[:4])
        assert (first, payload_type, len(packet)) == (0x80, 10, 332)
        return sequence, struct.unpack("!h", packet[12:14])[0]

    async def heard(self, count: int) -> list[int]:
        """The first samples of the next `count` packets that are not silent."""
        samples: list[int] = []
        while len(samples) < count:
            _, sample = await self.packet()
            if sample:
                samples.append(sample)
        return samples


def pcm(*values: int) -> bytes:
    """20 ms of each value."""
    return b"".join(array("h", [value] * 160).tobytes() for value in values)


async def test_each_direction_carries_its_own_sound(ari: Ari, asterisk: ScriptedAsterisk, tmp_path: Path) -> None:
    leg = await asterisk.place_call("1000")
    with wave.open(str(tmp_path / "prompt.wav"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(pcm(7, 8))
    async with AsyncExitStack() as stack:
        ear_in, ear_out = Ear(), Ear()
        await ear_in.open(stack, ari, leg.id, "in")
        await ear_out.open(stack, ari, leg.id, "out")
        assert leg.taps == {"in", "out"}
        leg.say(pcm(1, 2, 3))
        leg.hear(pcm(4, 5))
        await leg.said()
        assert (await ear_in.heard(3), await ear_out.heard(2)) == ([1, 2, 3], [4, 5])
        async with open_playback(ari, leg.id, asterisk_id("play", "1"), [f"sound:{tmp_path}/prompt"]) as playback:
            await leg.heard(f"sound:{tmp_path}/prompt")
            assert await playback.finished() is PlaybackResult.DONE
        assert await ear_out.heard(2) == [7, 8]
    leg.hang_up()
    assert asterisk.residue() == []


async def test_a_lost_packet_leaves_a_gap_in_the_numbers(ari: Ari, asterisk: ScriptedAsterisk) -> None:
    asterisk.is_packet_lost = lambda sender: sender.sent == 3
    leg = await asterisk.place_call("1000")
    async with AsyncExitStack() as stack:
        ear = Ear()
        await ear.open(stack, ari, leg.id, "in")
        numbers = [(await ear.packet())[0] for _ in range(5)]
        assert [(it - numbers[0]) % 65536 for it in numbers] == [0, 1, 2, 4, 5]


async def test_a_call_without_an_app_ends_at_once(asterisk: ScriptedAsterisk) -> None:
    assert await (await asterisk.place_call("1000")).ended() == 38


async def test_a_restart_loses_everything(ari: Ari, asterisk: ScriptedAsterisk) -> None:
    leg = await asterisk.place_call("1000")
    async with open_bridge(ari, asterisk_id("tap", "1")):
        with ari.watch(leg.id) as watch:
            await asterisk.restart()
            assert isinstance(await watch.next(5), Disconnected)
            assert isinstance(await watch.next(5), Reconnected)
        assert (leg.is_ended, asterisk.residue()) == (True, [])
        assert (await sweep(ari, ari.holds)).alive == frozenset()


async def test_a_silent_asterisk_neither_answers_nor_lets_anybody_in(asterisk: ScriptedAsterisk) -> None:
    with asterisk.silence(), pytest.raises(AriDisconnected, match="did not answer"):
        async with open_ari(asterisk.url, asterisk.user, asterisk.password, connect_timeout_seconds=0.1):
            pass
