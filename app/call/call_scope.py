"""The scope of one call: everything that the call owns runs inside it and is gone when it returns."""

import asyncio

import structlog

from app.ari.channel import NORMAL_CLEARING
from app.ari.errors import AriDisconnected, AriOverrun
from app.ari.events import ChannelDestroyed, ChannelDtmfReceived, Reconnected, StasisEnd
from app.ari.watch import Watch
from app.call.live_call import LiveCall
from app.call.ports import OnCall
from app.domain.call import HangupReason
from app.errors import CallscribeError, LegGone
from app.logs import get_log

log = get_log("call")

CLOSE_SECONDS = 2.5
CAUSE_SECONDS = 0.5


async def run_call(call: LiveCall, watch: Watch, on_call: OnCall, *, max_seconds: float) -> None:
    """Run the call's flow until the leg is gone, then end what the call owns and give it its final status.

    A flow that ends hangs the call up; a flow that fails does so too, and the failure stays inside this call.
    """
    with structlog.contextvars.bound_contextvars(call_id=call.record.id):
        try:
            async with asyncio.TaskGroup() as tasks:
                flow = tasks.create_task(_run_flow(call, on_call))
                limit = tasks.create_task(_limit_length(call, max_seconds))
                lost = tasks.create_task(call.wait_gone())
                leg = tasks.create_task(_follow_leg(call, watch))
                await asyncio.wait({leg, lost}, return_when=asyncio.FIRST_COMPLETED)
                call.mark_gone()
                for task in (flow, limit, lost, leg):
                    task.cancel()
            cause = leg.result() if not leg.cancelled() else NORMAL_CLEARING
        finally:
            call.mark_gone()
            await call.close_attached(CLOSE_SECONDS)
        await call.end(cause)
        log.info(
            "call ended",
            hangup_by=str(call.record.hangup_by),
            hangup_reason=str(call.record.hangup_reason),
            seconds=_length_seconds(call),
        )


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
    await _hang_up(call, HangupReason.NORMAL)


async def _hang_up(call: LiveCall, reason: HangupReason) -> None:
    try:
        await call.hang_up(reason)
    except CallscribeError as error:
        # The sweep tries again when Asterisk is back, and every minute; the call ends when its channel is gone.
        log.warning("the call could not be hung up now", reason=error.message)


async def _limit_length(call: LiveCall, max_seconds: float) -> None:
    await asyncio.sleep(max_seconds)
    log.info("the call has reached its greatest length", seconds=max_seconds)
    await _hang_up(call, HangupReason.TIMEOUT)


async def _follow_leg(call: LiveCall, watch: Watch) -> int:
    """Follow the leg's events until it is gone, or nothing more can be heard of it; the Q.850 cause of its end."""
    try:
        return await _follow_events(call, watch)
    except (AriDisconnected, AriOverrun) as error:
        log.error("the call's events were lost, so the call ends", reason=error.message)
        await _hang_up(call, HangupReason.FAILED)
        return NORMAL_CLEARING


async def _follow_events(call: LiveCall, watch: Watch) -> int:
    async for event in watch:
        if isinstance(event, ChannelDtmfReceived):
            call.note_digit(event.digit)
        elif isinstance(event, ChannelDestroyed):
            return event.cause
        elif isinstance(event, StasisEnd):
            call.mark_gone()
            return await _await_cause(watch)
        elif isinstance(event, Reconnected) and not await call.still_exists():
            log.info("the leg was gone when Asterisk came back")
            return NORMAL_CLEARING
    return NORMAL_CLEARING


async def _await_cause(watch: Watch) -> int:
    try:
        async with asyncio.timeout(CAUSE_SECONDS):
            async for event in watch:
                if isinstance(event, ChannelDestroyed):
                    return event.cause
    except TimeoutError:
        pass
    return NORMAL_CLEARING


def _length_seconds(call: LiveCall) -> float:
    record = call.record
    if record.tm_hangup is None or record.tm_progressing is None:
        return 0.0
    return round((record.tm_hangup - record.tm_progressing).total_seconds(), 3)
