"""Ending in order: no new calls, live ones hung up, their last words stored, before anything is closed."""

import asyncio

from app.call.live_calls import LiveCalls
from app.errors import CallscribeError
from app.logs import get_log

log = get_log("application")

END_CALLS_SECONDS = 5.0


async def end_calls(live_calls: LiveCalls) -> None:
    """Refuse new calls, hang up all that live, wait until they have flushed and ended, within a time-out."""
    live_calls.is_refusing = True
    calls = list(live_calls)
    if not calls:
        return
    log.info("calls are hung up", calls=len(calls))
    for outcome in await asyncio.gather(*(call.hang_up() for call in calls), return_exceptions=True):
        if isinstance(outcome, BaseException) and not isinstance(outcome, CallscribeError):
            raise outcome
    try:
        async with asyncio.timeout(END_CALLS_SECONDS):
            await live_calls.wait_empty()
    except TimeoutError:
        # Asterisk does not tell any more; what was said is flushed all the same.
        for call in live_calls:
            call.mark_gone()
        async with asyncio.timeout(END_CALLS_SECONDS / 2):
            await live_calls.wait_empty()
