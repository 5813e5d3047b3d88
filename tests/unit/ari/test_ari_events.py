import json
from datetime import UTC, datetime

import pytest

from app.ari import events
from app.ari.errors import AriRefused
from app.ari.events import UnknownEvent, parse_message
from app.ari.models import Channel, RestResponse
from app.ari.operation import OPERATIONS, PLAY, Operation

CHANNEL = {
    "id": "1732.5",
    "name": "PJSIP/caller-00000001",
    "state": "Ring",
    "protocol_id": "abc@host",
    "caller": {"name": "Kim", "number": "+821100000001"},
    "connected": {"name": "", "number": ""},
    "accountcode": "",
    "dialplan": {
        "context": "default",
        "exten": "1000",
        "priority": 1,
        "app_name": "Stasis",
        "app_data": "callscribe,a",
    },
    "creationtime": "2026-11-23T14:57:43.156+0000",
    "language": "en",
    "field_of_a_later_asterisk": {"x": 1},
}
BRIDGE = {"id": "b1", "technology": "simple_bridge", "bridge_type": "mixing", "channels": ["1732.5"], "name": "n"}
PLAYBACK = {"id": "p1", "media_uri": "sound:x", "target_uri": "channel:1732.5", "language": "en", "state": "failed"}
COMMON = {"timestamp": "2026-11-23T14:57:43.156+0000", "application": "callscribe", "asterisk_id": "02:fc"}


def parse(event_type: str, **fields: object) -> events.AriEvent | RestResponse:
    return parse_message(json.dumps({"type": event_type, **COMMON, **fields}))


def test_a_stasis_start_is_read_with_all_that_a_call_needs() -> None:
    event = parse("StasisStart", args=["a"], channel=CHANNEL)
    assert isinstance(event, events.StasisStart)
    assert event.timestamp == datetime(2026, 11, 23, 14, 57, 43, 156000, UTC)
    assert event.args == ("a",)
    channel = event.channel
    assert (channel.id, channel.state, channel.protocol_id) == ("1732.5", "Ring", "abc@host")
    assert (channel.caller.name, channel.caller.number, channel.dialplan.exten) == ("Kim", "+821100000001", "1000")
    assert channel.creationtime == event.timestamp
    assert channel.is_in_application("callscribe")
    assert not channel.is_in_application("call")


@pytest.mark.parametrize(
    ("event_type", "fields", "ids"),
    [
        ("StasisEnd", {"channel": CHANNEL}, ("1732.5",)),
        ("StasisStart", {"channel": CHANNEL, "args": [], "replace_channel": {"id": "old"}}, ("1732.5", "old")),
        ("ChannelCreated", {"channel": CHANNEL}, ("1732.5",)),
        ("ChannelDestroyed", {"channel": CHANNEL, "cause": 17, "cause_txt": "User busy"}, ("1732.5",)),
        ("ChannelHangupRequest", {"channel": CHANNEL, "cause": 32, "soft": True}, ("1732.5",)),
        ("ChannelStateChange", {"channel": CHANNEL}, ("1732.5",)),
        ("ChannelDtmfReceived", {"channel": CHANNEL, "digit": "#", "duration_ms": 100}, ("1732.5",)),
        ("ChannelHold", {"channel": CHANNEL}, ("1732.5",)),
        ("ChannelUnhold", {"channel": CHANNEL}, ("1732.5",)),
        ("ChannelCallerId", {"channel": CHANNEL}, ("1732.5",)),
        ("ChannelConnectedLine", {"channel": CHANNEL}, ("1732.5",)),
        ("ChannelTalkingStarted", {"channel": CHANNEL}, ("1732.5",)),
        ("ChannelTalkingFinished", {"channel": CHANNEL, "duration": 5}, ("1732.5",)),
        ("BridgeCreated", {"bridge": BRIDGE}, ("b1",)),
        ("BridgeDestroyed", {"bridge": BRIDGE}, ("b1",)),
        ("BridgeMerged", {"bridge": BRIDGE, "bridge_from": {"id": "b2"}}, ("b1", "b2")),
        ("ChannelEnteredBridge", {"bridge": BRIDGE, "channel": CHANNEL}, ("b1", "1732.5")),
        ("ChannelEnteredBridge", {"bridge": BRIDGE}, ("b1",)),
        ("ChannelLeftBridge", {"bridge": BRIDGE, "channel": CHANNEL}, ("b1", "1732.5")),
        ("PlaybackStarted", {"playback": PLAYBACK}, ("p1",)),
        ("PlaybackContinuing", {"playback": PLAYBACK}, ("p1",)),
        ("PlaybackFinished", {"playback": PLAYBACK}, ("p1",)),
        ("RecordingStarted", {"recording": {"name": "r1"}}, ("r1",)),
        ("RecordingFinished", {"recording": {"name": "r1", "duration": 3}}, ("r1",)),
        ("RecordingFailed", {"recording": {"name": "r1", "cause": "x"}}, ("r1",)),
        ("Dial", {"peer": CHANNEL, "dialstatus": "BUSY"}, ("1732.5",)),
        ("Dial", {"peer": CHANNEL, "caller": {"id": "c"}, "dialstatus": ""}, ("1732.5", "c")),
        ("ApplicationReplaced", {}, ()),
    ],
)
def test_every_known_event_has_its_class_and_its_ids(
    event_type: str, fields: dict[str, object], ids: tuple[str, ...]
) -> None:
    event = parse(event_type, **fields)
    assert isinstance(event, events.AriEvent)
    assert type(event) is getattr(events, event_type)
    assert event.ids == ids


