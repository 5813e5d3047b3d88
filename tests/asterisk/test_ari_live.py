"""app.ari against the real Asterisk: calls, taps with sound, digits, playbacks, loss of the connection, leftovers."""

import asyncio
import math
import os
import signal
import socket
import struct
import wave
from array import array
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from app.ari import channel as channels
from app.ari import operation
from app.ari.ari import Ari, open_ari
from app.ari.backoff import Backoff
from app.ari.bridge import open_bridge
from app.ari.errors import AriDisconnected, AriTimeout
from app.ari.events import (
    ChannelDestroyed,
    ChannelDtmfReceived,
    Disconnected,
    Reconnected,
    StasisEnd,
    StasisStart,
    UnknownEvent,
)
from app.ari.external_media import open_external_media
from app.ari.leftovers import sweep
from app.ari.models import Channel
from app.ari.playback import PlaybackResult, open_playback
from app.ari.release import release
from app.ari.snoop import open_snoop
from app.domain.ids import asterisk_id
from app.errors import LegGone
from tests.asterisk.conftest import RealAsterisk

pytestmark = pytest.mark.asterisk

PARTY = asterisk_id("leg", "party")
QUICK = Backoff(first_seconds=0.05, limit_seconds=0.5)


@asynccontextmanager
async def connected(asterisk: RealAsterisk) -> AsyncIterator[Ari]:
    async with open_ari(asterisk.url, asterisk.user, asterisk.password, asterisk.application, backoff=QUICK) as ari:
        yield ari


@asynccontextmanager
async def incoming_call(ari: Ari) -> AsyncIterator[Channel]:
    """Yield a new call whose other half, the party, is PARTY: a Local channel stands in for a telephone."""
    query = {"endpoint": "Local/1000@incoming/n", "app": ari.application, "otherChannelId": "1700000000.1"}
    with ari.watch(PARTY) as watch:
        await operation.ORIGINATE.send(ari, {"channelId": PARTY}, query)
        try:
            start = await anext(aiter(ari.arrivals))
            await channels.answer(ari, start.channel.id)
            await watch.wait_for(StasisStart, 5)
            yield start.channel
        finally:
            await release(ari, operation.HANG_UP, {"channelId": PARTY})


@asynccontextmanager
async def tapped(ari: Ari, channel_id: str, name: str, stack: AsyncExitStack) -> AsyncIterator[socket.socket]:
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 0))
    receiver.setblocking(False)
    with receiver:
        port = receiver.getsockname()[1]
        snoop = await stack.enter_async_context(
            open_snoop(ari, channel_id, asterisk_id("snoop", name), "in" if name == "in" else "out")
        )
        media = await stack.enter_async_context(open_external_media(ari, asterisk_id("media", name), "127.0.0.1", port))
        bridge = await stack.enter_async_context(open_bridge(ari, asterisk_id("tap", name)))
        await bridge.add(snoop.channel_id, media.channel_id)
        packet, source = await asyncio.get_running_loop().sock_recvfrom(receiver, 2048)
        assert source == media.source
        version, payload_type = struct.unpack("!BB", packet[:2])
        assert (version >> 6, payload_type & 0x7F, len(packet)) == (2, 10, 12 + 320)
        yield receiver


async def pitch(receiver: socket.socket, hertz: int) -> None:
    """Wait until most of a packet is a tone of this pitch."""
    for _ in range(400):
        packet = await asyncio.get_running_loop().sock_recv(receiver, 2048)
        samples = array("h", packet[12:])
        samples.byteswap()
        energy = sum(it * it for it in samples)
        real = sum(it * math.cos(2 * math.pi * hertz * at / 8000) for at, it in enumerate(samples))
        imaginary = sum(it * math.sin(2 * math.pi * hertz * at / 8000) for at, it in enumerate(samples))
        if energy > 1e6 and (real**2 + imaginary**2) * 2 / len(samples) > 0.8 * energy:
            return
    raise AssertionError(f"no tone of {hertz} Hz was heard")


