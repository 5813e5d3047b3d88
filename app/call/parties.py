"""The parties of a connection, and the bridge of ours through which two of them talk."""

from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack

from app.ari.ari import Ari
from app.ari.bridge import Bridge, open_bridge
from app.call.live_call import LiveCall
from app.call.party import ConnectOutcome, Party
from app.domain.ids import asterisk_id, new_id
from app.errors import LegGone

ALWAYS_MIXED = "mixing,video_sfu"
"""The kind of bridge that mixes two parties too, instead of passing their packets on; there is no video in it.

Measured with Asterisk 22.10.1: in a plain `mixing` bridge an `out` tap of a leg, opened before its second peer came,
heard digital silence of that peer in about half of the calls, while the telephone heard it: the frames get as far as
the translator of the leg's audio hooks and no further (ADR 0027). A mixing bridge does not pass hold on:
app.call.leg_events plays the music.
"""


class Parties:
    """All who are in a connection now, those who wait aside too. The bridge is opened in `stack` when it is needed."""

    def __init__(self, ari: Ari, stack: AsyncExitStack, first: Party) -> None:
        self._ari = ari
        self._stack = stack
        self._bridge: Bridge | None = None
        self._all = [first]

    def __iter__(self) -> Iterator[Party]:
        return iter(tuple(self._all))

    def find(self, call_id: str) -> Party | None:
        """Return the party of that call."""
        return next((party for party in self._all if party.call.record.id == call_id), None)

    def add(self, party: Party) -> None:
        """It is in the connection from now on."""
        self._all.append(party)

    def remove(self, party: Party) -> None:
        """It has gone, or goes elsewhere; nothing is done to it."""
        self._all.remove(party)

    async def set_free(self, stayer: Party, leaving: Party) -> None:
        """Take both out of the bridge, and make the one who stays independent of the one who goes."""
        await leaving.call.ledger.note_unchained(stayer.call.record.id)
        self._all.remove(leaving)
        for party in (leaving, stayer):
            await self.take_out(party.call)

    async def part(self, party: Party, outcome: ConnectOutcome) -> None:
        """Let one go: its flow goes on with that outcome."""
        await self.take_out(party.call)
        self._all.remove(party)
        party.let_go(outcome)

    async def open_bridge(self) -> Bridge:
        """Return the bridge, opened with the first use."""
        if self._bridge is None:
            opening = open_bridge(self._ari, asterisk_id("connect", new_id()), ALWAYS_MIXED)
            self._bridge = await self._stack.enter_async_context(opening)
        return self._bridge

    async def join(self, first: LiveCall, second: LiveCall, are_in: Sequence[LiveCall] = ()) -> None:
        """Put both into the bridge. A second one that has just hung up is no error: who talks with it learns it."""
        bridge = await self.open_bridge()
        for call in (first, second):
            if call in are_in:
                continue
            try:
                await call.make_way()
                await bridge.add(call.channel_id)
            except LegGone:
                if call is first:
                    raise
                await call.wait_gone()

    async def take_out(self, call: LiveCall) -> None:
        """Take a call out of the bridge, where it is there still."""
        if self._bridge is not None and not call.is_gone:
            await call.make_way()
            await self._bridge.remove(call.channel_id)
