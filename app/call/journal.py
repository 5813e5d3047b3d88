"""Where a call's facts go: the store first, then the event bus, in the order in which they happened."""

from typing import Protocol

from app.domain.call import Call
from app.domain.events import Event, EventType
from app.event_bus import EventBus


class CallRows(Protocol):
    """The part of the store that a call needs."""

    async def insert(self, item: Call, /) -> Call:
        """Store a new call; as it is stored (its `tm_create` is its place in lists, so it is unique)."""

    async def update(self, item: Call, /) -> None:
        """Replace the stored call of the same id."""


class CallJournal:
    """Commits a call to the store and only then tells the world."""

    def __init__(self, rows: CallRows, bus: EventBus) -> None:
        self._rows = rows
        self._bus = bus

    async def open(self, call: Call) -> Call:
        """Store a new call and publish `call_created`; the call as it is stored."""
        stored = await self._rows.insert(call)
        self._bus.publish(Event(EventType.CALL_CREATED, stored))
        return stored

    async def note(self, call: Call, event_type: EventType) -> None:
        """Store the changed call and publish what happened to it."""
        await self._rows.update(call)
        self._bus.publish(Event(event_type, call))
