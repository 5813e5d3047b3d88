"""External media: a channel that sends what it hears as RTP to an address of ours."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from app.ari import operation
from app.ari.ari import Ari
from app.ari.channel import STASIS_START_TIMEOUT_SECONDS, get_variable, wait_stasis_start
from app.ari.errors import AriRefused
from app.ari.models import Channel
from app.ari.release import owned

_ADDRESS = "UNICASTRTP_LOCAL_ADDRESS"
_PORT = "UNICASTRTP_LOCAL_PORT"


@dataclass(frozen=True, slots=True)
class ExternalMedia:
    """An open external media channel; its RTP comes from `source` (ip, port), by which streams are told apart."""

    channel_id: str
    source: tuple[str, int]


@asynccontextmanager
async def open_external_media(
    ari: Ari,
    channel_id: str,
    host: str,
    port: int,
    format: str = "slin",  # noqa: A002 - Asterisk's own word
    *,
    timeout_seconds: float = STASIS_START_TIMEOUT_SECONDS,
) -> AsyncIterator[ExternalMedia]:
    """Make a channel that sends RTP in `format` to host:port; yields when it can be bridged, hung up at the end.

    `slin` is 16-bit linear at 8 kHz, big-endian, payload type 10. Packets begin once it is in a bridge with sound.
    Raises AriRefused, AriTimeout when the channel does not come up, LegGone when it ended at once.
    """
    query = {
        "channelId": channel_id,
        "app": ari.application,
        "external_host": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        "encapsulation": "rtp",
        "transport": "udp",
        "format": format,
        "direction": "both",
    }
    with ari.watch(channel_id) as watch:
        making = operation.EXTERNAL_MEDIA.send(ari, {}, query)
        async with owned(ari, channel_id, making, operation.HANG_UP, {"channelId": channel_id}) as reply:
            source = await _source(ari, channel_id, Channel.model_validate(reply).channelvars)
            await wait_stasis_start(watch, channel_id, timeout_seconds)
            watch.close()
            yield ExternalMedia(channel_id, source)


@asynccontextmanager
async def open_audiosocket(
    ari: Ari,
    channel_id: str,
    host: str,
    port: int,
    format: str = "slin",  # noqa: A002 - Asterisk's own word
    *,
    uuid: str,
    timeout_seconds: float = STASIS_START_TIMEOUT_SECONDS,
) -> AsyncIterator[str]:
    """Make a channel that talks AudioSocket over TCP with host:port, which knows it by `uuid`; hung up at the end.

    Raises AriRefused when nobody answers there, AriTimeout when the channel does not come up, LegGone when it ended.
    """
    query = {
        "channelId": channel_id,
        "app": ari.application,
        "external_host": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        "encapsulation": "audiosocket",
        "transport": "tcp",
        "format": format,
        "direction": "both",
        "data": uuid,
    }
    with ari.watch(channel_id) as watch:
        making = operation.EXTERNAL_MEDIA.send(ari, {}, query)
        async with owned(ari, channel_id, making, operation.HANG_UP, {"channelId": channel_id}):
            await wait_stasis_start(watch, channel_id, timeout_seconds)
            watch.close()
            yield channel_id


async def _source(ari: Ari, channel_id: str, channelvars: Mapping[str, object]) -> tuple[str, int]:
    """Return where the channel sends from: told in the reply (Asterisk 22), else asked for."""
    address = channelvars.get(_ADDRESS) or await get_variable(ari, channel_id, _ADDRESS)
    port = channelvars.get(_PORT) or await get_variable(ari, channel_id, _PORT)
    if not address or not port:
        raise AriRefused(500, f"no {_ADDRESS} and {_PORT} on the external media channel", f"/channels/{channel_id}")
    return str(address), int(str(port))
