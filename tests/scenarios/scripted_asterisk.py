"""A scripted Asterisk: an ARI server that behaves like Asterisk 22.10.1 for what we use, and can be made to misbehave.

    async with open_scripted_asterisk() as asterisk:
        ... open_ari(asterisk.url, asterisk.user, asterisk.password) ...
        leg = await asterisk.place_call("1000", caller="+821100000001")
        await leg.answered()
        await leg.tapped("in", "out")
        leg.say(pcm)                      # RTP to the app through the app's own snoop, bridge and external media
        leg.press("5")
        asterisk.faults.refuse("POST", "/channels/*/snoop/*", 500)
        asterisk.drop_socket()
        leg.hang_up()
        assert asterisk.residue() == []

Sound flows as in Asterisk: a snoop and an external media channel in one bridge send one 20 ms packet per tick, silence
when there is nothing to hear. `speed` makes ticks shorter than 20 ms; what is played comes from `sounds` or a WAV file.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from aiohttp import WSMsgType, encode_basic_auth, web

from app.domain.audio import FRAME_SECONDS
from app.domain.ids import ASTERISK_PREFIX
from tests.scenarios.scripted_faults import Faults
from tests.scenarios.scripted_leg import PATIENCE_SECONDS, ScriptedLeg
from tests.scenarios.scripted_objects import Json, Playing, RtpSender, ScriptedBridge, ScriptedChannel, timestamp
from tests.scenarios.scripted_rest import Reply, body_of, handle


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came in, for assertions; `path` begins with a slash."""

    method: str
    path: str
    query: dict[str, str]
    body: Json
    status: int


