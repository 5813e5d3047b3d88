"""Speakings, talks and media streams over calls with the real Asterisk."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, cast

import aiohttp
import pytest
from aiohttp import web

from app.api.server import open_server
from app.ari import channel as channels
from app.ari.ari import Ari, open_ari
from app.ari.bridge import open_bridge
from app.call.live_call import LiveCall
from app.call.live_calls import LiveCalls
from app.call.media_stream import MOST_OF_ONE, MediaStreams
from app.call.speakings import Speakings
from app.delivery.media_stream import MediaStreamServer
from app.domain.audio import FRAME_BYTES
from app.domain.call import Address, Call, CallDirection, CallStatus
from app.domain.events import EventType
from app.domain.ids import asterisk_id, new_id
from app.domain.speaking import Speaking, SpeakingStatus
from app.domain.timestamps import now
from app.domain.transcribe import Direction, ReferenceType
from app.errors import AlreadyExists, CallAlreadyHangup, CallscribeError, InvalidArgument, NotFound, StateInvalid
from app.media.rtp_packet import parse_packet
from app.media.rtp_receiver import open_rtp_receiver
from tests.asterisk.conftest import RealAsterisk
from tests.asterisk.ears import Ear, open_ear, open_party, tone, until_empty, write_tone

pytestmark = pytest.mark.asterisk

CUSTOMER = new_id()
TONES = {"One.": 400, "Two.": 1000, "Three.": 1700}


class JournalOfTest:
    """As Journal, but nothing is stored."""

    async def change(self, item: Any, *types: EventType, about: str = "") -> None:
        pass


@dataclass
class Scene:
    """A call whose party we hear."""

    ari: Ari
    call: LiveCall
    far_id: str
    heard: Ear
    out: Ear
    speakings: Speakings
    url: str
    session: aiohttp.ClientSession
    streams: MediaStreams

    async def start(self) -> Speaking:
        moment = now()
        order = Speaking(
            new_id(), CUSTOMER, "call", self.call.record.id, "en-US", SpeakingStatus.ACTIVE, moment, moment
        )
        return await self.speakings.start(CUSTOMER, order)

    async def say(self, speaking: Speaking, text: str) -> None:
        await self.speakings.say(CUSTOMER, speaking.id, text)

    def stream(self, encapsulation: str) -> Any:
        return self.session.ws_connect(f"{self.url}/{self.call.record.id}?encapsulation={encapsulation}")

    async def end_call(self) -> None:
        await channels.hang_up(self.ari, self.far_id)
        self.call.mark_gone()
        await self.call.close_attached(5)


@asynccontextmanager
async def open_scene(asterisk: RealAsterisk, **record: Any) -> AsyncIterator[Scene]:
    media = {text: write_tone(asterisk.sounds / text.strip("."), hertz, 2) for text, hertz in TONES.items()}

    async def prepare(text: str, language: str) -> str:
        if text not in media:
            raise InvalidArgument("text", "is none of the test's")
        return media[text]

    live_calls = LiveCalls()
    async with AsyncExitStack() as stack:
        open_ = stack.enter_async_context
        ari = await open_(open_ari(asterisk.url, asterisk.user, asterisk.password, asterisk.application))
        receiver = await open_(open_rtp_receiver("127.0.0.1", 0))
        speakings = Speakings(ari, live_calls, prepare)
        running = asyncio.create_task(speakings.run())
        await asyncio.sleep(0)
        streams = MediaStreams(
            ari, receiver, media_host="127.0.0.1", reserve_ports=lambda *_: True, release_ports=lambda _: None
        )
        server = MediaStreamServer(streams, live_calls, _no_conference)

        async def serve(request: web.Request) -> web.StreamResponse:
            try:
                return await server.serve(request, ReferenceType.CALL, request.match_info["id"])
            except CallscribeError as error:
                raise web.HTTPConflict(text=error.code) from error

        app = web.Application()
        app.add_routes([web.get("/{id}", serve, allow_head=False)])
        address = await open_(open_server(app, "127.0.0.1", 0))
        session = await open_(aiohttp.ClientSession())
        async with AsyncExitStack() as of_call:
            channel_id, far_id = await of_call.enter_async_context(open_party(ari))
            heard = await of_call.enter_async_context(open_ear(ari, receiver, far_id, Direction.IN))
            out = await of_call.enter_async_context(open_ear(ari, receiver, channel_id, Direction.OUT))
            moment = now()
            made = Call(
                new_id(), CUSTOMER, CallDirection.INCOMING, CallStatus.PROGRESSING, Address(), Address(), moment, moment
            )
            call = LiveCall(replace(made, **record), channel_id, ari, cast(Any, JournalOfTest()))
            live_calls.enter(call)
            scene = Scene(ari, call, far_id, heard, out, speakings, address.url, session, streams)
            try:
                yield scene
            finally:
                await scene.end_call()
                live_calls.leave(call)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        assert len(streams) == 0
        await until_empty(ari)


async def _no_conference(_conference_id: str) -> None:
    return None


async def test_a_speaking_says_what_it_is_sent_in_order(real_asterisk: RealAsterisk) -> None:
    async with open_scene(real_asterisk) as scene:
        speaking = await scene.start()
        await scene.say(speaking, "One. What is not known is left out. Two.")
        await scene.say(speaking, "Three.")
        for hertz in TONES.values():
            await asyncio.gather(scene.heard.hear(hertz), scene.out.hear(hertz))
        with pytest.raises(AlreadyExists, match="already"):
            await scene.start()
        assert await scene.speakings.list(CUSTOMER) == [speaking]
        stopped = await scene.speakings.stop(CUSTOMER, speaking.id)
        assert stopped.status is SpeakingStatus.STOPPED
        assert await scene.speakings.stop(CUSTOMER, speaking.id) == stopped
        with pytest.raises(StateInvalid):
            await scene.say(speaking, "One.")
        await scene.speakings.delete(CUSTOMER, speaking.id)
        with pytest.raises(NotFound):
            await scene.speakings.find(CUSTOMER, speaking.id)
        await scene.say(await scene.start(), "Two.")
        await scene.heard.hear(1000)


async def test_flush_silences_at_once(real_asterisk: RealAsterisk) -> None:
    async with open_scene(real_asterisk) as scene:
        speaking = await scene.start()
        for _ in range(20):
            await scene.say(speaking, "One.")
        await scene.heard.hear(400)
        await scene.speakings.flush(CUSTOMER, speaking.id)
        await scene.heard.miss(400)
        await scene.say(speaking, "Two.")
        await scene.heard.hear(1000)
        with pytest.raises(StateInvalid, match="64"):
            await asyncio.gather(*(scene.say(speaking, "One.") for _ in range(70)))


async def test_a_speaking_ends_with_the_call(real_asterisk: RealAsterisk) -> None:
    async with open_scene(real_asterisk) as scene:
        speaking = await scene.start()
        await scene.say(speaking, "One.")
        await scene.heard.hear(400)
        await scene.end_call()
        with pytest.raises((StateInvalid, NotFound)):
            await scene.say(speaking, "Two.")
        with pytest.raises(CallAlreadyHangup):
            await scene.start()


async def test_a_talk_answers_a_ringing_call(real_asterisk: RealAsterisk) -> None:
    async with open_scene(real_asterisk, status=CallStatus.RINGING) as scene:
        with pytest.raises(InvalidArgument):
            await scene.speakings.talk(scene.call, "Nonsense", "en-US")
        assert not scene.call.is_answered
        await scene.speakings.talk(scene.call, "One. Two.", "en-US")
        assert scene.call.is_answered
        await scene.heard.hear(400)
        await scene.heard.hear(1000)


async def test_a_media_stream_carries_sound_both_ways(real_asterisk: RealAsterisk) -> None:
    async with open_scene(real_asterisk) as scene:
        prompt = write_tone(real_asterisk.sounds / "said", 1000, 20)
        play_id = asterisk_id("play", new_id())
        await scene.ari.request("POST", f"/channels/{scene.far_id}/play/{play_id}", {"media": prompt})
        for encapsulation in ("sln", "rtp", "audiosocket"):
            ear = Ear()
            async with scene.stream(encapsulation) as socket:
                reading = asyncio.create_task(_read(socket, ear, encapsulation))
                await ear.hear(1000, without=[1700])
                await socket.send_bytes(_wrapped(encapsulation, tone(1700, 3)))
                await asyncio.gather(scene.heard.hear(1700), ear.hear(1000, without=[1700]))
                reading.cancel()
            await scene.heard.miss(1700)


async def test_a_media_stream_is_heard_in_a_bridge(real_asterisk: RealAsterisk) -> None:
    async with (
        open_scene(real_asterisk) as scene,
        open_party(scene.ari) as (peer_id, peer_far_id),
        open_bridge(scene.ari, asterisk_id("room", "x")) as room,
        scene.stream("sln") as socket,
    ):
        await socket.send_bytes(tone(1700, 9))
        await scene.heard.hear(1700)
        said = write_tone(real_asterisk.sounds / "said", 400, 20)
        await scene.ari.request(
            "POST", f"/channels/{peer_far_id}/play/{asterisk_id('play', new_id())}", {"media": said}
        )
        await room.add(scene.call.channel_id, peer_id)
        await scene.heard.hear(400, 1700)


async def test_media_streams_end_with_the_call_and_are_bounded(real_asterisk: RealAsterisk) -> None:
    async with open_scene(real_asterisk) as scene, AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(scene.stream("sln")) for _ in range(MOST_OF_ONE)]
        assert len(scene.streams) == MOST_OF_ONE
        for wrong in ("sln", "opus", ""):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await scene.stream(wrong)
            assert refused.value.status == 409
        await scene.end_call()
        for socket in sockets:
            async for _ in socket:
                pass
            assert socket.close_code == 1000


async def _read(socket: aiohttp.ClientWebSocketResponse, ear: Ear, encapsulation: str) -> None:
    async for message in socket:
        if encapsulation == "rtp":
            assert len(message.data) == 12 + FRAME_BYTES
            packet = parse_packet(message.data)
            assert packet.payload_type == 96
            ear.take([packet.payload])
        else:
            assert len(message.data) == FRAME_BYTES
            ear.take([message.data])


def _wrapped(encapsulation: str, pcm: bytes) -> bytes:
    match encapsulation:
        case "rtp":
            return bytes([0x80, 96]) + bytes(10) + pcm
        case "audiosocket":
            frames = [pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm), FRAME_BYTES)]
            return b"".join(b"\x10" + len(frame).to_bytes(2) + frame for frame in frames)
        case _:
            return pcm
