"""Asterisk's events as typed, lenient models: unknown fields are ignored, unknown events kept as `UnknownEvent`.

Names and fields are those of Asterisk 22's `rest-api/events.json`. Text goes to a model in one pass of pydantic's own
JSON reader, which costs less than `json.loads` alone (ADR 0016).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import from_json

from app.ari.models import Bridge, Channel, ContactInfo, Endpoint, LiveRecording, PlaybackState, RestResponse


class AriEvent(BaseModel):
    """What all events have; `timestamp` is Asterisk's clock, aware."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    type: str
    timestamp: datetime | None = None

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the channels, bridges, playbacks and recordings under which watches get this event."""
        return ()


class ChannelEvent(AriEvent):
    """An event of one channel."""

    channel: Channel

    @property
    def ids(self) -> tuple[str, ...]:
        """The channel's id."""
        return (self.channel.id,)


class StasisStart(ChannelEvent):
    """A channel came into our application; `replace_channel` is the one whose place it takes, if any."""

    type: Literal["StasisStart"] = "StasisStart"
    args: tuple[str, ...] = ()
    replace_channel: Channel | None = None

    @property
    def ids(self) -> tuple[str, ...]:
        """The channel's id and that of the channel it replaces."""
        return (self.channel.id,) if self.replace_channel is None else (self.channel.id, self.replace_channel.id)


class StasisEnd(ChannelEvent):
    """A channel left our application: it hung up or went elsewhere."""

    type: Literal["StasisEnd"] = "StasisEnd"


class ChannelCreated(ChannelEvent):
    """A channel that we are subscribed to was made."""

    type: Literal["ChannelCreated"] = "ChannelCreated"


class ChannelDestroyed(ChannelEvent):
    """A channel is gone; `cause` is the Q.850 cause (16 normal, 17 busy, 19 no answer, ...)."""

    type: Literal["ChannelDestroyed"] = "ChannelDestroyed"
    cause: int = 0
    cause_txt: str = ""


class ChannelHangupRequest(ChannelEvent):
    """Somebody asked for the end of a channel: the party (no `soft`) or we."""

    type: Literal["ChannelHangupRequest"] = "ChannelHangupRequest"
    cause: int | None = None
    soft: bool = False


class ChannelStateChange(ChannelEvent):
    """A channel went from Ring to Up and so on."""

    type: Literal["ChannelStateChange"] = "ChannelStateChange"


class ChannelDtmfReceived(ChannelEvent):
    """A whole digit was received on a channel."""

    type: Literal["ChannelDtmfReceived"] = "ChannelDtmfReceived"
    digit: str
    duration_ms: int = 0


class ChannelHold(ChannelEvent):
    """The party put us on hold."""

    type: Literal["ChannelHold"] = "ChannelHold"


class ChannelUnhold(ChannelEvent):
    """The party took us back from hold."""

    type: Literal["ChannelUnhold"] = "ChannelUnhold"


class ChannelCallerId(ChannelEvent):
    """The caller's name or number changed."""

    type: Literal["ChannelCallerId"] = "ChannelCallerId"


class ChannelConnectedLine(ChannelEvent):
    """The connected party's name or number changed."""

    type: Literal["ChannelConnectedLine"] = "ChannelConnectedLine"


class RequestedDestination(BaseModel):
    """Where a party wants another one to be transferred: a user part, or (attended) SIP's Call-ID of its other call."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    destination: str = ""
    protocol_id: str = ""


class ReferTo(BaseModel):
    """To what a party wants another one to be transferred; `destination_channel` = its own other call (attended)."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    requested_destination: RequestedDestination = RequestedDestination()
    destination_channel: Channel | None = None
    connected_channel: Channel | None = None


