"""Making and changing resources that must fit to others: looked at and written in one transaction, then told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from app.domain.customer import Agent, Customer
from app.domain.events import Event, EventType
from app.domain.flow import Activeflow, StoredFlow
from app.domain.line import Extension, Number, Trunk
from app.domain.queue import Queue
from app.domain.timestamps import now
from app.errors import NotFound
from app.journal.journal import Journal
from app.store import Transaction
from app.store.resource_table import ResourceTable

R = TypeVar("R", Agent, Customer, Activeflow, StoredFlow, Number, Extension, Trunk, Queue)


TableOf = Callable[[Transaction], ResourceTable[R]]


async def create(
    journal: Journal, table_of: TableOf[R], make: Callable[[Transaction], Awaitable[R]], type_: EventType
) -> R:
    """Store what `make` returns and tell it; `make` looks at its neighbours first, and what it raises stops all."""
    stored: list[R] = []

    async def write(tx: Transaction) -> Sequence[Event]:
        stored.append(await table_of(tx).insert(await make(tx)))
        return [Event(type_, stored[0])]

    await journal.commit(write)
    return stored[0]


async def change(
    journal: Journal,
    table_of: TableOf[R],
    item_id: str,
    apply: Callable[[Transaction, R], Awaitable[R]],
    type_: EventType,
) -> R:
    """Replace a resource by what `apply` makes of it as it is then, and tell it; NotFound where it is deleted."""
    changed: list[R] = []

    async def write(tx: Transaction) -> Sequence[Event]:
        table = table_of(tx)
        item = await table.get_by_id(item_id)
        if item is None or item.tm_delete is not None:
            raise NotFound(table.word, item_id)
        changed.append(replace(await apply(tx, item), tm_update=now()))
        await table.update(changed[0])
        return [Event(type_, changed[0])]

    await journal.commit(write)
    return changed[0]


async def delete(journal: Journal, table_of: TableOf[R], item_id: str, type_: EventType) -> R:
    """Mark a resource as deleted and tell it; NotFound where it is deleted already."""

    async def mark(_tx: Transaction, item: R) -> R:
        return replace(item, tm_delete=now())

    return await change(journal, table_of, item_id, mark, type_)
