"""What belongs to a call and has to end with it: its transcribes, recordings, voices."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from app.call.ports import Closer
from app.logs import get_log

log = get_log("call")


class Attachments:
    """Closers of one owner."""

    def __init__(self) -> None:
        self._closers: list[Closer] = []

    def __len__(self) -> int:
        return len(self._closers)

    def keep(self, closer: Closer) -> None:
        """Have `closer` awaited when the owner ends, whenever that is."""
        self._closers.append(closer)

    @contextmanager
    def attach(self, closer: Closer) -> Iterator[None]:
        """Within this context `closer` is awaited when the owner ends."""
        self._closers.append(closer)
        try:
            yield
        finally:
            if closer in self._closers:
                self._closers.remove(closer)

    async def close(self, timeout_seconds: float) -> None:
        """End everything that is attached, all at once, within a time-out."""
        closers = list(self._closers)
        if not closers:
            return
        tasks = [asyncio.ensure_future(closer()) for closer in closers]
        done, late = await asyncio.wait(tasks, timeout=timeout_seconds)
        for task in late:
            task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                log.error("something of the call did not end well", exc_info=outcome)
        if late:
            log.error("something of the call did not end in time", late=len(late), ended=len(done))
