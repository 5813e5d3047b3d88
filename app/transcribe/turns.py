"""One after the other: who waits for its turn can be told to wait no more."""

import asyncio
from typing import Literal


class Turns:
    """One turn for all, taken in the order of asking."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def take(self, stopped: asyncio.Event) -> bool:
        """Wait for the turn, which `release` ends; False, and no turn, when `stopped` is set first."""
        turn = asyncio.create_task(self._lock.acquire())
        stop = asyncio.ensure_future(stopped.wait())
        try:
            await asyncio.wait({turn, stop}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            self._give_back(turn)
            raise
        finally:
            stop.cancel()
        if stopped.is_set():
            self._give_back(turn)
            return False
        return True

    def release(self) -> None:
        """The turn is over: the next may begin."""
        self._lock.release()

    def _give_back(self, turn: "asyncio.Task[Literal[True]]") -> None:
        if turn.done() and not turn.cancelled():
            self._lock.release()
        turn.cancel()