class ScriptedAsterisk:
    """The server's state, its faults, and what a script does with it."""

    user = "scripted"
    password = "secret"

    def __init__(self) -> None:
        self.url = ""
        self.faults = Faults()
        self.channels: dict[str, ScriptedChannel] = {}
        self.bridges: dict[str, ScriptedBridge] = {}
        self.legs: dict[str, ScriptedLeg] = {}
        self.requests: list[Request] = []
        self.connections = 0
        """How many sockets were ever opened to it."""
        self.sounds: dict[str, bytes] = {}
        """Media URI -> PCM: what Asterisk can play besides absolute paths of 8 kHz WAV files."""
        self.speed = 1.0
        """How many times faster than life sound flows."""
        self.is_packet_lost: Callable[[RtpSender], bool] = lambda _: False
        """Asked before each RTP packet is sent (`sender.sent`: how many came before it)."""
        self.dial_status = "ANSWER"
        """How outgoing calls end: ANSWER, BUSY, NOANSWER."""
        self.are_playbacks_held = False
        """While True no playback gets on."""
        self.is_refusing = False
        """While True nobody can connect: HTTP 503."""
        self._sockets: dict[str, web.WebSocketResponse] = {}
        self._requests_of_sockets: dict[web.WebSocketResponse, web.Request] = {}
        self._outgoing: dict[web.WebSocketResponse, asyncio.Queue[str]] = {}
        self._audible = asyncio.Event()
        self._audible.set()
        self._changed = asyncio.Event()
        self._numbers = iter(range(1, 1_000_000))
        self._receivers: set[asyncio.Task[None]] = set()

    # --- what a script does -------------------------------------------------------------------------------------

    async def place_call(
        self, number: str, caller: str = "+821100000001", *, caller_name: str = "", application: str = "callscribe"
    ) -> ScriptedLeg:
        """Call `number`: a new channel comes into the application. It ends at once when no app is connected."""
        nth = next(self._numbers)
        channel = ScriptedChannel(
            f"1700000000.{nth}", f"PJSIP/caller-{nth:08x}", "leg", application, "Ring", caller, caller_name, number
        )
        channel.call_id = f"call-{nth}@scripted"
        self.add_channel(channel)
        leg = self.legs[channel.id]
        if application in self._sockets:
            self.start(channel)
        else:
            self.end_channel(channel, 38)
        return leg

    def residue(self) -> list[str]:
        """What is still there, as texts; empty = clean."""
        return [f"channel {it.name} {it.id}" for it in self.channels.values()] + [f"bridge {it}" for it in self.bridges]

    def leftovers(self) -> list[str]:
        """The ids that the app chose and that are still there."""
        return [it for it in (*self.channels, *self.bridges) if it.startswith(ASTERISK_PREFIX)]

    async def until(self, is_true: Callable[[], bool], what: str = "it") -> None:
        """Wait until a condition on this Asterisk holds; TimeoutError says what was awaited."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not is_true():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise TimeoutError(f"waited {PATIENCE_SECONDS} s until {what}; there is {self.residue()}") from None

    def asked(self, method: str, path_part: str) -> list[Request]:
        """The requests so far with this method and this text in their path."""
        return [it for it in self.requests if it.method == method and path_part in it.path]

    def drop_socket(self) -> None:
        """Break the connections without a word, as a crash or a network does; calls and channels stay."""
        for socket in tuple(self._sockets.values()):
            transport = self._requests_of_sockets[socket].transport
            if transport is not None:
                transport.abort()
        self._sockets.clear()

    async def close_socket(self) -> None:
        """Close the connections politely."""
        for socket in tuple(self._sockets.values()):
            await socket.close()

    @contextmanager
    def silence(self) -> Iterator[None]:
        """Be silent while this is open: sockets stay, but nothing is read, answered or sent; new ones hang."""
        self._audible.clear()
        for task in tuple(self._receivers):
            task.cancel()
        try:
            yield
        finally:
            self._audible.set()

    async def restart(self) -> None:
        """Lose everything and come back."""
        self.drop_socket()
        for channel in tuple(self.channels.values()):
            self.end_channel(channel, 38)
        self.bridges.clear()
        self._touch()

    def finish_playbacks(self, state: str = "done") -> None:
        """End what is played on all channels."""
        for channel in tuple(self.channels.values()):
            for playing in tuple(channel.playings):
                self.end_playing(channel, playing, state)

    # --- what happens inside ------------------------------------------------------------------------------------

    def emit(self, event_type: str, **fields: object) -> None:
        """Send an event to the application of its object, if it is connected."""
        shown = next((fields[key] for key in ("channel", "bridge", "playback", "peer") if key in fields), {})
        object_id = str(shown["id"]) if isinstance(shown, dict) else ""
        self._touch()
        if not self._audible.is_set() or self.faults.is_withheld(event_type, object_id):
            return
        for application, socket in self._sockets.items():
            owner = self.channels.get(object_id)
            if owner is None or owner.application == application:
                event = {"type": event_type, "timestamp": timestamp(), "application": application, **fields}
                self._send(socket, event)

    def _send(self, socket: web.WebSocketResponse, message: Json) -> None:
        """Queue a message: they go out in order."""
        if socket in self._outgoing:
            self._outgoing[socket].put_nowait(json.dumps(message))

    async def _write(self, socket: web.WebSocketResponse, outgoing: asyncio.Queue[str]) -> None:
        while True:
            text = await outgoing.get()
            try:
                await socket.send_str(text)
            except ConnectionError:
                return

    def _touch(self) -> None:
        self._changed.set()

    def add_channel(self, channel: ScriptedChannel) -> ScriptedChannel:
        self.channels[channel.id] = channel
        if channel.kind == "leg":
            self.legs[channel.id] = ScriptedLeg(self, channel)
        self._touch()
        return channel

    def start(self, channel: ScriptedChannel) -> None:
        """Let a channel come into its application."""
        if channel.id in self.channels:
            channel.is_in_stasis = True
            self.emit("StasisStart", args=[], channel=channel.json())

    def dial(self, channel: ScriptedChannel) -> None:
        """Let an outgoing channel ring and end as `dial_status` says."""
        self.emit("Dial", dialstatus="", peer=channel.json())
        channel.state = "Ringing"
        self.emit("ChannelStateChange", channel=channel.json())
        self.emit("Dial", dialstatus="RINGING", peer=channel.json())
        if self.dial_status == "ANSWER":
            channel.state = "Up"
            self.emit("ChannelStateChange", channel=channel.json())
        self.emit("Dial", dialstatus=self.dial_status, peer=channel.json())
        if self.dial_status == "ANSWER":
            self.start(channel)
        else:
            self.end_channel(channel, {"BUSY": 17, "NOANSWER": 19}.get(self.dial_status, 38))

    def end_channel(self, channel: ScriptedChannel, cause: int, *, is_by_app: bool = False) -> None:
        """End a channel, in Asterisk's order of events: playbacks fail, snoops of it go, it leaves bridge and app."""
        if self.channels.get(channel.id) is not channel:
            return
        soft = {"soft": True} if is_by_app else {}
        self.emit("ChannelHangupRequest", channel=channel.json(), cause=32 if is_by_app else cause, **soft)
        for playing in tuple(channel.playings):
            self.end_playing(channel, playing, "failed")
        self.leave_bridges(channel)
        if channel.is_in_stasis:
            self.emit("StasisEnd", channel=channel.json())
        self.emit("ChannelDestroyed", channel=channel.json(), cause=cause, cause_txt="")
        del self.channels[channel.id]
        if channel.rtp is not None:
            channel.rtp.close()
        if channel.id in self.legs:
            self.legs[channel.id].cause = cause
        for snoop in tuple(self.channels.values()):
            if snoop.spied_id == channel.id:
                self.leave_bridges(snoop)
                self.emit("StasisEnd", channel=snoop.json())
                del self.channels[snoop.id]
        self._touch()

    def leave_bridges(self, channel: ScriptedChannel) -> None:
        for bridge in self.bridges.values():
            if channel.id in bridge.channels:
                bridge.channels.remove(channel.id)
                self.emit("ChannelLeftBridge", bridge=bridge.json(), channel=channel.json())

    def destroy_bridge(self, bridge: ScriptedBridge) -> None:
        for channel_id in tuple(bridge.channels):
            self.leave_bridges(self.channels[channel_id])
        self.bridges.pop(bridge.id, None)
        self.emit("BridgeDestroyed", bridge=bridge.json())

    # --- sound --------------------------------------------------------------------------------------------------

    def streams_of(self, channel_id: str) -> list[tuple[str, RtpSender]]:
        """The directions of a leg that are bridged to external media, with the senders."""
        return [
            (snoop.spy, media.rtp)
            for bridge in self.bridges.values()
            for snoop in (self.channels[it] for it in bridge.channels)
            for media in (self.channels[it] for it in bridge.channels)
            if snoop.spied_id == channel_id and media.rtp is not None
        ]

    def tick(self) -> None:
        """Let 20 ms of sound pass on every leg."""
        for channel in tuple(self.channels.values()):
            if channel.kind != "leg":
                continue
            said, heard = channel.next_said(), channel.next_heard()
            for spy, rtp in self.streams_of(channel.id):
                rtp.send(said if spy == "in" else heard, is_lost=self.is_packet_lost(rtp))
            self.go_on_playing(channel)
        self._touch()

    def go_on_playing(self, channel: ScriptedChannel) -> None:
        """Start, go on with or end the first playback of a channel."""
        while channel.playings:
            playing = channel.playings[0]
            if playing.state == "queued":
                self._begin_sound(channel, playing)
            frames = playing.sounds[0][1]
            if frames or self.are_playbacks_held:
                return
            if len(playing.sounds) == 1:
                self.end_playing(channel, playing, "failed" if frames is None else "done")
            else:
                playing.state = "continuing"
                self.emit("PlaybackContinuing", playback=playing.json())
                playing.sounds.popleft()
                self._begin_sound(channel, playing)

    def _begin_sound(self, channel: ScriptedChannel, playing: Playing) -> None:
        playing.state = "playing"
        self.emit("PlaybackStarted", playback=playing.json())
        if channel.id in self.legs:
            self.legs[channel.id].played.append(playing.sounds[0][0])

    def end_playing(self, channel: ScriptedChannel, playing: Playing, state: str) -> None:
        if playing in channel.playings:
            channel.playings.remove(playing)
            playing.state = state
            self.emit("PlaybackFinished", playback=playing.json())

    async def run_clock(self) -> None:
        """Tick for ever, catching up when late."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due += FRAME_SECONDS / self.speed
            await asyncio.sleep(max(0.0, due - loop.time()))
            self.tick()

    # --- the server ---------------------------------------------------------------------------------------------

    async def serve_events(self, request: web.Request) -> web.StreamResponse:
        """Handle `/ari/events`."""
        await self._audible.wait()
        if self.is_refusing:
            return web.Response(status=503)
        if request.headers.get("Authorization") != encode_basic_auth(self.user, self.password):
            return web.Response(status=401)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        application = request.query["app"]
        replaced = self._sockets.get(application)
        if replaced is not None and not replaced.closed:
            self._send(replaced, {"type": "ApplicationReplaced", "timestamp": timestamp(), "application": application})
        self._sockets[application] = socket
        self._requests_of_sockets[socket] = request
        self._outgoing[socket] = asyncio.Queue()
        writer = asyncio.create_task(self._write(socket, self._outgoing[socket]))
        self.connections += 1
        self._touch()
        try:
            while not socket.closed:
                await self._audible.wait()
                receiver = asyncio.ensure_future(self._receive(socket))
                self._receivers.add(receiver)
                await asyncio.wait((receiver,))
                self._receivers.discard(receiver)
                if not receiver.cancelled():
                    receiver.result()
                    break
        finally:
            writer.cancel()
            await asyncio.wait((writer,))
            del self._requests_of_sockets[socket], self._outgoing[socket]
            if self._sockets.get(application) is socket:
                del self._sockets[application]
            self._touch()
        return socket

    async def _receive(self, socket: web.WebSocketResponse) -> None:
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await self._take(socket, json.loads(message.data))

    async def _take(self, socket: web.WebSocketResponse, asked: Json) -> None:
        method, path = str(asked["method"]), "/" + str(asked["uri"])
        pairs = asked.get("query_strings", [])
        assert isinstance(pairs, list)
        query = {str(pair["name"]): str(pair["value"]) for pair in pairs}
        text = asked.get("message_body")
        body = body_of(text if isinstance(text, str) else None)
        rules = self.faults.taking(method, path)
        for rule in rules:
            await asyncio.sleep(rule.delay_seconds)
        refusal = next((rule for rule in rules if rule.status), None)
        if refusal is not None:
            reply = Reply(refusal.status, {"message": refusal.message})
        elif all(rule.is_done for rule in rules):
            reply = handle(self, method, path, query, body)
        else:
            reply = Reply(0)
        self.requests.append(Request(method, path, query, body, reply.status))
        if any(rule.is_events_first for rule in rules):
            reply.then()
            reply = reply._replace(then=lambda: None)
        if all(rule.is_answered for rule in rules):
            self._send(socket, _response(asked, reply))
        reply.then()
        self._touch()


def _response(asked: Json, reply: Reply) -> Json:
    response: Json = {
        "type": "RESTResponse",
        "transaction_id": asked["transaction_id"],
        "request_id": asked["request_id"],
        "status_code": reply.status,
        "reason_phrase": "",
        "uri": asked["uri"],
        "application": "callscribe",
        "timestamp": timestamp(),
    }
    if reply.body is not None:
        response |= {"content_type": "application/json", "message_body": json.dumps(reply.body)}
    return response


@asynccontextmanager
async def open_scripted_asterisk(*, speed: float = 1.0) -> AsyncIterator[ScriptedAsterisk]:
    """Run one on a free port of the loopback."""
    asterisk = ScriptedAsterisk()
    asterisk.speed = speed
    server = web.Application()
    server.router.add_get("/ari/events", asterisk.serve_events)
    runner = web.AppRunner(server, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    asterisk.url = f"http://{host}:{port}"
    clock = asyncio.create_task(asterisk.run_clock())
    try:
        yield asterisk
    finally:
        clock.cancel()
        await asyncio.wait((clock,))
        asterisk._audible.set()
        asterisk.drop_socket()
        await runner.cleanup()
        for channel in asterisk.channels.values():
            if channel.rtp is not None:
                channel.rtp.close()
