"""Early media: what a called party lets be heard before it answers, passed on to the caller."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from app.ari.bridge import Bridge
from app.call.live_call import LiveCall
from app.call.wait_any import wait_any
from app.errors import CallscribeError, LegGone
from app.logs import get_log

log = get_log("call")

OpenBridge = Callable[[], Awaitable[Bridge]]


class EarlySound:
    """Bridges the caller with the first leg that sounds before its answer; `heard` is that leg."""

    def __init__(self, caller: LiveCall, legs: Sequence[LiveCall], open_bridge: OpenBridge) -> None:
        self._caller = caller
        self._legs = legs
        self._open_bridge = open_bridge
        self.heard: LiveCall | None = None

    async def run(self) -> None:
        """Run while it rings, until cancelled. A leg that goes without an answer makes room for the next."""
        waiting = list(self._legs)
        while waiting:
            sounding = {leg: asyncio.ensure_future(leg.wait_sounding()) for leg in waiting}
            try:
                await asyncio.wait(sounding.values(), return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in sounding.values():
                    task.cancel()
                await asyncio.gather(*sounding.values(), return_exceptions=True)
            first = next((leg for leg, task in sounding.items() if _is_fine(task)), None)
            waiting = [leg for leg, task in sounding.items() if task.cancelled()]
            if first is not None:
                try:
                    await self._pass_on(first)
                except LegGone:
                    continue
                except CallscribeError as error:
                    log.warning("the sound before the answer is not heard", reason=error.message)
                    return

    async def _pass_on(self, leg: LiveCall) -> None:
        bridge = await self._open_bridge()
        await self._caller.ring(is_on=False)
        if not self._caller.is_answered:
            await self._caller.progress()
        await self._caller.make_way()
        self.heard = leg
        self._caller.peer = leg
        await bridge.add(self._caller.channel_id, leg.channel_id)
        log.info("sound before the answer is heard", callee_id=leg.record.id)
        await wait_any(leg.wait_gone(), self._caller.wait_gone())
        self.heard = self._caller.peer = None
        await bridge.remove(self._caller.channel_id)
        await self._caller.ring(is_on=True)


def _is_fine(task: "asyncio.Task[None]") -> bool:
    return task.done() and not task.cancelled() and task.exception() is None
