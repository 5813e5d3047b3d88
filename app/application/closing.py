"""Ending in order: no new calls, live ones hung up, their last words stored, before anything is closed."""

import asyncio
from collections.abc import Callable

from app.call.live_call import LiveCall
from app.call.live_calls import LiveCalls
from app.errors import CallscribeError
from app.logs import get_log

log = get_log("application")

END_CALLS_SECONDS = 4.0
"""For an Asterisk that answers far more than enough; with one that does not, all of the end has 10 s."""
FLUSH_SECONDS = 2.5


async def end_calls(live_calls: LiveCalls, give_up: Callable[[], None]) -> None:
    """Refuse new calls, hang up all that live, wait until they have flushed and ended, within a time-out.

    `give_up` is called when Asterisk does not answer: nothing may wait for it from then on.
    """
    live_calls.is_refusing = True
    calls = list(live_calls)
    if not calls:
        return
    log.info("calls are hung up", calls=len(calls))
    try:
        async with asyncio.timeout(END_CALLS_SECONDS):
            await _hang_up(calls)
            await live_calls.wait_empty()
    except TimeoutError:
        # Asterisk does not tell any more; what was said is flushed all the same.
        log.warning("Asterisk does not answer, its calls are left to their end", calls=len(live_calls))
        give_up()
        for call in live_calls:
            call.mark_gone()
        async with asyncio.timeout(FLUSH_SECONDS):
            await live_calls.wait_empty()


async def _hang_up(calls: list[LiveCall]) -> None:
    for outcome in await asyncio.gather(*(call.hang_up() for call in calls), return_exceptions=True):
        if isinstance(outcome, BaseException) and not isinstance(outcome, CallscribeError):
            raise outcome
