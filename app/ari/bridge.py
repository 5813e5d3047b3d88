"""A bridge of ours: Asterisk's mixer for the channels that are put into it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.ari import operation
from app.ari.ari import Ari
from app.ari.errors import AriDisconnected, AriRefused, AriTimeout
from app.ari.release import owned
from app.errors import LegGone


class Bridge:
    """An open bridge; `id` is ours. Raises AriRefused(404) once somebody else destroyed it."""

    def __init__(self, ari: Ari, bridge_id: str) -> None:
        self.id = bridge_id
        self._ari = ari

    async def add(self, *channel_ids: str) -> None:
        """Put channels in, in this order; each must be in our application. LegGone when one of them is not any more."""
        channels = ",".join(channel_ids)
        try:
            await operation.ADD_CHANNEL.send(self._ari, {"bridgeId": self.id}, {"channel": channels})
        except AriRefused as error:
            if error.status in {400, 422}:  # "Channel not found", "Channel not in Stasis application"
                raise LegGone(f"a channel of {channels} is gone", channels=channels, bridge=self.id) from error
            raise

    async def remove(self, channel_id: str) -> None:
        """Take a channel out; one that is gone or not in it is fine."""
        try:
            await operation.REMOVE_CHANNEL.send(self._ari, {"bridgeId": self.id}, {"channel": channel_id})
        except AriRefused as error:
            if error.status not in {400, 422}:
                raise

    async def exists(self) -> bool:
        """Ask whether it is still there; True also when Asterisk cannot be asked now."""
        try:
            await operation.GET_BRIDGE.send(self._ari, {"bridgeId": self.id})
        except AriRefused as error:
            return error.status != 404
        except (AriDisconnected, AriTimeout):
            return True
        return True


@asynccontextmanager
async def open_bridge(ari: Ari, bridge_id: str, kind: str = "mixing") -> AsyncIterator[Bridge]:
    """Make a bridge; it is destroyed at the end. `kind`: types of Asterisk's (mixing, holding, dtmf_events).

    Its name is our application's, so that the sweep can tell it from another Callscribe's on the same Asterisk.
    """
    ids = {"bridgeId": bridge_id}
    making = operation.CREATE_BRIDGE.send(ari, ids, {"type": kind, "name": ari.application})
    async with owned(ari, bridge_id, making, operation.DESTROY_BRIDGE, ids):
        yield Bridge(ari, bridge_id)
