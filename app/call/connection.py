"""A connection: two parties who talk through a bridge of ours, and the transfers that give one of them another peer."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack, nullcontext

from app.ari.ari import Ari
from app.call.attended_transfer import consult
from app.call.early_sound import EarlySound
from app.call.live_call import LiveCall
from app.call.outbound import Outbound, OutgoingCall
from app.call.parties import Parties
from app.call.party import FAILED, ConnectOutcome, Pair, Party
from app.call.ringing import Ringing, open_ringing
from app.call.running import running
from app.call.transfer import Adoption, Farewell, Handover, Order, TransferOrder
from app.call.wait_any import wait_any
from app.domain.transfer import TransferType
from app.errors import CallscribeError, LegGone, StateInvalid
from app.logs import get_log

log = get_log("call")


class Connection:
    """Runs as one task: rings, bridges, carries out transfers, and lets the parties go at the end."""

    def __init__(self, ari: Ari, outbound: Outbound, caller: Party) -> None:
        self._outbound = outbound
        self._stack = AsyncExitStack()
        self._orders: asyncio.Queue[tuple[Order, asyncio.Future[str]]] = asyncio.Queue(1)
        self._is_talking = False
        self._caller = caller
        self._parties = Parties(ari, self._stack, caller)

    @property
    def is_talking(self) -> bool:
        """Whether two parties talk now, and nothing else is going on."""
        return self._is_talking and self._orders.empty()

    def find(self, call_id: str) -> Party | None:
        """Return the party of that call."""
        return self._parties.find(call_id)

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
                caller = self._caller
                if isinstance(peer, Party):
                    self._parties.add(peer)
                    await caller.call.answer()
                    await self._parties.join(caller.call, peer.call)
                    pair: Pair | None = (caller, peer)
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
            for party in self._parties:
                party.call.peer = None
                party.let_go(FAILED)
            while not self._orders.empty():
                self._orders.get_nowait()[1].set_exception(StateInvalid("the call's party has hung up meanwhile"))

    async def _find_peer(
        self, waiting: Party, callees: Sequence[OutgoingCall], begun: "asyncio.Future[str] | None" = None
    ) -> Pair | None:
        """Ring for one who hears that; its new pair, or None when nobody answered and it was let go of."""
        async with open_ringing(self._outbound, waiting.call) as ringing:
            await ringing.place(callees)
            if begun is not None:
                begun.set_result(ringing.first_id)
            is_early = any(each.dial.is_early_heard for each in callees)
            winner = await self._ring(waiting.call, ringing, is_early=is_early) if ringing.legs else None
        if winner is None:
            await self._parties.part(waiting, ConnectOutcome(is_answered=False, reason=ringing.failure))
            return None
        return waiting, winner

    async def _ring(self, waiting: LiveCall, ringing: Ringing, *, is_early: bool) -> Party | None:
        await waiting.ring(is_on=True)
        early = EarlySound(waiting, ringing.legs, self._parties.open_bridge)
        async with running(early.run(), "early sound") if is_early else nullcontext():
            winner = await ringing.wait_winner()
        if early.heard is None:
            await waiting.ring(is_on=False)
        if winner is not None:
            self._parties.add(winner)
            await waiting.answer()
            await self._parties.join(waiting, winner.call, are_in=(waiting, early.heard) if early.heard else ())
        return winner

    async def _talk(self, first: Party, second: Party) -> Pair | None:
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
                await held.sound.music(is_on=False)
        if ordered.done() and not ordered.cancelled():
            order, begun = ordered.result()
            leaving, stayer = (first, second) if order.leaving_id == first.call.record.id else (second, first)
            try:
                return await self._carry_out(order, begun, leaving, stayer)
            finally:
                if not begun.done():
                    begun.set_exception(StateInvalid("the transfer could not begin"))
        gone, stayer = (first, second) if first.is_gone else (second, first)
        self._parties.remove(gone)
        if stayer.call.record.id not in gone.call.record.chained_call_ids and not stayer.is_gone:
            await gone.call.wait_ended()  # it has its reason then
        outcome = ConnectOutcome(is_answered=True, reason=gone.call.record.hangup_reason, call_id=gone.call.record.id)
        await self._parties.part(stayer, outcome)
        return None

    async def _carry_out(
        self, order: Order, begun: "asyncio.Future[str]", leaving: Party, stayer: Party
    ) -> Pair | None:
        match order:
            case TransferOrder(type=TransferType.ATTENDED):
                return await consult(self._parties, self._outbound, order, begun, leaving, stayer)
            case TransferOrder():
                await self._parties.set_free(stayer, leaving)
                async with Farewell(leaving.call):
                    return await self._find_peer(stayer, order.callees, begun)
            case Adoption():
                await self._parties.set_free(stayer, leaving)
                self._parties.add(order.newcomer)
                begun.set_result("")
                async with Farewell(leaving.call):
                    await self._parties.join(stayer.call, order.newcomer.call)
                    await stayer.call.ledger.note_chained(order.newcomer.call.record.id)
                return stayer, order.newcomer
            case Handover():
                await self._parties.set_free(stayer, leaving)
                self._parties.remove(stayer)
                order.taken.set_result(stayer)
                begun.set_result("")
                async with Farewell(leaving.call):
                    return None
