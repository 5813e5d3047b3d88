"""What we do with one channel: answer, ring, digits, variables, hang up, call out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Literal

from app.ari import operation
from app.ari.ari import Ari
from app.ari.errors import AriDisconnected, AriRefused
from app.ari.events import ChannelDestroyed, Disconnected, StasisEnd, StasisStart
from app.ari.models import Channel
from app.ari.release import owned
from app.ari.watch import Watch
from app.errors import LegGone

STASIS_START_TIMEOUT_SECONDS = 5.0

NORMAL_CLEARING = 16
"""Q.850 cause of an ordinary hang-up."""


@contextmanager
def gone_means_hung_up(channel_id: str) -> Iterator[None]:
    """Turn "no such channel" (404) and "channel not in a Stasis application" (409: it is just leaving) into LegGone."""
    try:
        yield
    except AriRefused as error:
        if error.status in {404, 409}:
            raise LegGone(f"the channel {channel_id} is gone", channel=channel_id) from error
        raise


async def answer(ari: Ari, channel_id: str) -> None:
    """Answer an incoming channel; LegGone when the party hung up."""
    with gone_means_hung_up(channel_id):
        await operation.ANSWER.send(ari, {"channelId": channel_id})


async def ring(ari: Ari, channel_id: str) -> None:
    """Tell the calling party that it rings; LegGone when it hung up."""
    with gone_means_hung_up(channel_id):
        await operation.RING.send(ari, {"channelId": channel_id})


async def stop_ringing(ari: Ari, channel_id: str) -> None:
    """Stop telling the calling party that it rings; LegGone when it hung up."""
    with gone_means_hung_up(channel_id):
        await operation.RING_STOP.send(ari, {"channelId": channel_id})


async def progress(ari: Ari, channel_id: str) -> None:
    """Let an unanswered calling party hear sound from now on (SIP 183); LegGone when it hung up."""
    await _tell(ari, operation.PROGRESS, channel_id)


async def tell_transfer(ari: Ari, channel_id: str, state: Literal["channel_answered", "channel_unavailable"]) -> None:
    """Tell a party that asked for a transfer (ChannelTransfer) what became of it; LegGone when it hung up."""
    await _tell(ari, operation.TRANSFER_PROGRESS, channel_id, {"states": state})


async def send_digits(ari: Ari, channel_id: str, digits: str, *, between_ms: int = 100, duration_ms: int = 100) -> None:
    """Send DTMF digits (0-9, A-D, *, #) to the party; returns at once. LegGone when it hung up."""
    timing = {"between": str(between_ms), "duration": str(duration_ms)}
    with gone_means_hung_up(channel_id):
        await operation.SEND_DTMF.send(ari, {"channelId": channel_id}, {"dtmf": digits, **timing})


async def hold(ari: Ari, channel_id: str) -> None:
    """Tell the party that it is on hold; it hears music until `unhold`. LegGone when it hung up."""
    await _tell(ari, operation.HOLD, channel_id)


async def unhold(ari: Ari, channel_id: str) -> None:
    """End `hold`; fine without one. LegGone when the party hung up."""
    await _tell(ari, operation.UNHOLD, channel_id)


async def start_music(ari: Ari, channel_id: str, music_class: str = "") -> None:
    """Play music on hold to the party until `stop_music` or a playback; LegGone when it hung up."""
    await _tell(ari, operation.START_MUSIC, channel_id, {"mohClass": music_class} if music_class else {})


async def stop_music(ari: Ari, channel_id: str) -> None:
    """End `start_music`; fine without it. LegGone when the party hung up."""
    await _tell(ari, operation.STOP_MUSIC, channel_id)


async def start_silence(ari: Ari, channel_id: str) -> None:
    """Send silence to the party until `stop_silence`; LegGone when it hung up."""
    await _tell(ari, operation.START_SILENCE, channel_id)


async def stop_silence(ari: Ari, channel_id: str) -> None:
    """End `start_silence`; fine without it. LegGone when the party hung up."""
    await _tell(ari, operation.STOP_SILENCE, channel_id)


async def mute(ari: Ari, channel_id: str, direction: str = "both") -> None:
    """Mute what the party says (`in`), hears (`out`) or `both`; LegGone when it hung up."""
    await _tell(ari, operation.MUTE, channel_id, {"direction": direction})


async def unmute(ari: Ari, channel_id: str, direction: str = "both") -> None:
    """End `mute` in that direction; fine without one. LegGone when the party hung up."""
    await _tell(ari, operation.UNMUTE, channel_id, {"direction": direction})


async def _tell(ari: Ari, what: operation.Operation, channel_id: str, query: Mapping[str, str] = {}) -> None:
    with gone_means_hung_up(channel_id):
        await what.send(ari, {"channelId": channel_id}, query)


async def hang_up(ari: Ari, channel_id: str, cause: int | str = NORMAL_CLEARING) -> None:
    """Hang up; `cause` is a Q.850 number or one of Asterisk's words (normal, busy, congestion, no_answer, ...).

    A channel that is already gone is a success.
    """
    query = {"reason_code": str(cause)} if isinstance(cause, int) else {"reason": cause}
    try:
        await operation.HANG_UP.send(ari, {"channelId": channel_id}, query)
    except AriRefused as error:
        if error.status != 404:
            raise


async def get_channel(ari: Ari, channel_id: str) -> Channel:
    """Return the channel as it is now; LegGone when there is none."""
    with gone_means_hung_up(channel_id):
        return Channel.model_validate(await operation.GET_CHANNEL.send(ari, {"channelId": channel_id}))


async def get_variable(ari: Ari, channel_id: str, name: str) -> str | None:
    """Return a channel variable or function's value, None when it is not set; LegGone when the channel is gone."""
    try:
        reply = await operation.GET_VARIABLE.send(ari, {"channelId": channel_id}, {"variable": name})
    except AriRefused as error:
        if error.status == 404 and "variable" in error.reason.lower():
            return None
        with gone_means_hung_up(channel_id):
            raise
    return str(reply["value"]) if isinstance(reply, dict) else None


async def set_variable(ari: Ari, channel_id: str, name: str, value: str) -> None:
    """Set a channel variable or function; LegGone when the channel is gone."""
    with gone_means_hung_up(channel_id):
        await operation.SET_VARIABLE.send(ari, {"channelId": channel_id}, {"variable": name, "value": value})


async def wait_stasis_start(
    watch: Watch, channel_id: str, timeout_seconds: float = STASIS_START_TIMEOUT_SECONDS
) -> StasisStart:
    """Wait until our channel is in our application: only then it can be put into a bridge.

    Raises LegGone when it ended instead, AriTimeout, AriDisconnected when the connection was lost meanwhile.
    """
    while True:
        event = await watch.next(timeout_seconds)
        match event:
            case StasisStart() if event.channel.id == channel_id:
                return event
            case StasisEnd() | ChannelDestroyed() if event.channel.id == channel_id:
                raise LegGone(f"the channel {channel_id} ended before it could be used", channel=channel_id)
            case Disconnected():
                raise AriDisconnected(f"the connection to Asterisk was lost while {channel_id} was made")
            case _:
                pass


@asynccontextmanager
async def open_outgoing_channel(
    ari: Ari,
    channel_id: str,
    endpoint: str,
    *,
    caller_id: str = "",
    ring_seconds: int = 30,
    variables: Mapping[str, str] = {},
    formats: Sequence[str] = (),
) -> AsyncIterator[Channel]:
    """Call `endpoint` (`PJSIP/name/sip:...`); it enters our application when it answers, and is hung up at the end.

    Watch `channel_id` before: Dial, ChannelStateChange, StasisStart and ChannelDestroyed tell how it gets on.
    """
    query = {"endpoint": endpoint, "app": ari.application, "timeout": str(ring_seconds)}
    if caller_id:
        query["callerId"] = caller_id
    if formats:
        query["formats"] = ",".join(formats)
    body = {"variables": dict(variables)} if variables else None
    ids = {"channelId": channel_id}
    async with owned(ari, channel_id, operation.ORIGINATE.send(ari, ids, query, body), operation.HANG_UP, ids) as reply:
        yield Channel.model_validate(reply)


@asynccontextmanager
async def open_created_channel(
    ari: Ari,
    channel_id: str,
    endpoint: str,
    *,
    args: str = "",
    caller_number: str = "",
    caller_name: str = "",
    originator: str = "",
    other_channel_id: str = "",
    variables: Mapping[str, str] = {},
    formats: Sequence[str] = (),
) -> AsyncIterator[Channel]:
    """Make a channel to `endpoint` that is not dialled yet; yields when it is in our application; hung up at the end.

    Unlike `open_outgoing_channel` it can be put into a bridge before it answers, so that the sound of its ringing is
    heard (early media): add it to the bridge, then `dial`. `originator` is the channel whose codecs and linked id it
    takes. Without `caller_number` the call is anonymous.
    """
    query = {"endpoint": endpoint, "app": ari.application, "channelId": channel_id}
    optional = {"appArgs": args, "originator": originator, "otherChannelId": other_channel_id}
    query |= {name: value for name, value in optional.items() if value}
    if formats:
        query["formats"] = ",".join(formats)
    # What a called party is shown is what its channel is connected to; without a presentation it counts as withheld.
    shown = {"num": caller_number, "name": caller_name}
    line = {f"CONNECTEDLINE({part},i)": value for part, value in shown.items() if value}
    line |= {f"CONNECTEDLINE({part}-pres,i)": "allowed" for part, value in shown.items() if value}
    body = {"variables": {**variables, **line}} if variables or line else None
    with ari.watch(channel_id) as watch:
        making = operation.CREATE_CHANNEL.send(ari, {}, query, body)
        async with owned(ari, channel_id, making, operation.HANG_UP, {"channelId": channel_id}) as reply:
            await wait_stasis_start(watch, channel_id)  # to dial or bridge it sooner is refused
            watch.close()
            yield Channel.model_validate(reply)


async def dial(ari: Ari, channel_id: str, *, caller: str = "", ring_seconds: int = 30) -> None:
    """Dial a channel of `open_created_channel`; returns at once. LegGone when it is gone.

    Watch `channel_id`: Dial with `dialstatus` RINGING, PROGRESS, ANSWER, BUSY, ...; ChannelDestroyed with the cause
    when it failed. `caller` is the channel on whose behalf it is dialled. After `ring_seconds` it is hung up.
    """
    query = {"timeout": str(ring_seconds)} | ({"caller": caller} if caller else {})
    await _tell(ari, operation.DIAL, channel_id, query)
