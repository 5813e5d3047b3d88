"""The calls that live now, found by their id."""

import asyncio
from collections.abc import Iterator

from app.call.call_scope import hang_up_safely
from app.call.live_call import LiveCall, OnRefer
from app.domain.call import HangupReason
from app.errors import NotFound


class LiveCalls:
    """A register; calls enter and leave it in their scope only."""

    def __init__(self) -> None:
        self._by_id: dict[str, LiveCall] = {}
        self._empty = asyncio.Event()
        self._empty.set()
        self.is_refusing = False
        """True while the program ends: new calls get SIP 503."""
        self.on_refer: OnRefer | None = None
        """Carries out the transfers that parties ask for by SIP; None = nobody may."""

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[LiveCall]:
        return iter(tuple(self._by_id.values()))

    def enter(self, call: LiveCall) -> None:
        """Add a call."""
        self._by_id[call.record.id] = call
        call.on_refer = self.on_refer
        self._empty.clear()

    def leave(self, call: LiveCall) -> None:
        """Remove a call that has ended."""
        self._by_id.pop(call.record.id, None)
        if not self._by_id:
            self._empty.set()

    def find(self, call_id: str) -> LiveCall | None:
        """Return the live call with this id, or None."""
        return self._by_id.get(call_id)

    def require(self, call_id: str) -> LiveCall:
        """Return the live call with this id; NotFound."""
        call = self.find(call_id)
        if call is None:
            raise NotFound("call", call_id)
        return call

    def find_by_channel(self, channel_id: str) -> LiveCall | None:
        """Return the live call whose leg is that channel, or None."""
        return next((call for call in self._by_id.values() if call.channel_id == channel_id), None)

    async def hang_up_chained(self, ended: LiveCall) -> None:
        """Hang up the calls that end with this one."""
        for call_id in ended.record.chained_call_ids:
            chained = self.find(call_id)
            if chained is not None:
                await hang_up_safely(chained, HangupReason.NORMAL)

    async def wait_empty(self) -> None:
        """Return when no call lives."""
        await self._empty.wait()
