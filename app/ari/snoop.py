"""A snoop: a channel that hears one direction of another one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

from app.ari import operation
from app.ari.ari import Ari
from app.ari.channel import STASIS_START_TIMEOUT_SECONDS, gone_means_hung_up, wait_stasis_start
from app.ari.release import owned


@dataclass(frozen=True, slots=True)
class Snoop:
    """An open snoop; `channel_id` is the snoop's own id. Put it into a bridge to hear it."""

    channel_id: str


@asynccontextmanager
async def open_snoop(
    ari: Ari,
    channel_id: str,
    snoop_id: str,
    spy: Literal["in", "out", "both", "none"],
    *,
    whisper: Literal["in", "out", "both", "none"] = "none",
    timeout_seconds: float = STASIS_START_TIMEOUT_SECONDS,
) -> AsyncIterator[Snoop]:
    """Listen to what the party of `channel_id` says (`in`) or hears (`out`); yields when the snoop can be bridged.

    `whisper` mixes what is played into the snoop into what the party hears (`out`) or says to others (`in`).
    Raises LegGone when the party hung up, AriTimeout when the snoop does not come up; it is hung up at the end.
    """
    with ari.watch(snoop_id) as watch:
        making = _make(ari, channel_id, snoop_id, spy, whisper)
        async with owned(ari, snoop_id, making, operation.HANG_UP, {"channelId": snoop_id}):
            await wait_stasis_start(watch, snoop_id, timeout_seconds)
            watch.close()
            yield Snoop(snoop_id)


async def _make(ari: Ari, channel_id: str, snoop_id: str, spy: str, whisper: str) -> object:
    query = {"spy": spy, "whisper": whisper, "app": ari.application}
    with gone_means_hung_up(channel_id):
        return await operation.SNOOP.send(ari, {"channelId": channel_id, "snoopId": snoop_id}, query)
