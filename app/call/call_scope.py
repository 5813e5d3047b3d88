"""The scope of one call: everything that the call owns runs inside it and is gone when it returns."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from app.call.hangup_reasons import NORMAL_CLEARING
from app.call.live_call import LiveCall
from app.call.ports import OnCall
from app.domain.call import HangupReason
from app.errors import CallscribeError, LegGone
from app.logs import get_log

log = get_log("call")

CLOSE_SECONDS = 2.5
CAUSE_SECONDS = 0.6
"""How long the cause of the end is waited for once the leg is gone."""


async def run_call(
    call: LiveCall, follow_leg: Callable[[], Awaitable[int]], on_call: OnCall, *, max_seconds: float
) -> None:
    """Run the call's flow until the leg is gone, then end what the call owns and give it its final status.

    `follow_leg` returns the Q.850 cause when the leg is gone. A flow that ends hangs the call up; a flow that fails
    does so too, and the failure stays inside this call.
    """
    with structlog.contextvars.bound_contextvars(call_id=call.record.id):
        cause = NORMAL_CLEARING
        try:
            async with asyncio.TaskGroup() as tasks:
                flow = tasks.create_task(_run_flow(call, on_call))
                limit = tasks.create_task(_limit_length(call, max_seconds))
                lost = tasks.create_task(call.wait_gone())
                leg = tasks.create_task(_cause_of(follow_leg))
                await asyncio.wait({leg, lost}, return_when=asyncio.FIRST_COMPLETED)
                call.mark_gone()
                if not leg.done():
                    await asyncio.wait({leg}, timeout=CAUSE_SECONDS)
                for task in (flow, limit, lost, leg):
                    task.cancel()
            if not leg.cancelled():
                cause = leg.result()
        finally:
            call.mark_gone()
            await call.close_attached(CLOSE_SECONDS)
        await call.ledger.end(cause)
        log.info(
            "call ended",
            hangup_by=str(call.record.hangup_by),
            hangup_reason=str(call.record.hangup_reason),
            seconds=_length_seconds(call),
        )


async def _cause_of(follow_leg: Callable[[], Awaitable[int]]) -> int:
    return await follow_leg()


async def _run_flow(call: LiveCall, on_call: OnCall) -> None:
    try:
        await on_call(call)
    except LegGone:
        return
    except CallscribeError as error:
        log.error("the flow failed", code=error.code, reason=error.message)
    except Exception:
        # The isolation boundary of a call: a fault in one flow ends that call and no other.
        log.exception("the flow failed")
    await hang_up_safely(call, HangupReason.NORMAL)


async def hang_up_safely(call: LiveCall, reason: HangupReason) -> None:
    """Hang a call up; when that cannot be done now the sweep tries again, and it ends when its channel is gone."""
    try:
        await call.hang_up(reason)
    except CallscribeError as error:
        log.warning("the call could not be hung up now", reason=error.message)


async def _limit_length(call: LiveCall, max_seconds: float) -> None:
    await asyncio.sleep(max_seconds)
    log.info("the call has reached its greatest length", seconds=max_seconds)
    await hang_up_safely(call, HangupReason.TIMEOUT)


def _length_seconds(call: LiveCall) -> float:
    record = call.record
    if record.tm_hangup is None or record.tm_progressing is None:
        return 0.0
    return round((record.tm_hangup - record.tm_progressing).total_seconds(), 3)
