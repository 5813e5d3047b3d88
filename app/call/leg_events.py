"""Follows the events of a call's leg until it is gone: digits, ringing, the answer, the cause of the end."""

import asyncio

from app.ari.errors import AriDisconnected, AriOverrun
from app.ari.events import (
    ChannelDestroyed,
    ChannelDtmfReceived,
    ChannelHold,
    ChannelStateChange,
    ChannelTransfer,
    ChannelUnhold,
    Dial,
    Reconnected,
    ReferTo,
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


async def follow_leg(call: LiveCall, watch: Watch, *, is_answer_told_by_dial: bool = False) -> int:
    """Follow the leg until it is gone, or nothing more can be heard of it; the Q.850 cause of its end.

    A leg that is made first and dialled later is in our application all the time: Dial events tell of its answer.
    """
    try:
        return await _follow(call, watch, is_answer_told_by_dial=is_answer_told_by_dial)
    except (AriDisconnected, AriOverrun) as error:
        log.error("the call's events were lost, so the call ends", reason=error.message)
        await hang_up_safely(call, HangupReason.FAILED)
        return NORMAL_CLEARING


async def _follow(call: LiveCall, watch: Watch, *, is_answer_told_by_dial: bool) -> int:
    async for event in watch:
        match event:
            case ChannelDtmfReceived():
                # What the party presses while it talks is for its peer.
                call.digits.note(event.digit, is_kept=call.peer is None)
            case ChannelStateChange() if event.channel.state == "Ringing":
                await call.note_ringing()
            case StasisStart() if call.record.direction is CallDirection.OUTGOING and not is_answer_told_by_dial:
                await call.note_answered()
            case Dial() if is_answer_told_by_dial and event.peer.id == call.channel_id:
                await _note_dial(call, event.dialstatus)
            case ChannelHold() | ChannelUnhold():
                await _note_holding(call, is_on=isinstance(event, ChannelHold))
            case ChannelTransfer():
                await _refer(call, event.refer_to)
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


async def _note_dial(call: LiveCall, status: str) -> None:
    match status:
        case "RINGING":
            await call.note_ringing()
        case "PROGRESS":
            call.note_sounding()
        case "ANSWER":
            await call.note_answered()
        case _:
            pass


async def _note_holding(call: LiveCall, *, is_on: bool) -> None:
    """The party holds its peer, or takes it back: the peer hears music meanwhile."""
    call.is_holding = is_on
    if call.peer is not None and not call.peer.is_gone:
        try:
            await call.peer.sound.music(is_on=is_on)
        except CallscribeError as error:
            log.info("no music for a party on hold", reason=error.message)


async def _refer(call: LiveCall, refer_to: ReferTo) -> None:
    """The party asks for a transfer; it is told whether that is done, and stays where it is not."""
    is_done = False
    try:
        is_done = call.on_refer is not None and await call.on_refer(call, refer_to)
    except CallscribeError as error:
        log.info("a transfer that a party asked for was not done", reason=error.message)
    try:
        await call.tell_transfer(is_done=is_done)
    except CallscribeError as error:
        log.info("a party cannot be told how its transfer went", reason=error.message)


async def _await_cause(watch: Watch) -> int:
    try:
        async with asyncio.timeout(CAUSE_SECONDS):
            async for event in watch:
                if isinstance(event, ChannelDestroyed):
                    return event.cause
    except TimeoutError:
        pass
    return NORMAL_CLEARING
