"""Follows the events of a call's leg until it is gone: digits, ringing, the answer, the cause of the end."""

import asyncio

from app.ari.errors import AriDisconnected, AriOverrun
from app.ari.events import (
    ChannelDestroyed,
    ChannelDtmfReceived,
    ChannelHold,
    ChannelStateChange,
    ChannelUnhold,
    Reconnected,
    StasisEnd,
    StasisStart,
)
from app.ari.watch import Watch
from app.call.call_scope import hang_up_safely
from app.call.hangup_reasons import NORMAL_CLEARING
from app.call.live_call import LiveCall
from app.domain.call import CallDirection, HangupReason
from app.errors import CallscribeError
from app.logs import get_log

log = get_log("call")

CAUSE_SECONDS = 0.5


async def follow_leg(call: LiveCall, watch: Watch) -> int:
    """Follow the leg until it is gone, or nothing more can be heard of it; the Q.850 cause of its end."""
    try:
        return await _follow(call, watch)
    except (AriDisconnected, AriOverrun) as error:
        log.error("the call's events were lost, so the call ends", reason=error.message)
        await hang_up_safely(call, HangupReason.FAILED)
        return NORMAL_CLEARING


async def _follow(call: LiveCall, watch: Watch) -> int:
    async for event in watch:
        match event:
            case ChannelDtmfReceived():
                call.note_digit(event.digit)
            case ChannelStateChange() if event.channel.state == "Ringing":
                await call.note_ringing()
            case StasisStart() if call.record.direction is CallDirection.OUTGOING:
                await call.note_answered()
            case ChannelHold() | ChannelUnhold():
                await _entertain(call, is_on=isinstance(event, ChannelHold))
            case ChannelDestroyed():
                return event.cause
            case StasisEnd():
                # What waits on the call ends now, before the cause is known: no word is lost by waiting for it.
                call.mark_gone()
                return await _await_cause(watch)
            case Reconnected() if not await call.still_exists():
                log.info("the leg was gone when Asterisk came back")
                return NORMAL_CLEARING
            case _:
                pass
    return NORMAL_CLEARING


async def _entertain(call: LiveCall, *, is_on: bool) -> None:
    """The party has put whom it talks with on hold, or back: that one hears music meanwhile."""
    if call.peer is not None:
        try:
            await call.peer.music(is_on=is_on)
        except CallscribeError as error:
            log.info("no music for who is on hold", reason=error.message)


async def _await_cause(watch: Watch) -> int:
    try:
        async with asyncio.timeout(CAUSE_SECONDS):
            async for event in watch:
                if isinstance(event, ChannelDestroyed):
                    return event.cause
    except TimeoutError:
        pass
    return NORMAL_CLEARING
