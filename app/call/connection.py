"""A connection: two parties who talk through a bridge of ours, and the transfers that give one of them another peer."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack

from app.ari.ari import Ari
from app.ari.bridge import Bridge, open_bridge
from app.ari.release import finish
from app.call.early_sound import EarlySound
from app.call.live_call import LiveCall
from app.call.outbound import Outbound, OutgoingCall
from app.call.party import FAILED, ConnectOutcome, Party, wait_any
from app.call.ringing import Ringing
from app.call.transfer import Adoption, Farewell, Handover, Order, TransferOrder
from app.domain.ids import asterisk_id, new_id
from app.domain.transfer import TransferType
from app.errors import CallscribeError, LegGone, StateInvalid
from app.logs import get_log

log = get_log("call")

ALWAYS_MIXED = "mixing,video_sfu"
"""The kind of bridge that mixes two parties too, instead of passing their packets on; there is no video in it.

Measured with Asterisk 22.10.1: in a plain `mixing` bridge an `out` tap of a leg, opened before its second peer came,
heard digital silence of that peer in about half of the calls, while the telephone heard it. A mixing bridge does not
pass hold on: LiveCall.note_holding plays the music.
"""


class Connection:
    """Runs as one task: rings, bridges, carries out transfers, and lets the parties go at the end."""

    def __init__(self, ari: Ari, outbound: Outbound, caller: Party) -> None:
        self._ari = ari
        self._outbound = outbound
        self._bridge: Bridge | None = None
        self._stack = AsyncExitStack()
        self._orders: asyncio.Queue[tuple[Order, asyncio.Future[str]]] = asyncio.Queue(1)
        self._is_talking = False
        self.parties: list[Party] = [caller]
        """All who are in it now, those who wait aside too."""

    @property
    def is_talking(self) -> bool:
        """Whether two parties talk now, and nothing else is going on."""
        return self._is_talking and self._orders.empty()

    def find(self, call_id: str) -> Party | None:
        """Return the party of that call."""
        return next((party for party in self.parties if party.call.record.id == call_id), None)

    async def order(self, order: Order) -> str:
        """Carry out a transfer; returns when it has begun: the id of the first call that it makes, "" for none.

        StateInvalid where no two parties talk now (it rings, or another transfer is under way).
        """
        if not self.is_talking:
            raise StateInvalid("the call is not talking with another party now, or is being transferred already")
        begun: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._orders.put_nowait((order, begun))
        return await begun

    async def run(self, peer: Party | Sequence[OutgoingCall]) -> None:
        """Connect the caller with `peer`, or with the first of those calls that answers, until one is left.

        A cancel lets all parties go.
        """
        try:
            async with self._stack:
                caller = self.parties[0]
                if isinstance(peer, Party):
                    self.parties.append(peer)
                    await caller.call.answer()
                    await self._join(caller.call, peer.call)
                    pair: tuple[Party, Party] | None = (caller, peer)
                else:
                    pair = await self._find_peer(caller, peer)
                while pair is not None:
                    pair = await self._talk(*pair)
        except LegGone:
            pass  # whoever waited, or all of them
        except CallscribeError as error:
            log.warning("a connection broke", reason=error.message)
        finally:
            self._is_talking = False
            for party in self.parties:
                party.call.peer = None
                party.let_go(FAILED)
            while not self._orders.empty():
                self._orders.get_nowait()[1].set_exception(StateInvalid("the call's party has hung up meanwhile"))

    async def _find_peer(
        self, waiting: Party, callees: Sequence[OutgoingCall], begun: "asyncio.Future[str] | None" = None
    ) -> tuple[Party, Party] | None:
        """Ring for one who hears that; its new pair, or None when nobody answered and it was let go of."""
        ringing = Ringing(self._outbound, waiting.call)
        try:
            await ringing.place(callees)
            _tell(begun, ringing)
            is_early = any(each.dial.is_early_heard for each in callees)
            winner = await self._ring(waiting.call, ringing, is_early=is_early) if ringing.legs else None
        except BaseException:
            await finish(ringing.stop())
            raise
        if winner is None:
            await self._part(waiting, ConnectOutcome(is_answered=False, reason=ringing.failure))
            return None
        return waiting, winner

    async def _ring(self, waiting: LiveCall, ringing: Ringing, *, is_early: bool) -> Party | None:
        await waiting.ring(is_on=True)
        early = EarlySound(waiting, ringing.legs, self._open_bridge)
        passing = asyncio.create_task(early.run(), name="early sound") if is_early else None
        try:
            winner = await ringing.wait_winner()
        finally:
            if passing is not None:
                passing.cancel()
                await asyncio.gather(passing, return_exceptions=True)
        if early.heard is None:
            await waiting.ring(is_on=False)
        if winner is not None:
            self.parties.append(winner)
            await waiting.answer()
            await self._join(waiting, winner.call, are_in=(waiting, early.heard) if early.heard else ())
        return winner

    async def _talk(self, first: Party, second: Party) -> tuple[Party, Party] | None:
        """Let both talk until one goes or an order comes; the pair that talks after it, None at the end."""
        first.call.peer, second.call.peer = second.call, first.call
        self._is_talking = True
        ordered = asyncio.ensure_future(self._orders.get())
        try:
            await wait_any(ordered, first.call.wait_gone(), second.call.wait_gone())
        finally:
            self._is_talking = False
            first.call.peer = second.call.peer = None
        for holder, held in ((first.call, second.call), (second.call, first.call)):
            if holder.is_holding and not held.is_gone:
                await held.music(is_on=False)
        if ordered.done() and not ordered.cancelled():
            order, begun = ordered.result()
            leaving, stayer = (first, second) if order.leaving_id == first.call.record.id else (second, first)
            try:
                return await self._carry_out(order, begun, leaving, stayer)
            finally:
                if not begun.done():
                    begun.set_exception(StateInvalid("the transfer could not begin"))
        gone, stayer = (first, second) if first.is_gone else (second, first)
        self.parties.remove(gone)
        if stayer.call.record.id not in gone.call.record.chained_call_ids and not stayer.is_gone:
            await gone.call.wait_ended()  # it has its reason then
        outcome = ConnectOutcome(is_answered=True, reason=gone.call.record.hangup_reason, call_id=gone.call.record.id)
        await self._part(stayer, outcome)
        return None

    async def _carry_out(
        self, order: Order, begun: "asyncio.Future[str]", leaving: Party, stayer: Party
    ) -> tuple[Party, Party] | None:
        match order:
            case TransferOrder(type=TransferType.ATTENDED):
                return await self._consult(order, begun, leaving, stayer)
            case TransferOrder():
                await self._set_free(stayer, leaving)
                async with Farewell(leaving.call):
                    return await self._find_peer(stayer, order.callees, begun)
            case Adoption():
                await self._set_free(stayer, leaving)
                self.parties.append(order.newcomer)
                begun.set_result("")
                async with Farewell(leaving.call):
                    await self._join(stayer.call, order.newcomer.call)
                    await stayer.call.note_chained(order.newcomer.call.record.id)
                return stayer, order.newcomer
            case Handover():
                await self._set_free(stayer, leaving)
                self.parties.remove(stayer)
                order.taken.set_result(stayer)
                begun.set_result("")
                async with Farewell(leaving.call):
                    return None

    async def _consult(
        self, order: TransferOrder, begun: "asyncio.Future[str]", leaving: Party, stayer: Party
    ) -> tuple[Party, Party] | None:
        """Let the one who transfers talk with the new party first; the other hears music meanwhile."""
        was_chained = stayer.call.record.id in leaving.call.record.chained_call_ids
        await self._set_free(stayer, leaving)
        self.parties.append(leaving)
        await stayer.call.music(is_on=True)
        ringing = Ringing(self._outbound, leaving.call, is_chained=False)
        try:
            await ringing.place(order.callees)
            _tell(begun, ringing)
            await leaving.call.ring(is_on=True)
            newcomer = await ringing.wait_winner(stayer.call)
        except BaseException:
            await finish(ringing.stop())
            raise
        if not leaving.is_gone:
            await leaving.call.ring(is_on=False)
        are_in: tuple[LiveCall, ...] = ()
        if newcomer is not None:
            self.parties.append(newcomer)
            if not leaving.is_gone:
                are_in = (leaving.call, newcomer.call)
                await self._join(leaving.call, newcomer.call)
                leaving.call.peer, newcomer.call.peer = newcomer.call, leaving.call
                await wait_any(*(party.call.wait_gone() for party in (leaving, newcomer, stayer)))
                leaving.call.peer = newcomer.call.peer = None
            if stayer.is_gone:
                self.parties.remove(stayer)
                return leaving, newcomer
            if not newcomer.is_gone:
                self.parties.remove(leaving)
                await stayer.call.music(is_on=False)
                await stayer.call.note_chained(newcomer.call.record.id)
                await self._join(stayer.call, newcomer.call, are_in)
                return stayer, newcomer
            self.parties.remove(newcomer)
        await stayer.call.music(is_on=False)
        if leaving.is_gone:
            await self._part(stayer, ConnectOutcome(is_answered=False, reason=ringing.failure))
            return None
        if was_chained:
            await leaving.call.note_chained(stayer.call.record.id)
        await self._join(leaving.call, stayer.call, are_in)
        return leaving, stayer

    async def _set_free(self, stayer: Party, leaving: Party) -> None:
        """Take both out of the bridge, and make the one who stays independent of the one who goes."""
        await leaving.call.note_unchained(stayer.call.record.id)
        self.parties.remove(leaving)
        for party in (leaving, stayer):
            await self._take_out(party.call)

    async def _part(self, party: Party, outcome: ConnectOutcome) -> None:
        await self._take_out(party.call)
        self.parties.remove(party)
        party.let_go(outcome)

    async def _open_bridge(self) -> Bridge:
        if self._bridge is None:
            opening = open_bridge(self._ari, asterisk_id("connect", new_id()), ALWAYS_MIXED)
            self._bridge = await self._stack.enter_async_context(opening)
        return self._bridge

    async def _join(self, first: LiveCall, second: LiveCall, are_in: Sequence[LiveCall] = ()) -> None:
        """Put both into the bridge. A second one that has just hung up is no error: who talks with it learns it."""
        bridge = await self._open_bridge()
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

    async def _take_out(self, call: LiveCall) -> None:
        if self._bridge is not None and not call.is_gone:
            await call.make_way()
            await self._bridge.remove(call.channel_id)


def _tell(begun: "asyncio.Future[str] | None", ringing: Ringing) -> None:
    if begun is not None:
        begun.set_result(ringing.legs[0].record.id if ringing.legs else "")
