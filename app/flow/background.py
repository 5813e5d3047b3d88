"""What a flow has started without waiting for it: owned by the activeflow, ended with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager

from app.errors import CallscribeError, LegGone
from app.logs import get_log

log = get_log("flow")


class Background:
    """The running background parts of one activeflow."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, part: Coroutine[object, object, object], *, action_type: str) -> None:
        """Run `part` beside the flow; a failure is logged and touches nothing else."""
        task = asyncio.create_task(self._guard(part, action_type))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # A task that is cancelled before its first step never comes to await its part.
        task.add_done_callback(lambda _: part.close())

    async def close(self) -> None:
        """Cancel what still runs and wait for its end."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _guard(self, part: Coroutine[object, object, object], action_type: str) -> None:
        try:
            await part
        except LegGone:
            log.debug("background action ended with the call", action=action_type)
        except CallscribeError as error:
            log.warning("background action failed", action=action_type, code=error.code, error=error.message)
        except Exception:
            log.exception("background action broke", action=action_type)


@asynccontextmanager
async def open_background() -> AsyncIterator[Background]:
    """Yield a Background whose parts are cancelled and awaited at the end."""
    background = Background()
    try:
        yield background
    finally:
        await background.close()
