"""The life of a task that listens to a call or a conference: ready or never, told to end, over."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from structlog.typing import FilteringBoundLogger

from app.errors import CallscribeError, LegGone, Unavailable

T = TypeVar("T")


class SessionLife(Generic[T]):
    """What others know of such a session: they wait for its begin (a T) and its end. `what` is its name in the log."""

    def __init__(self, what: str, log: FilteringBoundLogger) -> None:
        self._what = what
        self.log = log
        self._ready: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self.ending = asyncio.Event()
        """Set when it has to end."""
        self._over = asyncio.Event()

    async def wait_ready(self) -> T:
        """Return what it began with when everything is heard; raises what kept it from opening."""
        return await asyncio.shield(self._ready)

    async def finish(self) -> None:
        """End it; returns when that is done and told."""
        self.ending.set()
        await self._over.wait()

    async def wait_over(self) -> None:
        """Return when it has ended, whatever ended it."""
        await self._over.wait()

    def be_ready(self, begun: T) -> None:
        """Everything is heard from now on."""
        if not self._ready.done():
            self._ready.set_result(begun)

    @contextmanager
    def live(self, too_late: str) -> Iterator[None]:
        """The isolation boundary: a failure in this context goes to who waits for the begin, else to the log.

        A TimeoutError becomes Unavailable with the text `too_late`. Whatever listens is over when the context ends.
        """
        try:
            yield
        except TimeoutError:
            self._fail(Unavailable(too_late))
        except CallscribeError as error:
            self._fail(error)
        except Exception as error:
            # What the session listens to goes on without it.
            self.log.exception(f"the {self._what} broke")
            self._fail(error)
        finally:
            if not self._ready.done():
                self._ready.cancel()
            self._over.set()

    def _fail(self, error: Exception) -> None:
        if not self._ready.done():
            self._ready.set_exception(error)
            self._ready.exception()  # seen: who asked may have hung up meanwhile, and nobody awaits it then
        elif not isinstance(error, LegGone):
            self.log.error(f"the {self._what} ended with a failure", reason=str(error))
