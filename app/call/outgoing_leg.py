"""The leg of an outgoing call: dialled, on the next trunk where the first does not take it, followed to its end."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from app.ari.ari import Ari
from app.ari.channel import dial as start_dialling
from app.ari.channel import open_created_channel, open_outgoing_channel
from app.ari.errors import AriRefused
from app.call.hangup_reasons import is_worth_another_route
from app.call.leg_events import follow_leg
from app.call.live_call import LiveCall
from app.domain.call import CallStatus
from app.domain.ids import asterisk_id
from app.errors import LegGone
from app.logs import get_log

log = get_log("call")

CAUSE_UNKNOWN = 0
CAUSE_CLEARED = 16
CAUSE_NO_ANSWER = 19
_CALLER_ID = re.compile(r'(?:"(?P<name>[^"]*)" )?<(?P<number>[^>]*)>')
_TRANSFERS = {"PJSIP_TRANSFER_HANDLING()": "ari-only"}
"""A party that asks for a transfer (REFER) asks us: Asterisk would take the call out of our hands."""
ASTERISK_GRACE_SECONDS = 5
"""Asterisk's own limit for ringing is later than ours by this much: ours gives the call its reason."""


@dataclass(frozen=True, slots=True)
class Dial:
    """How to reach a party: Asterisk's dial strings, tried in this order, the caller id to show, how long to ring."""

    endpoints: tuple[str, ...]
    caller_id: str = ""
    ring_seconds: int = 30
    is_failing_over: bool = False
    """Whether a further endpoint is another way to the same party (trunks)."""
    is_early_heard: bool = False
    """Whether sound that comes before the answer is to be heard: the leg can be bridged while it rings."""


async def dial_leg(call: LiveCall, ari: Ari, dial: Dial) -> int:
    """Dial and follow the leg; return the Q.850 cause of its end, or of the last attempt's."""
    cause = CAUSE_UNKNOWN
    for attempt, endpoint in enumerate(dial.endpoints):
        if call.is_ending:
            return CAUSE_CLEARED
        call.channel_id = asterisk_id("call", call.record.id, str(attempt))
        cause = await _try(call, ari, endpoint, dial)
        is_open = call.record.status in {CallStatus.DIALING, CallStatus.RINGING}
        if not (is_open and dial.is_failing_over and is_worth_another_route(cause)):
            break
        log.info("the call is tried on the next route", cause=cause, attempt=attempt + 1)
    return cause


async def _try(call: LiveCall, ari: Ari, endpoint: str, dial: Dial) -> int:
    try:
        with ari.watch(call.channel_id) as watch:
            # Its end is the call's own: the channel is hung up by the call, or gone, when this context ends.
            async with _open_channel(ari, call.channel_id, endpoint, dial):
                if call.is_ending:
                    # Hung up while Asterisk was asked to dial: what it made is hung up with this context.
                    return CAUSE_CLEARED
                giving_up = asyncio.create_task(_give_up(call, dial.ring_seconds), name="dial limit")
                try:
                    return await follow_leg(call, watch, is_answer_told_by_dial=dial.is_early_heard)
                finally:
                    giving_up.cancel()
    except (AriRefused, LegGone) as error:
        # Asterisk does not know the endpoint, or it has no contact.
        log.info("the call could not be dialled", reason=error.message)
        return CAUSE_UNKNOWN


@asynccontextmanager
async def _open_channel(ari: Ari, channel_id: str, endpoint: str, dial: Dial) -> AsyncIterator[None]:
    """Begin to call the endpoint; the channel is hung up at the end."""
    ring_seconds = dial.ring_seconds + ASTERISK_GRACE_SECONDS
    variables = _TRANSFERS if endpoint.startswith("PJSIP/") else {}
    if not dial.is_early_heard:
        async with open_outgoing_channel(
            ari, channel_id, endpoint, caller_id=dial.caller_id, ring_seconds=ring_seconds, variables=variables
        ):
            yield
        return
    shown = _CALLER_ID.fullmatch(dial.caller_id)
    name, number = (shown["name"] or "", shown["number"]) if shown else ("", "")
    if number == "anonymous":
        name = number = ""
    async with open_created_channel(
        ari, channel_id, endpoint, caller_name=name, caller_number=number, variables=variables
    ):
        await start_dialling(ari, channel_id, ring_seconds=ring_seconds)
        yield


async def _give_up(call: LiveCall, seconds: float) -> None:
    await asyncio.sleep(seconds)
    if call.record.status in {CallStatus.DIALING, CallStatus.RINGING}:
        await call.drop_leg(CAUSE_NO_ANSWER)
