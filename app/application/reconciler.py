"""After every (re)connect to Asterisk, and every minute: what is there and what should be there are made the same."""

import asyncio
from collections.abc import Callable

from app.ari.ari import Ari
from app.ari.channel import hang_up
from app.ari.errors import AriDisconnected, AriTimeout
from app.ari.leftovers import sweep
from app.call.live_calls import LiveCalls
from app.domain.call import CallStatus
from app.errors import CallscribeError
from app.logs import get_log

log = get_log("reconcile")

SWEEP_SECONDS = 60.0
CAUSE_CONGESTION = 42


class Reconciler:
    """Ends calls whose channel is gone, deletes objects of ours without an owner, turns away callers we lost."""

    def __init__(self, ari: Ari, live_calls: LiveCalls, owns: Callable[[str], bool]) -> None:
        """`owns` tells whether an object of ours belongs to something that lives, beside the calls."""
        self._ari = ari
        self._live_calls = live_calls
        self._owns = owns

    async def reconcile(self) -> None:
        """Do it once. Raises AriRefused, AriTimeout, AriDisconnected when Asterisk cannot even be asked."""
        began_with = list(self._live_calls)
        report = await sweep(self._ari, self._is_owned)
        for call in began_with:
            if call.channel_id not in report.alive:
                log.info("a call's channel is gone", call_id=call.record.id)
                call.mark_gone()
            elif call.record.status in {CallStatus.TERMINATING, CallStatus.CANCELING}:
                await hang_up(self._ari, call.channel_id)
        for stray in report.strays:
            # A caller whose arrival was lost with the connection: nobody would ever talk to it.
            await hang_up(self._ari, stray.id, CAUSE_CONGESTION)
            log.warning("a caller without a call was turned away")

    async def run(self) -> None:
        """Reconcile every minute until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                await self.reconcile()
            except (AriDisconnected, AriTimeout) as error:
                log.info("no sweep now", reason=error.message)
            except CallscribeError as error:
                log.warning("the sweep failed", reason=error.message)

    def _is_owned(self, object_id: str) -> bool:
        return (
            self._ari.holds(object_id)
            or self._ari.is_watched(object_id)
            or self._owns(object_id)
            or any(call.channel_id == object_id for call in self._live_calls)
        )
