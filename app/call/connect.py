"""Two parties talk with each other: the first destination that answers is bridged with the call that asked."""

import asyncio
from collections.abc import Awaitable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

from app.ari.ari import Ari
from app.ari.bridge import open_bridge
from app.call.call_scope import hang_up_safely
from app.call.live_call import LiveCall
from app.call.outbound import Outbound, OutgoingCall
from app.domain.call import HangupReason
from app.domain.ids import asterisk_id
from app.errors import CallscribeError, LegGone
from app.logs import get_log

log = get_log("call")

ALWAYS_MIXED = "mixing,video_sfu"
"""Keeps Asterisk on its mixer also for two: in its simple bridge a tap of what the caller hears, opened before the
other party came, heard silence in about half of the calls."""


@dataclass(frozen=True, slots=True)
class ConnectOutcome:
    """How a connect ended. `reason` is why nobody answered, or why the other party's call ended ("" while it lives)."""

    is_answered: bool
    reason: HangupReason
    call_id: str = ""


class Connector:
    """Connects calls."""

    def __init__(self, ari: Ari, outbound: Outbound) -> None:
        self._ari = ari
        self._outbound = outbound

    async def connect(self, caller: LiveCall, callees: Sequence[OutgoingCall]) -> ConnectOutcome:
        """Ring all callees at once and bridge the first that answers; return when that party has left.

        The callees' calls end with the caller's. Raises LegGone when the caller hangs up first.
        """
        async with AsyncExitStack() as stack:
            ringing = _Ringing()
            legs: list[LiveCall] = []
            stack.push_async_callback(_hang_up_all, legs)
            refused = await self._ring(caller, callees, ringing, legs)
            if not legs:
                return ConnectOutcome(is_answered=False, reason=refused)
            await caller.ring(is_on=True)
            winner = await _first_answer(caller, legs, ringing)
            await caller.ring(is_on=False)
            if winner is None:
                return ConnectOutcome(is_answered=False, reason=_why_nobody(legs))
            await _hang_up_all([leg for leg in legs if leg is not winner])
            await caller.answer()
            bridge_id = asterisk_id("connect", caller.record.id)
            bridge = await stack.enter_async_context(open_bridge(self._ari, bridge_id, ALWAYS_MIXED))
            stack.callback(_part, caller, winner)
            await caller.make_way()
            await winner.make_way()
            await bridge.add(caller.channel_id, winner.channel_id)
            caller.peer, winner.peer = winner, caller
            await _wait_any(caller.wait_gone(), winner.wait_gone())
            if caller.is_gone:
                raise LegGone("the caller has hung up")
            await winner.wait_ended()
            return ConnectOutcome(is_answered=True, reason=winner.record.hangup_reason, call_id=winner.record.id)

    async def _ring(
        self, caller: LiveCall, callees: Sequence[OutgoingCall], ringing: "_Ringing", legs: list[LiveCall]
    ) -> HangupReason:
        """Place all calls; what cannot be placed is left out. The reason where there is none."""
        for callee in callees:
            order = replace(callee, on_call=ringing.on_answer, master_call_id=caller.record.id)
            try:
                leg = await self._outbound.place(order)
            except CallscribeError as error:
                log.warning("a destination could not be called", reason=error.message)
                continue
            legs.append(leg)
            await caller.note_chained(leg.record.id)
        return HangupReason.FAILED


class _Ringing:
    """Who has answered first; the others' flows end at once, which hangs them up."""

    def __init__(self) -> None:
        self.winner: asyncio.Future[LiveCall] = asyncio.get_running_loop().create_future()

    async def on_answer(self, call: LiveCall) -> None:
        """The flow of a called party: it talks until it, or the one who called, goes."""
        if self.winner.done():
            return
        self.winner.set_result(call)
        await call.wait_gone()


async def _first_answer(caller: LiveCall, legs: Sequence[LiveCall], ringing: _Ringing) -> LiveCall | None:
    """Wait for the first answer; None when all have ended without one, LegGone when the caller goes."""

    async def all_ended() -> None:
        await asyncio.gather(*(leg.wait_ended() for leg in legs))

    await _wait_any(asyncio.shield(ringing.winner), all_ended(), caller.wait_gone())
    if caller.is_gone:
        raise LegGone("the caller has hung up while it rang")
    return ringing.winner.result() if ringing.winner.done() else None


async def _wait_any(*waits: Awaitable[object]) -> None:
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


async def _hang_up_all(legs: Sequence[LiveCall]) -> None:
    await asyncio.gather(*(hang_up_safely(leg, HangupReason.NORMAL) for leg in legs if not leg.is_gone))


def _part(caller: LiveCall, callee: LiveCall) -> None:
    caller.peer = callee.peer = None


def _why_nobody(legs: Sequence[LiveCall]) -> HangupReason:
    """The most telling of the reasons: busy before no answer before anything else."""
    reasons = [leg.record.hangup_reason for leg in legs]
    for telling in (HangupReason.BUSY, HangupReason.NOANSWER):
        if telling in reasons:
            return telling
    return reasons[0] if reasons else HangupReason.FAILED
