"""Several parties are rung for one who waits: the first that answers has the conversation."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from app.ari.release import finish
from app.call.call_scope import hang_up_safely
from app.call.live_call import LiveCall
from app.call.outbound import Outbound, OutgoingCall
from app.call.party import Party
from app.call.wait_any import wait_any
from app.domain.call import HangupReason
from app.errors import CallscribeError, LegGone
from app.logs import get_log

log = get_log("call")

_MOST_TELLING = (HangupReason.BUSY, HangupReason.NOANSWER)


class Ringing:
    """One attempt. Its legs end with `waiting`, the call that they are rung for, where they are chained to it."""

    def __init__(self, outbound: Outbound, waiting: LiveCall, *, is_chained: bool = True) -> None:
        self._outbound = outbound
        self._waiting = waiting
        self._is_chained = is_chained
        self._winner: asyncio.Future[Party] = asyncio.get_running_loop().create_future()
        self.legs: list[LiveCall] = []

    async def place(self, callees: Sequence[OutgoingCall]) -> None:
        """Begin to dial them all at once; what cannot be placed is left out."""
        for callee in callees:
            order = replace(callee, on_call=self._on_answer, master_call_id=self._waiting.record.id)
            try:
                leg = await self._outbound.place(order)
            except CallscribeError as error:
                log.warning("a destination could not be called", reason=error.message)
                continue
            self.legs.append(leg)
            if self._is_chained:
                await self._waiting.ledger.note_chained(leg.record.id)

    async def wait_winner(self, *others: LiveCall) -> Party | None:
        """Wait for the first answer and hang up the rest; None when nobody answered.

        Raises LegGone when the one who waits, or all of `others` who wait with it, have gone.
        """
        waiting = (self._waiting, *others)
        if self.legs:
            await wait_any(asyncio.shield(self._winner), self._all_ended(), _all_gone(waiting))
        if all(each.is_gone for each in waiting):
            raise LegGone("the caller has hung up while it rang")
        if not self._winner.done():
            return None
        winner = self._winner.result()
        await self.stop(winner.call)
        return winner

    async def stop(self, winner: LiveCall | None = None) -> None:
        """Hang up all who ring, and who answered but `winner`."""
        late = [leg for leg in self.legs if leg is not winner and not leg.is_gone]
        await asyncio.gather(*(hang_up_safely(leg, HangupReason.NORMAL) for leg in late))

    @property
    def first_id(self) -> str:
        """The id of the first call that was made, "" for none."""
        return self.legs[0].record.id if self.legs else ""

    @property
    def failure(self) -> HangupReason:
        """Why nobody answered; the most telling of the reasons: busy before no answer before anything else."""
        reasons = [leg.record.hangup_reason for leg in self.legs]
        for telling in _MOST_TELLING:
            if telling in reasons:
                return telling
        return reasons[0] if reasons else HangupReason.FAILED

    async def _on_answer(self, call: LiveCall) -> None:
        """The flow of a called party: it talks until it is let go of; who comes too late is hung up at once."""
        if self._winner.done():
            return
        party = Party(call)
        self._winner.set_result(party)
        await party.wait_out()

    async def _all_ended(self) -> None:
        await asyncio.gather(*(leg.wait_ended() for leg in self.legs))


@asynccontextmanager
async def open_ringing(outbound: Outbound, waiting: LiveCall, *, is_chained: bool = True) -> AsyncIterator[Ringing]:
    """Ring within this context; where it fails or is cancelled all legs are hung up, one that has answered too."""
    ringing = Ringing(outbound, waiting, is_chained=is_chained)
    try:
        yield ringing
    except BaseException:
        await finish(ringing.stop())
        raise


async def _all_gone(calls: Sequence[LiveCall]) -> None:
    await asyncio.gather(*(call.wait_gone() for call in calls))