class ReferredBy(BaseModel):
    """Who wants a transfer."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    source_channel: Channel


class ChannelTransfer(AriEvent):
    """A party sent REFER, on a channel whose PJSIP_TRANSFER_HANDLING is `ari-only`: it is for us to do."""

    type: Literal["ChannelTransfer"] = "ChannelTransfer"
    state: str = ""
    refer_to: ReferTo
    referred_by: ReferredBy

    @property
    def ids(self) -> tuple[str, ...]:
        """The id of the channel that asks."""
        return (self.referred_by.source_channel.id,)


class ChannelTalkingStarted(ChannelEvent):
    """Asterisk's own talk detection heard speech."""

    type: Literal["ChannelTalkingStarted"] = "ChannelTalkingStarted"


class ChannelTalkingFinished(ChannelEvent):
    """Asterisk's own talk detection heard `duration` ms of speech end."""

    type: Literal["ChannelTalkingFinished"] = "ChannelTalkingFinished"
    duration: int = 0


class BridgeEvent(AriEvent):
    """An event of one bridge."""

    bridge: Bridge

    @property
    def ids(self) -> tuple[str, ...]:
        """The bridge's id."""
        return (self.bridge.id,)


class BridgeCreated(BridgeEvent):
    """A bridge was made."""

    type: Literal["BridgeCreated"] = "BridgeCreated"


class BridgeDestroyed(BridgeEvent):
    """A bridge is gone."""

    type: Literal["BridgeDestroyed"] = "BridgeDestroyed"


class BridgeMerged(BridgeEvent):
    """`bridge_from` was merged into `bridge`."""

    type: Literal["BridgeMerged"] = "BridgeMerged"
    bridge_from: Bridge

    @property
    def ids(self) -> tuple[str, ...]:
        """Both bridges' ids."""
        return (self.bridge.id, self.bridge_from.id)


class ChannelEnteredBridge(BridgeEvent):
    """A channel came into a bridge."""

    type: Literal["ChannelEnteredBridge"] = "ChannelEnteredBridge"
    channel: Channel | None = None

    @property
    def ids(self) -> tuple[str, ...]:
        """The bridge's id and the channel's."""
        return (self.bridge.id,) if self.channel is None else (self.bridge.id, self.channel.id)


class ChannelLeftBridge(BridgeEvent):
    """A channel went out of a bridge."""

    type: Literal["ChannelLeftBridge"] = "ChannelLeftBridge"
    channel: Channel

    @property
    def ids(self) -> tuple[str, ...]:
        """The bridge's id and the channel's."""
        return (self.bridge.id, self.channel.id)


class PlaybackEvent(AriEvent):
    """An event of one playback; it goes by the playback's id only, not by its channel's."""

    playback: PlaybackState

    @property
    def ids(self) -> tuple[str, ...]:
        """The playback's id."""
        return (self.playback.id,)


class PlaybackStarted(PlaybackEvent):
    """A playback (or the next sound of it) began."""

    type: Literal["PlaybackStarted"] = "PlaybackStarted"


class PlaybackContinuing(PlaybackEvent):
    """One sound of a playback ended and the next follows."""

    type: Literal["PlaybackContinuing"] = "PlaybackContinuing"


class PlaybackFinished(PlaybackEvent):
    """A playback ended; `playback.state` is `done` (also when stopped) or `failed`."""

    type: Literal["PlaybackFinished"] = "PlaybackFinished"


class RecordingEvent(AriEvent):
    """An event of one recording; it goes by the recording's name."""

    recording: LiveRecording

    @property
    def ids(self) -> tuple[str, ...]:
        """The recording's name."""
        return (self.recording.name,)


class RecordingStarted(RecordingEvent):
    """A recording began."""

    type: Literal["RecordingStarted"] = "RecordingStarted"


class RecordingFinished(RecordingEvent):
    """A recording ended and is stored."""

    type: Literal["RecordingFinished"] = "RecordingFinished"


class RecordingFailed(RecordingEvent):
    """A recording could not be made; `recording.cause` says why."""

    type: Literal["RecordingFailed"] = "RecordingFailed"


