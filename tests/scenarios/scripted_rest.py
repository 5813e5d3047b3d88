"""The REST half of the scripted Asterisk: what each request does, with the statuses of Asterisk 22.10.1."""

from __future__ import annotations

import json
import re
import wave
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from tests.scenarios.scripted_objects import Json, Playing, RtpSender, ScriptedBridge, ScriptedChannel, frames_of

if TYPE_CHECKING:
    from tests.scenarios.scripted_asterisk import ScriptedAsterisk

CAUSES = {"normal": 16, "busy": 17, "congestion": 34, "no_answer": 19, "timeout": 8, "failure": 38, "unallocated": 1}


class Reply(NamedTuple):
    """A status, a JSON body, and what happens after the answer (events, mostly)."""

    status: int
    body: object = None
    then: Callable[[], None] = lambda: None


class Refusal(Exception):
    """An error status with Asterisk's words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


Handler = Callable[["ScriptedAsterisk", Mapping[str, str], Mapping[str, str], Json], Reply]
ROUTES: list[tuple[str, re.Pattern[str], Handler]] = []


def route(method: str, template: str) -> Callable[[Handler], Handler]:
    """Register a handler for a path template with `{names}`."""
    pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template))

    def register(handler: Handler) -> Handler:
        ROUTES.append((method, pattern, handler))
        return handler

    return register


def handle(asterisk: ScriptedAsterisk, method: str, path: str, query: Mapping[str, str], body: Json) -> Reply:
    """Do one request; errors come back as replies."""
    for route_method, pattern, handler in ROUTES:
        match = pattern.fullmatch(path)
        if match is not None and route_method == method:
            try:
                return handler(asterisk, {k: unquote(v) for k, v in match.groupdict().items()}, query, body)
            except Refusal as refusal:
                return Reply(refusal.status, {"message": refusal.message})
    return Reply(404, {"message": "Resource not found"})


def _channel(asterisk: ScriptedAsterisk, channel_id: str) -> ScriptedChannel:
    if channel_id not in asterisk.channels:
        raise Refusal(404, "Channel not found")
    return asterisk.channels[channel_id]


def _controlled(asterisk: ScriptedAsterisk, channel_id: str) -> ScriptedChannel:
    channel = _channel(asterisk, channel_id)
    if not channel.is_in_stasis:
        raise Refusal(409, "Channel not in Stasis application")
    return channel


def _bridge(asterisk: ScriptedAsterisk, bridge_id: str) -> ScriptedBridge:
    if bridge_id not in asterisk.bridges:
        raise Refusal(404, "Bridge not found")
    return asterisk.bridges[bridge_id]


@route("GET", "/asterisk/ping")
def ping(asterisk: ScriptedAsterisk, ids: Mapping[str, str], query: Mapping[str, str], body: Json) -> Reply:
    return Reply(200, {"ping": "pong"})


@route("PUT", "/applications/{application}/eventFilter")
def filter_events(asterisk: ScriptedAsterisk, ids: Mapping[str, str], query: Mapping[str, str], body: Json) -> Reply:
    return Reply(200, {"name": ids["application"]})


@route("GET", "/channels")
def list_channels(asterisk: ScriptedAsterisk, ids: Mapping[str, str], query: Mapping[str, str], body: Json) -> Reply:
    return Reply(200, [channel.json() for channel in asterisk.channels.values()])


@route("POST", "/channels/externalMedia")
def external_media(asterisk: ScriptedAsterisk, ids: Mapping[str, str], query: Mapping[str, str], body: Json) -> Reply:
    if query.get("format") != "slin":
        raise Refusal(400, "the scripted Asterisk speaks slin only")
    host, _, port = query["external_host"].rpartition(":")
    rtp = RtpSender((host.strip("[]"), int(port)))
    variables = {"UNICASTRTP_LOCAL_ADDRESS": "127.0.0.1", "UNICASTRTP_LOCAL_PORT": str(rtp.port)}
    name = f"UnicastRTP/{query['external_host']}-0x{rtp.port:x}"
    channel = asterisk.add_channel(
        ScriptedChannel(query["channelId"], name, "media", query["app"], variables=variables, rtp=rtp)
    )
    return Reply(200, channel.json(with_variables=True), lambda: asterisk.start(channel))


@route("GET", "/channels/{channel_id}")
def get_channel(asterisk: ScriptedAsterisk, ids: Mapping[str, str], query: Mapping[str, str], body: Json) -> Reply:
    return Reply(200, _channel(asterisk, ids["channel_id"]).json())


@route("POST", "/channels/{channel_id}")
def originate(asterisk: ScriptedAsterisk, ids: Mapping[str, str], query: Mapping[str, str], body: Json) -> Reply:
    channel = ScriptedChannel(ids["channel_id"], query["endpoint"] + "-1", "leg", query["app"], "Down")
    channel.is_in_stasis = False
    asterisk.add_channel(channel)
    return Reply(200, channel.json(), lambda: asterisk.dial(channel))


@route("DELETE", "/channels/{channel_id}")
def hang_up(asterisk: ScriptedAsterisk, ids: Mapping[str, str], query: Mapping[str, str], body: Json) -> Reply:
    channel = _channel(asterisk, ids["channel_id"])
    reason = query.get("reason", "normal")
    if reason not in CAUSES:
        raise Refusal(400, "Invalid Reason")
    cause = int(query.get("reason_code", CAUSES[reason]))
    return Reply(204, None, lambda: asterisk.end_channel(channel, cause, is_by_app=True))


@route("POST", "/channels/{channel_id}/answer")
def answer(asterisk: ScriptedAsterisk, ids: Mapping[str, str], query: Mapping[str, str], body: Json) -> Reply:
    channel = _controlled(asterisk, ids["channel_id"])
    if channel.state != "Up":
        channel.state = "Up"
        asterisk.emit("ChannelStateChange", channel=channel.json())
    return Reply(204)


@route("POST", "/channels/{channel_id}/ring")
def ring(asterisk: ScriptedAsterisk, ids: Mapping[str, str], query: Mapping[str, str], body: Json) -> Reply:
    asterisk.legs[_controlled(asterisk, ids["channel_id"]).id].is_ringing = True
    return Reply(204)


@route("DELETE", "/channels/{channel_id}/ring")
def ring_stop(asterisk: ScriptedAsterisk, ids: Mapping[str, str], query: Mapping[str, str], body: Json) -> Reply:
    asterisk.legs[_controlled(asterisk, ids["channel_id"]).id].is_ringing = False
    return Reply(204)


@route("POST", "/channels/{channel_id}/dtmf")
def send_dtmf(asterisk: ScriptedAsterisk, ids: Mapping[str, str], query: Mapping[str, str], body: Json) -> Reply:
    _controlled(asterisk, ids["channel_id"])
    return Reply(204)


@route("GET", "/channels/{channel_id}/variable")
def get_variable(asterisk: ScriptedAsterisk, ids: Mapping[str, str], query: Mapping[str, str], body: Json) -> Reply:
    variables = _channel(asterisk, ids["channel_id"]).variables
    if query["variable"] not in variables:
        raise Refusal(404, "Provided variable was not found")
    return Reply(200, {"value": variables[query["variable"]]})


@route("POST", "/channels/{channel_id}/variable")
def set_variable(asterisk: ScriptedAsterisk, ids: Mapping[str, str], query: Mapping[str, str], body: Json) -> Reply:
    _controlled(asterisk, ids["channel_id"]).variables[query["variable"]] = query["value"]
    return Reply(204)


@route("POST", "/channels/{channel_id}/snoop/{snoop_id}")
def snoop(asterisk: ScriptedAsterisk, ids: Mapping[str, str], query: Mapping[str, str], body: Json) -> Reply:
    if ids["channel_id"] not in asterisk.channels:
        raise Refusal(404, "Provided channel was not found")
    if query.get("spy") not in {"in", "out", "both"}:
        raise Refusal(400, "Invalid direction specified for spy")
    if ids["snoop_id"] in asterisk.channels:
        raise Refusal(500, "Snoop channel could not be created")
    channel = ScriptedChannel(
        ids["snoop_id"],
        f"Snoop/{ids['channel_id']}-0",
        "snoop",
        query["app"],
        spied_id=ids["channel_id"],
        spy=query["spy"],
    )
    asterisk.add_channel(channel)
    return Reply(200, channel.json(), lambda: asterisk.start(channel))


@route("POST", "/channels/{channel_id}/play/{playback_id}")
def play(asterisk: ScriptedAsterisk, ids: Mapping[str, str], query: Mapping[str, str], body: Json) -> Reply:
    channel = _controlled(asterisk, ids["channel_id"])
    sounds = deque((uri, _sound(asterisk, uri)) for uri in query["media"].split(","))
    playing = Playing(ids["playback_id"], channel.id, sounds)
    channel.playings.append(playing)
    return Reply(201, playing.json(), lambda: asterisk.go_on_playing(channel))


def _sound(asterisk: ScriptedAsterisk, uri: str) -> deque[bytes] | None:
    """The sound's frames: of the script's own sounds, of PATH.wav, or made-up ones for digits, tones and the like."""
    scheme, _, name = uri.partition(":")
    if uri in asterisk.sounds:
        return frames_of(asterisk.sounds[uri])
    if scheme != "sound":
        return frames_of(bytes(1600 * max(1, len(name))))
    path = Path(name + ".wav")
    if not path.is_absolute() or not path.exists():
        return None
    with wave.open(str(path)) as file:
        is_playable = (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (8000, 2, 1)
        return frames_of(file.readframes(file.getnframes())) if is_playable else None


def _playing(asterisk: ScriptedAsterisk, playback_id: str) -> tuple[ScriptedChannel, Playing]:
    for channel in asterisk.channels.values():
        for playing in channel.playings:
            if playing.id == playback_id:
                return channel, playing
    raise Refusal(404, "Playback not found")


@route("GET", "/playbacks/{playback_id}")
def get_playback(asterisk: ScriptedAsterisk, ids: Mapping[str, str], query: Mapping[str, str], body: Json) -> Reply:
    return Reply(200, _playing(asterisk, ids["playback_id"])[1].json())


@route("DELETE", "/playbacks/{playback_id}")
def stop_playback(asterisk: ScriptedAsterisk, ids: Mapping[str, str], query: Mapping[str, str], body: Json) -> Reply:
    channel, playing = _playing(asterisk, ids["playback_id"])
    return Reply(204, None, lambda: asterisk.end_playing(channel, playing, "done"))


@route("GET", "/bridges")
def list_bridges(asterisk: ScriptedAsterisk, ids: Mapping[str, str], query: Mapping[str, str], body: Json) -> Reply:
    return Reply(200, [bridge.json() for bridge in asterisk.bridges.values()])


@route("GET", "/bridges/{bridge_id}")
def get_bridge(asterisk: ScriptedAsterisk, ids: Mapping[str, str], query: Mapping[str, str], body: Json) -> Reply:
    return Reply(200, _bridge(asterisk, ids["bridge_id"]).json())


@route("POST", "/bridges/{bridge_id}")
def create_bridge(asterisk: ScriptedAsterisk, ids: Mapping[str, str], query: Mapping[str, str], body: Json) -> Reply:
    bridge = ScriptedBridge(ids["bridge_id"], query.get("name", ""), query.get("type", "mixing"))
    return Reply(200, asterisk.bridges.setdefault(bridge.id, bridge).json())


@route("DELETE", "/bridges/{bridge_id}")
def destroy_bridge(asterisk: ScriptedAsterisk, ids: Mapping[str, str], query: Mapping[str, str], body: Json) -> Reply:
    bridge = _bridge(asterisk, ids["bridge_id"])
    return Reply(204, None, lambda: asterisk.destroy_bridge(bridge))


@route("POST", "/bridges/{bridge_id}/addChannel")
def add_channel(asterisk: ScriptedAsterisk, ids: Mapping[str, str], query: Mapping[str, str], body: Json) -> Reply:
    bridge = _bridge(asterisk, ids["bridge_id"])
    channel_ids = query["channel"].split(",")
    if any(it not in asterisk.channels for it in channel_ids):
        raise Refusal(400, "Channel not found")
    if any(not asterisk.channels[it].is_in_stasis for it in channel_ids):
        raise Refusal(422, "Channel not in Stasis application")
    for channel_id in channel_ids:
        asterisk.leave_bridges(asterisk.channels[channel_id])
        bridge.channels.append(channel_id)
        asterisk.emit("ChannelEnteredBridge", bridge=bridge.json(), channel=asterisk.channels[channel_id].json())
    return Reply(204)


@route("POST", "/bridges/{bridge_id}/removeChannel")
def remove_channel(asterisk: ScriptedAsterisk, ids: Mapping[str, str], query: Mapping[str, str], body: Json) -> Reply:
    bridge = _bridge(asterisk, ids["bridge_id"])
    if query["channel"] not in asterisk.channels:
        raise Refusal(400, "Channel not found")
    if query["channel"] not in bridge.channels:
        raise Refusal(422, "Channel not in this bridge")
    asterisk.leave_bridges(asterisk.channels[query["channel"]])
    return Reply(204)


def body_of(text: str | None) -> Json:
    """Parse a request's body; empty where there is none."""
    parsed = json.loads(text) if text else {}
    assert isinstance(parsed, dict)
    return parsed
