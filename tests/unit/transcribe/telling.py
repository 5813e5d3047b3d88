"""A journal that keeps what is stored and told in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

from app.domain.events import Event, EventType, Resource
from app.journal.journal import Write

T = TypeVar("T", bound=Resource)


class Telling:
    """As the store does, it may move a new row's time on."""

    def __init__(self) -> None:
        self.stored: list[Any] = []
        self.events: list[Event] = []

    async def create(self, item: T, *types: EventType, about: str = "") -> T:
        moved: Any = replace(item, tm_create=item.tm_create + timedelta(microseconds=1))
        self.stored.append(moved)
        self.events += [Event(each, moved, about) for each in types]
        return moved  # type: ignore[no-any-return]

    async def change(self, item: Resource, *types: EventType, about: str = "") -> None:
        self.events += [Event(each, item, about) for each in types]

    async def commit(self, write: Write) -> tuple[Event, ...]:
        raise NotImplementedError

    async def tell(self, event: Event) -> None:
        self.events.append(event)

    @property
    def types(self) -> Sequence[str]:
        return [event.type.value for event in self.events]