class Dial(AriEvent):
    """How an outgoing leg gets on; `dialstatus` is empty at its start, then RINGING, ANSWER, BUSY, NOANSWER, ..."""

    type: Literal["Dial"] = "Dial"
    peer: Channel
    caller: Channel | None = None
    dialstatus: str = ""

    @property
    def ids(self) -> tuple[str, ...]:
        """The called channel's id and the calling one's."""
        return (self.peer.id,) if self.caller is None else (self.peer.id, self.caller.id)


class EndpointEvent(AriEvent):
    """An event of one endpoint, which comes only to those who subscribed to it; watch it as `endpoint:PJSIP/NAME`."""

    endpoint: Endpoint

    @property
    def ids(self) -> tuple[str, ...]:
        """The endpoint, as ARI names event sources."""
        return (f"endpoint:{self.endpoint.technology}/{self.endpoint.resource}",)


class ContactStatusChange(EndpointEvent):
    """A phone registered, went away, became reachable or unreachable."""

    type: Literal["ContactStatusChange"] = "ContactStatusChange"
    contact_info: ContactInfo


class PeerStatusChange(EndpointEvent):
    """An endpoint as a whole became reachable or unreachable."""

    type: Literal["PeerStatusChange"] = "PeerStatusChange"


class EndpointStateChange(EndpointEvent):
    """An endpoint's state changed: online, offline."""

    type: Literal["EndpointStateChange"] = "EndpointStateChange"


class ApplicationReplaced(AriEvent):
    """Another client connected under our application's name and has our events now."""

    type: Literal["ApplicationReplaced"] = "ApplicationReplaced"


class UnknownEvent(AriEvent):
    """An event that we have no model for (or one that lacks what its model needs), as Asterisk sent it."""

    payload: Mapping[str, Any] = Field(repr=False)

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the objects that events usually name."""
        named = (self.payload.get(key) for key in ("channel", "bridge", "playback", "peer"))
        return tuple(str(it["id"]) for it in named if isinstance(it, dict) and "id" in it)


class Disconnected(AriEvent):
    """Put into every watch when the connection is lost: from here on events may be missing."""

    type: Literal["Disconnected"] = "Disconnected"


class Reconnected(AriEvent):
    """Put into every watch when the connection is back: ask Asterisk for the state, nothing was kept for us."""

    type: Literal["Reconnected"] = "Reconnected"


KnownEvent = (
    StasisStart | StasisEnd
    | ChannelCreated | ChannelDestroyed | ChannelHangupRequest | ChannelStateChange | ChannelDtmfReceived
    | ChannelHold | ChannelUnhold | ChannelCallerId | ChannelConnectedLine
    | ChannelTransfer | ChannelTalkingStarted | ChannelTalkingFinished
    | BridgeCreated | BridgeDestroyed | BridgeMerged | ChannelEnteredBridge | ChannelLeftBridge
    | PlaybackStarted | PlaybackContinuing | PlaybackFinished
    | RecordingStarted | RecordingFinished | RecordingFailed
    | Dial | ContactStatusChange | PeerStatusChange | EndpointStateChange | ApplicationReplaced
)  # fmt: skip

_messages: TypeAdapter[KnownEvent | RestResponse] = TypeAdapter(
    Annotated[KnownEvent | RestResponse, Field(discriminator="type")]
)


def parse_message(text: str) -> AriEvent | RestResponse:
    """Read one text message of the ARI socket; ValueError when it is not a JSON object with a `type`."""
    try:
        return _messages.validate_json(text)
    except ValidationError:
        payload = from_json(text)
        if not isinstance(payload, dict) or not isinstance(payload.get("type"), str):
            raise ValueError("expected a JSON object with a type from Asterisk") from None  # noqa: TRY004
        fields = cast("dict[str, Any]", payload)
        return UnknownEvent(type=fields["type"], timestamp=_moment(fields.get("timestamp")), payload=fields)


def _moment(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
