"""The calls that live now, found by their id."""

import asyncio
from collections.abc import Iterator

from app.call.call_scope import hang_up_safely
from app.call.live_call import LiveCall
from app.domain.call import HangupReason


class LiveCalls:
    """A register; calls enter and leave it in their scope only."""

    def __init__(self) -> None:
        self._by_id: dict[str, LiveCall] = {}
        self._empty = asyncio.Event()
        self._empty.set()
        self.is_refusing = False
        """True while the program ends: new calls get SIP 503."""

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[LiveCall]:
        return iter(tuple(self._by_id.values()))

    def enter(self, call: LiveCall) -> None:
        """Add a call."""
        self._by_id[call.record.id] = call
        self._empty.clear()

    def leave(self, call: LiveCall) -> None:
        """Remove a call that has ended."""
        self._by_id.pop(call.record.id, None)
        if not self._by_id:
            self._empty.set()

    def find(self, call_id: str) -> LiveCall | None:
        """Return the live call with this id, or None."""
        return self._by_id.get(call_id)

    async def hang_up_chained(self, ended: LiveCall) -> None:
        """Hang up the calls that end with this one."""
        for call_id in ended.record.chained_call_ids:
            chained = self.find(call_id)
            if chained is not None:
                await hang_up_safely(chained, HangupReason.NORMAL)

    async def wait_empty(self) -> None:
        """Return when no call lives."""
        await self._empty.wait()
