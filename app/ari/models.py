"""Asterisk's objects as ARI shows them: lenient, frozen, the fields that we read (Asterisk 22, `rest-api/*.json`)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import from_json


class AriModel(BaseModel):
    """The ways of all of them: what we do not know is ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Party(AriModel):
    """Name and number of a party."""

    name: str = ""
    number: str = ""


class Dialplan(AriModel):
    """Where a channel is in the dialplan; `exten` is the dialled number, `app_name`/`app_data` what it runs now."""

    context: str = ""
    exten: str = ""
    app_name: str = ""
    app_data: str = ""


class Channel(AriModel):
    """One channel. `state`: Down, Ring (incoming, unanswered), Ringing, Up, Busy, ... `protocol_id`: SIP's Call-ID."""

    id: str
    name: str = ""
    state: str = ""
    protocol_id: str = ""
    caller: Party = Party()
    connected: Party = Party()
    dialplan: Dialplan = Dialplan()
    creationtime: datetime | None = None
    language: str = ""
    channelvars: Mapping[str, Any] = Field(default_factory=dict)

    def is_in_application(self, application: str) -> bool:
        """Whether it is inside the Stasis application of that name now."""
        return self.dialplan.app_name == "Stasis" and self.dialplan.app_data.partition(",")[0] == application


class Bridge(AriModel):
    """One bridge and the ids of the channels in it."""

    id: str
    name: str = ""
    technology: str = ""
    bridge_type: str = ""
    channels: tuple[str, ...] = ()


class Endpoint(AriModel):
    """A SIP account as Asterisk knows it. `state`: online (somewhere reachable), offline, unknown."""

    technology: str
    resource: str
    state: str = ""
    channel_ids: tuple[str, ...] = ()


class ContactInfo(AriModel):
    """Where an account is reachable. `contact_status`: Reachable, Unreachable, NonQualified, Created, Removed, ..."""

    uri: str = ""
    contact_status: str = ""
    aor: str = ""


class ConfigField(AriModel):
    """One field of an object of Asterisk's configuration."""

    attribute: str
    value: str = ""


class PlaybackState(AriModel):
    """One playback. `state`: queued, playing, continuing, paused, done, failed; `target_uri`: `channel:ID`."""

    id: str
    state: str = ""
    media_uri: str = ""
    target_uri: str = ""


class LiveRecording(AriModel):
    """One recording. `state`: queued, recording, paused, done, failed, canceled; `duration` in seconds."""

    name: str
    state: str = ""
    format: str = ""
    target_uri: str = ""
    duration: int | None = None
    cause: str = ""


class RestResponse(AriModel):
    """The answer to one REST request over the socket; `message_body` is JSON as text, absent for 204."""

    type: Literal["RESTResponse"] = "RESTResponse"
    request_id: str = ""
    status_code: int
    reason_phrase: str = ""
    message_body: str | None = None

    @property
    def body(self) -> object:
        """The parsed body, or None where there is none; ValueError when it is not JSON."""
        return from_json(self.message_body) if self.message_body else None

    @property
    def complaint(self) -> str:
        """Asterisk's own words for an error."""
        try:
            body = self.body
        except ValueError:
            return self.reason_phrase
        message = body.get("message") if isinstance(body, dict) else None
        return str(message) if message else self.reason_phrase
