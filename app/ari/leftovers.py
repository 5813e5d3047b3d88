"""Leftovers: objects of ours in Asterisk without an owner, found by the prefix of their ids and deleted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import TypeAdapter

from app.ari import operation
from app.ari.ari import Ari
from app.ari.models import Bridge, Channel
from app.ari.operation import Operation
from app.ari.release import release
from app.domain.ids import ASTERISK_PREFIX
from app.logs import get_log

log = get_log("leftovers")

_channels: TypeAdapter[list[Channel]] = TypeAdapter(list[Channel])
_bridges: TypeAdapter[list[Bridge]] = TypeAdapter(list[Bridge])

_MEDIA_TECHNOLOGIES = ("UnicastRTP/", "Snoop/")
"""Beginnings of the names of the channels that carry sound to us; they go before the legs."""


@dataclass(frozen=True, slots=True)
class SweepReport:
    """What a sweep found. All ids are Asterisk's."""

    deleted: tuple[str, ...]
    failed: tuple[str, ...]
    """Leftovers that could not be deleted; the next sweep tries again."""
    alive: frozenset[str]
    """Every channel that Asterisk had when it was listed: a call whose channel is not among them is over."""
    strays: tuple[Channel, ...]
    """Channels of other parties inside our application that `owned` does not know: callers whose call we lost."""


async def sweep(ari: Ari, owned: Callable[[str], bool]) -> SweepReport:
    """List channels and bridges, delete those of ours that nobody owns: media, then bridges, then legs.

    Ours = the id begins with ASTERISK_PREFIX and it belongs to our application (a channel is in it, a bridge has its
    name): another Callscribe on the same Asterisk needs an application name of its own, and is left alone then.
    `owned` is asked just before each deletion; `lambda id: ari.holds(id) or id in live_legs` is what it should be.
    Raises AriRefused, AriTimeout, AriDisconnected when even listing fails. May run every minute.
    """
    channels = _channels.validate_python(await operation.LIST_CHANNELS.send(ari))
    bridges = _bridges.validate_python(await operation.LIST_BRIDGES.send(ari))
    inside = [it for it in channels if it.is_in_application(ari.application)]
    ours = [it for it in inside if it.id.startswith(ASTERISK_PREFIX)]
    media = [it.id for it in ours if it.name.startswith(_MEDIA_TECHNOLOGIES)]
    legs = [it.id for it in ours if not it.name.startswith(_MEDIA_TECHNOLOGIES)]
    our_bridges = [it.id for it in bridges if it.id.startswith(ASTERISK_PREFIX) and it.name == ari.application]

    deleted: list[str] = []
    failed: list[str] = []

    async def delete(ids: list[str], remove: Operation, name: str) -> None:
        for object_id in ids:
            if not owned(object_id):
                is_gone = await release(ari, remove, {name: object_id})
                (deleted if is_gone else failed).append(object_id)

    await delete(media, operation.HANG_UP, "channelId")
    await delete(our_bridges, operation.DESTROY_BRIDGE, "bridgeId")
    await delete(legs, operation.HANG_UP, "channelId")
    strays = tuple(it for it in inside if not it.id.startswith(ASTERISK_PREFIX) and not owned(it.id))
    if deleted or failed:
        log.info("leftovers swept", deleted=len(deleted), failed=len(failed))
    return SweepReport(tuple(deleted), tuple(failed), frozenset(it.id for it in channels), strays)
