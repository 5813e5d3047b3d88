"""Every REST operation that we send, as data: one table, checked in a test against Asterisk's own Swagger files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote

REQUEST_TIMEOUT_SECONDS = 5.0


class Requester(Protocol):
    """Who can send a request to Asterisk; `app.ari.ari.Ari` is it."""

    async def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] = {},
        body: Mapping[str, object] | None = None,
        *,
        timeout_seconds: float = REQUEST_TIMEOUT_SECONDS,
    ) -> object:
        """Send one request and return the parsed answer."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A method, a path template with Asterisk's own parameter names, and the query names that we use."""

    method: str
    template: str
    query: frozenset[str] = frozenset()
    body: str = ""
    """The name of the body parameter in the Swagger file, empty where we send none."""

    def path(self, **ids: str) -> str:
        """Return the path for these ids, each escaped as one path segment."""
        return self.template.format_map({name: quote(value, safe="") for name, value in ids.items()})

    async def send(
        self,
        ari: Requester,
        ids: Mapping[str, str] = {},
        query: Mapping[str, str] = {},
        body: Mapping[str, object] | None = None,
        *,
        timeout_seconds: float = REQUEST_TIMEOUT_SECONDS,
    ) -> object:
        """Send it and return the parsed answer; ValueError for a query name that the table does not have."""
        if unknown := query.keys() - self.query:
            raise ValueError(f"{self.method} {self.template} is not declared with the query names {sorted(unknown)}")
        if body is not None and not self.body:
            raise ValueError(f"{self.method} {self.template} is not declared with a body")
        return await ari.request(self.method, self.path(**ids), query, body, timeout_seconds=timeout_seconds)


def _op(method: str, template: str, *query: str, body: str = "") -> Operation:
    return Operation(method, template, frozenset(query), body)


_CHANNEL = "/channels/{channelId}"
_BRIDGE = "/bridges/{bridgeId}"

LIST_CHANNELS = _op("GET", "/channels")
ORIGINATE = _op(
    "POST", _CHANNEL, "endpoint", "app", "appArgs", "callerId", "timeout", "otherChannelId", "originator", "formats",
    body="variables",
)  # fmt: skip
CREATE_CHANNEL = _op(
    "POST", "/channels/create", "endpoint", "app", "appArgs", "channelId", "otherChannelId", "originator", "formats",
    body="variables",
)  # fmt: skip
DIAL = _op("POST", _CHANNEL + "/dial", "caller", "timeout")
GET_CHANNEL = _op("GET", _CHANNEL)
HANG_UP = _op("DELETE", _CHANNEL, "reason_code", "reason")
ANSWER = _op("POST", _CHANNEL + "/answer")
RING = _op("POST", _CHANNEL + "/ring")
PROGRESS = _op("POST", _CHANNEL + "/progress")
TRANSFER_PROGRESS = _op("POST", _CHANNEL + "/transfer_progress", "states")
RING_STOP = _op("DELETE", _CHANNEL + "/ring")
HOLD = _op("POST", _CHANNEL + "/hold")
UNHOLD = _op("DELETE", _CHANNEL + "/hold")
START_MUSIC = _op("POST", _CHANNEL + "/moh", "mohClass")
STOP_MUSIC = _op("DELETE", _CHANNEL + "/moh")
START_SILENCE = _op("POST", _CHANNEL + "/silence")
STOP_SILENCE = _op("DELETE", _CHANNEL + "/silence")
MUTE = _op("POST", _CHANNEL + "/mute", "direction")
UNMUTE = _op("DELETE", _CHANNEL + "/mute", "direction")
SEND_DTMF = _op("POST", _CHANNEL + "/dtmf", "dtmf", "before", "between", "duration", "after")
GET_VARIABLE = _op("GET", _CHANNEL + "/variable", "variable")
SET_VARIABLE = _op("POST", _CHANNEL + "/variable", "variable", "value")
SNOOP = _op("POST", _CHANNEL + "/snoop/{snoopId}", "spy", "whisper", "app", "appArgs")
EXTERNAL_MEDIA = _op(
    "POST", "/channels/externalMedia", "channelId", "app", "external_host", "encapsulation", "transport", "format",
    "direction", "data",
)  # fmt: skip
PLAY = _op("POST", _CHANNEL + "/play/{playbackId}", "media", "lang", "offsetms", "skipms")
GET_PLAYBACK = _op("GET", "/playbacks/{playbackId}")
STOP_PLAYBACK = _op("DELETE", "/playbacks/{playbackId}")
LIST_BRIDGES = _op("GET", "/bridges")
CREATE_BRIDGE = _op("POST", _BRIDGE, "type", "name")
GET_BRIDGE = _op("GET", _BRIDGE)
DESTROY_BRIDGE = _op("DELETE", _BRIDGE)
ADD_CHANNEL = _op("POST", _BRIDGE + "/addChannel", "channel", "absorbDTMF", "mute", "inhibitConnectedLineUpdates")
REMOVE_CHANNEL = _op("POST", _BRIDGE + "/removeChannel", "channel")
_DYNAMIC = "/asterisk/config/dynamic/{configClass}/{objectType}/{id}"
GET_DYNAMIC = _op("GET", _DYNAMIC)
PUT_DYNAMIC = _op("PUT", _DYNAMIC, body="fields")
DELETE_DYNAMIC = _op("DELETE", _DYNAMIC)
LIST_ENDPOINTS = _op("GET", "/endpoints/{tech}")
SEND_MESSAGE = _op("PUT", "/endpoints/sendMessage", "to", "from", "body")
FILTER_EVENTS = _op("PUT", "/applications/{applicationName}/eventFilter", body="filter")
PING = _op("GET", "/asterisk/ping")

OPERATIONS = tuple(it for it in tuple(globals().values()) if isinstance(it, Operation))
"""All of the above, for the check against Swagger."""