def write_tone(path: Path, hertz: int, seconds: float) -> str:
    tone = array("h", (int(9000 * math.sin(2 * math.pi * hertz * at / 8000)) for at in range(int(8000 * seconds))))
    with wave.open(f"{path}.wav", "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(tone.tobytes())
    return f"sound:{path}"


async def everything(ari: Ari) -> tuple[object, object]:
    return await ari.request("GET", "/channels"), await ari.request("GET", "/bridges")


async def until_empty(ari: Ari) -> None:
    """Wait until Asterisk has no channel and no bridge: deleted channels need a moment."""
    async with asyncio.timeout(5):
        while await everything(ari) != ([], []):
            await asyncio.sleep(0.02)


async def test_a_call_with_both_directions_tapped_leaves_nothing(real_asterisk: RealAsterisk) -> None:
    said = write_tone(real_asterisk.sounds / "said", 400, 3)
    prompt = write_tone(real_asterisk.sounds / "prompt", 1000, 3)
    async with connected(real_asterisk) as ari:
        async with incoming_call(ari) as call, AsyncExitStack() as stack:
            assert call.dialplan.exten == "1000"
            watch = stack.enter_context(ari.watch(call.id))
            ear_in = await stack.enter_async_context(tapped(ari, call.id, "in", stack))
            ear_out = await stack.enter_async_context(tapped(ari, call.id, "out", stack))
            async with (
                open_playback(ari, PARTY, asterisk_id("play", "said"), [said]),
                open_playback(ari, call.id, asterisk_id("play", "prompt"), [prompt]) as playback,
            ):
                await pitch(ear_in, 400)
                await pitch(ear_out, 1000)
                await playback.stop()
                assert await playback.finished() is PlaybackResult.DONE
            await channels.send_digits(ari, PARTY, "5")
            assert (await watch.wait_for(ChannelDtmfReceived, 5)).digit == "5"
            assert await channels.get_variable(ari, call.id, "NOT_THERE") is None
            await channels.set_variable(ari, call.id, "THERE", "a b&c=d")
            assert await channels.get_variable(ari, call.id, "THERE") == "a b&c=d"
            await channels.hang_up(ari, PARTY, 17)
            assert (await watch.wait_for(StasisEnd, 5)).channel.id == call.id
            assert (await watch.wait_for(ChannelDestroyed, 5)).cause == 17
            with pytest.raises(LegGone):
                await channels.answer(ari, call.id)
            with pytest.raises(LegGone):
                async with open_snoop(ari, call.id, asterisk_id("snoop", "late"), "in"):
                    pass
        await until_empty(ari)


async def test_playbacks_end_as_we_expect(real_asterisk: RealAsterisk) -> None:
    short = write_tone(real_asterisk.sounds / "short", 400, 0.1)
    long = write_tone(real_asterisk.sounds / "long", 400, 60)
    async with connected(real_asterisk) as ari, incoming_call(ari) as call:
        with ari.watch(call.id) as watch:
            async with open_playback(ari, call.id, asterisk_id("play", "1"), [short, short]) as playback:
                assert await playback.finished() is PlaybackResult.DONE
            missing = f"sound:{real_asterisk.sounds}/missing"
            async with open_playback(ari, call.id, asterisk_id("play", "2"), [missing]) as playback:
                assert await playback.finished() is PlaybackResult.FAILED
            async with open_playback(ari, call.id, asterisk_id("play", "3"), [long]) as playback:
                await channels.hang_up(ari, PARTY)
                with pytest.raises(LegGone):
                    await playback.finished()
            while not isinstance(event := await watch.next(5), ChannelDestroyed):
                assert not isinstance(event, UnknownEvent), "the event filter is not in force"


async def test_an_asterisk_that_dies_is_found_again(real_asterisk: RealAsterisk) -> None:
    hooks = asyncio.Event()

    async def hook() -> None:
        hooks.set()

    async with connected(real_asterisk) as ari:
        await ari.on_connected(hook)
        hooks.clear()
        with ari.watch("any") as watch:
            os.kill(real_asterisk.program.pid, signal.SIGKILL)
            assert isinstance(await watch.next(10), Disconnected)
            with pytest.raises(AriDisconnected):
                await ari.request("GET", "/channels")
            assert isinstance(await watch.next(30), Reconnected)
        await asyncio.wait_for(hooks.wait(), 10)
        async with incoming_call(ari) as call:
            assert call.dialplan.exten == "1000"
        await until_empty(ari)


async def test_a_stopped_asterisk_is_noticed_by_pings(real_asterisk: RealAsterisk) -> None:
    async with open_ari(
        real_asterisk.url, real_asterisk.user, real_asterisk.password, heartbeat_seconds=0.3, backoff=QUICK
    ) as ari:
        with ari.watch("any") as watch:
            with pytest.raises(AriTimeout):
                await watch.next(1.0)  # pings are answered: it stays connected
            os.kill(real_asterisk.program.pid, signal.SIGSTOP)
            try:
                assert isinstance(await watch.next(10), Disconnected)
            finally:
                os.kill(real_asterisk.program.pid, signal.SIGCONT)
            assert isinstance(await watch.next(20), Reconnected)
        assert await ari.request("GET", "/asterisk/ping") is not None


async def test_leftovers_of_a_program_that_died_are_swept(real_asterisk: RealAsterisk) -> None:
    async with connected(real_asterisk) as lost:
        opened = AsyncExitStack()
        call = await opened.enter_async_context(incoming_call(lost))
        snoop_id, media_id = asterisk_id("snoop", "x"), asterisk_id("media", "x")
        media = {"channelId": media_id, "app": "callscribe", "external_host": "127.0.0.1:9", "format": "slin"}
        with lost.watch(snoop_id, media_id) as watch:
            await lost.request("POST", f"/channels/{call.id}/snoop/{snoop_id}", {"spy": "in", "app": "callscribe"})
            await lost.request("POST", "/channels/externalMedia", media)
            for _ in range(2):  # until then they are in no application, and the sweep leaves them for its next time
                await watch.wait_for(StasisStart, 5)
        await lost.request("POST", f"/bridges/{asterisk_id('tap', 'x')}", {"type": "mixing", "name": "callscribe"})
        await lost.request("POST", f"/bridges/{asterisk_id('tap', 'other')}", {"type": "mixing", "name": "other"})
        async with connected(real_asterisk) as ari:
            with pytest.raises(AriDisconnected, match="took the application"):
                await anext(aiter(lost.arrivals))
            report = await sweep(ari, ari.holds)
            assert set(report.deleted) == {PARTY, snoop_id, media_id, asterisk_id("tap", "x")}
            assert [it.id for it in report.strays] == [call.id]
            async with asyncio.timeout(5):
                while (report := await sweep(ari, ari.holds)).alive:
                    await asyncio.sleep(0.02)
            assert report.deleted == ()
            assert [it["id"] for it in await _bridges(ari)] == [asterisk_id("tap", "other")]
        await opened.aclose()


async def _bridges(ari: Ari) -> list[dict[str, object]]:
    bridges = await ari.request("GET", "/bridges")
    assert isinstance(bridges, list)
    return bridges
