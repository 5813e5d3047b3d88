"""What transcribing needs of the journal: facts are stored first, and told after."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from app.domain.events import Event, EventType, Resource
from app.domain.transcribe import Transcribe
from app.journal.journal import Write

T = TypeVar("T", bound=Resource)

OnDone = Callable[[Transcribe], Awaitable[None]]
"""Called once a transcribe is done and stored so; nothing waits for it, and its failure stays its own."""


class Telling(Protocol):
    """The part of the journal that transcribes use; `app.journal.journal.Journal` is it."""

    async def create(self, item: T, *types: EventType, about: str = "") -> T:
        """Store a new resource and tell it; as it is stored."""

    async def change(self, item: Resource, *types: EventType, about: str = "") -> None:
        """Replace a stored resource and tell what happened to it."""

    async def commit(self, write: Write) -> tuple[Event, ...]:
        """Run `write` in a transaction and tell the events that it returns."""

    async def tell(self, event: Event) -> None:
        """Tell of something that is not stored."""
