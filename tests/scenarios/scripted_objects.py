"""The objects inside the scripted Asterisk: channels, bridges, playbacks, as state and as ARI's JSON."""

from __future__ import annotations

import random
import socket
import struct
from array import array
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from app.domain.audio import FRAME_BYTES, FRAME_SAMPLES, SILENT_FRAME

Json = dict[str, object]
PAYLOAD_TYPE_SLIN = 10


def timestamp() -> str:
    """Return the time in Asterisk's form."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"


@dataclass(slots=True)
class Playing:
    """One playback: the sounds that are still to come, in 20 ms frames; `frames` None = there is no such sound."""

    id: str
    channel_id: str
    sounds: deque[tuple[str, deque[bytes] | None]]
    state: str = "queued"

    def json(self) -> Json:
        uri = self.sounds[0][0] if self.sounds else ""
        return {
            "id": self.id,
            "media_uri": uri,
            "target_uri": f"channel:{self.channel_id}",
            "language": "en",
            "state": self.state,
        }


class RtpSender:
    """Sends 20 ms packets of slin as UnicastRTP does: payload type 10, big-endian, own port, own SSRC."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self.port: int = self._socket.getsockname()[1]
        self.sequence = random.randrange(1 << 16)
        self.timestamp = random.randrange(1 << 32)
        self.ssrc = random.randrange(1 << 32)
        self.sent = 0

    def send(self, pcm: bytes, *, is_lost: bool = False) -> None:
        """Send one frame of little-endian PCM; a lost one only moves the counters."""
        samples = array("h", pcm)
        samples.byteswap()
        header = struct.pack("!BBHII", 0x80, PAYLOAD_TYPE_SLIN, self.sequence, self.timestamp, self.ssrc)
        self.sequence = (self.sequence + 1) % (1 << 16)
        self.timestamp = (self.timestamp + FRAME_SAMPLES) % (1 << 32)
        self.sent += 1
        if not is_lost:
            # the app's socket may be full or gone: UDP does not care
            with suppress(BlockingIOError, ConnectionRefusedError):
                self._socket.sendto(header + samples.tobytes(), self._target)

    def close(self) -> None:
        self._socket.close()


def frames_of(pcm: bytes) -> deque[bytes]:
    """Cut little-endian 8 kHz PCM into 20 ms frames, the last one filled up with silence."""
    cut = (pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm), FRAME_BYTES))
    return deque(frame.ljust(FRAME_BYTES, b"\0") for frame in cut)


@dataclass(slots=True, eq=False)
class ScriptedChannel:
    """One channel. `kind`: a party's leg, a snoop or external media."""

    id: str
    name: str
    kind: Literal["leg", "snoop", "media"]
    application: str
    state: str = "Up"
    caller_number: str = ""
    caller_name: str = ""
    exten: str = "s"
    call_id: str = ""
    is_in_stasis: bool = True
    created: str = field(default_factory=timestamp)
    variables: dict[str, str] = field(default_factory=dict)
    spied_id: str = ""
    spy: str = ""
    rtp: RtpSender | None = None
    saying: deque[bytes] = field(default_factory=deque)
    hearing: deque[bytes] = field(default_factory=deque)
    playings: deque[Playing] = field(default_factory=deque)

    def json(self, *, with_variables: bool = False) -> Json:
        shown: Json = {
            "id": self.id,
            "name": self.name,
            "state": self.state,
            "protocol_id": self.call_id,
            "caller": {"name": self.caller_name, "number": self.caller_number},
            "connected": {"name": "", "number": ""},
            "accountcode": "",
            "dialplan": {
                "context": "default",
                "exten": self.exten,
                "priority": 1,
                "app_name": "Stasis" if self.is_in_stasis else "AppDial2",
                "app_data": self.application if self.is_in_stasis else "(Outgoing Line)",
            },
            "creationtime": self.created,
            "language": "en",
        }
        if with_variables:
            shown["channelvars"] = dict(self.variables)
        return shown

    def next_said(self) -> bytes:
        """The next frame of what the party says; silence when it says nothing."""
        return self.saying.popleft() if self.saying else SILENT_FRAME

    def next_heard(self) -> bytes:
        """The next frame of what the party hears: the playback, else what the script lets it hear, else silence."""
        for playing in self.playings:
            if playing.state == "playing" and playing.sounds and playing.sounds[0][1]:
                return playing.sounds[0][1].popleft()
        return self.hearing.popleft() if self.hearing else SILENT_FRAME


@dataclass(slots=True)
class ScriptedBridge:
    """One bridge and the ids in it."""

    id: str
    name: str = ""
    kind: str = "mixing"
    channels: list[str] = field(default_factory=list)

    def json(self) -> Json:
        return {
            "id": self.id,
            "technology": "simple_bridge",
            "bridge_type": self.kind,
            "bridge_class": "stasis",
            "creator": "Stasis",
            "name": self.name,
            "channels": list(self.channels),
            "creationtime": timestamp(),
            "video_mode": "none",
        }