def test_unknown_events_are_kept_and_still_go_to_their_watches() -> None:
    event = parse("ChannelFromTheFuture", channel=CHANNEL, bridge=BRIDGE)
    assert isinstance(event, UnknownEvent)
    assert (event.type, event.ids) == ("ChannelFromTheFuture", ("1732.5", "b1"))
    assert event.payload["channel"]["caller"]["name"] == "Kim"
    assert "Kim" not in repr(event)
    broken = parse("ChannelDtmfReceived", channel=CHANNEL, timestamp="yesterday")
    assert isinstance(broken, UnknownEvent)
    assert broken.timestamp is None


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "{}", '{"type": 7}'])
def test_what_is_not_an_event_is_an_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - pydantic's own words
        parse_message(text)


@pytest.mark.parametrize(
    ("body", "reason", "complaint"),
    [
        ('{"message": "Channel not found"}', "Not Found", "Channel not found"),
        ("{", "Internal error", "Internal error"),
        (None, "Bad Request", "Bad Request"),
        ("[]", "Bad Request", "Bad Request"),
    ],
)
def test_a_rest_response_tells_asterisks_own_words(body: str | None, reason: str, complaint: str) -> None:
    response = parse("RESTResponse", request_id="7", status_code=404, reason_phrase=reason, message_body=body)
    assert isinstance(response, RestResponse)
    assert response.complaint == complaint


def test_paths_are_escaped_and_errors_name_them() -> None:
    assert PLAY.path(channelId="a/b c", playbackId="é") == "/channels/a%2Fb%20c/play/%C3%A9"
    assert "DELETE /x: 500 why" in str(AriRefused(500, "why", "/x", method="DELETE"))


async def test_undeclared_parameters_are_programming_errors() -> None:
    class Nobody:
        async def request(self, *args: object, **kwargs: object) -> object:
            raise AssertionError("nothing must be sent")

    operation = Operation("GET", "/channels", frozenset({"known"}))
    with pytest.raises(ValueError, match=r"query names \['unknown'\]"):
        await operation.send(Nobody(), {}, {"unknown": "1"})
    with pytest.raises(ValueError, match="with a body"):
        await operation.send(Nobody(), {}, {}, {"a": "b"})


def test_the_table_of_operations_is_whole() -> None:
    assert len(OPERATIONS) >= 20
    assert len({(it.method, it.template) for it in OPERATIONS}) == len(OPERATIONS)
    assert Channel.model_validate({"id": "x"}).channelvars == {}
