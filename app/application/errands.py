"""What flows have done without waiting for it: it goes on when the flow has ended, and is bounded for all together."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

from app.errors import CallscribeError, Unavailable
from app.logs import get_log

log = get_log("flow")


class Errands:
    """Errands of all flows. Each must be bounded in time by itself; `run` owns them."""

    def __init__(self, *, at_once: int = 32, waiting: int = 1000, end_seconds: float = 10.0) -> None:
        self._slots = asyncio.Semaphore(at_once)
        self._limit = at_once + waiting
        self._end_seconds = end_seconds
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_open = True

    def start(self, errand: Coroutine[object, object, object], *, action_type: str) -> None:
        """Have `errand` done as soon as there is room; a failure is logged. Unavailable when too many wait."""
        if not self._is_open or len(self._tasks) >= self._limit:
            errand.close()
            raise Unavailable("too much is being sent already, or the program is ending: this is not sent")
        task = asyncio.create_task(self._do(errand, action_type), name=f"errand {action_type}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # A task that is cancelled before its first step never comes to await its errand.
        task.add_done_callback(lambda _: errand.close())

    async def run(self) -> None:
        """Own the errands until cancelled; what is under way then gets some seconds, the rest is given up."""
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            await self._end()

    async def _end(self) -> None:
        self._is_open = False
        tasks = tuple(self._tasks)
        if tasks:
            await asyncio.wait(tasks, timeout=self._end_seconds)
        given_up = [task for task in tasks if not task.done()]
        for task in given_up:
            task.cancel()
        await asyncio.gather(*given_up, return_exceptions=True)
        if given_up:
            log.warning("errands of flows given up at the end", errands=len(given_up))

    async def _do(self, errand: Coroutine[object, object, object], action_type: str) -> None:
        async with self._slots:
            try:
                await errand
            except CallscribeError as error:
                log.warning("errand of a flow failed", action=action_type, code=error.code, error=error.message)
            except Exception:  # the isolation boundary of an errand
                log.exception("errand of a flow broke", action=action_type)
