"""What the tables of all resources have in common: insert, update, get, and lists in pages by creation time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from sqlalchemy import ColumnElement, RowMapping, Select, Table, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from app.errors import NotFound
from app.store.connections import Access
from app.store.uninterrupted import uninterrupted

MAX_PAGE_SIZE = 100
_MICROSECOND = timedelta(microseconds=1)

Row = Mapping[str, Any]
"""One row: column name -> value as the column's type takes it. The border to the database: nothing else is untyped."""


class Stored(Protocol):
    """What every stored domain object has."""

    @property
    def id(self) -> str:
        """Its UUID."""
        ...

    @property
    def tm_create(self) -> datetime:
        """When it was made; also its place in lists."""
        ...


T = TypeVar("T", bound=Stored)


class ResourceTable(Generic[T]):
    """One table and the domain class that it holds: its columns are named as the fields, their types do the rest."""

    table: ClassVar[Table]
    kind: ClassVar[type[Any]]
    """The domain class."""
    word: ClassVar[str]
    """The resource's word in the API."""
    owner: ClassVar[str] = "customer_id"
    """The column within whose rows tm_create is unique."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def to_row(self, item: T) -> Row:
        """Return the columns of `item`."""
        return {column.name: getattr(item, column.name) for column in self.table.columns}

    def from_row(self, row: RowMapping) -> T:
        """Return the object that the columns stand for."""
        item: T = self.kind(**row)
        return item

    @uninterrupted
    async def insert(self, item: T) -> T:
        """Store `item` and return it as it is stored.

        Where its owner has another row of the same `tm_create` it is moved on by microseconds (ADR 0018), so publish
        and keep what this returns. Raises ValueTaken when the id, or a value that only one row may have, is stored
        already, StoreConflict when an owner does not exist.
        """
        async with self._access.writing() as connection:
            while not await self._insert_if_free(connection, item):
                item = _moved_on(item)
        return item

    @uninterrupted
    async def update(self, item: T) -> None:
        """Replace the row of `item.id`, except for `tm_create`, which never changes.

        NotFound when there is none, ValueTaken when another row has a value that only one may have.
        """
        row = {name: value for name, value in self.to_row(item).items() if name not in ("id", "tm_create")}
        async with self._access.writing() as connection:
            done = await connection.execute(update(self.table).where(self.table.c.id == item.id).values(row))
            if done.rowcount == 0:
                raise NotFound(self.word, item.id)

    async def get(self, customer_id: str, item_id: str) -> T | None:
        """Return the customer's own object of this id, deleted ones too; None when there is none."""
        columns = self.table.c
        return await self._first(select(self.table).where(columns.id == item_id, columns.customer_id == customer_id))

    async def get_by_id(self, item_id: str) -> T | None:
        """Return the object of this id, whoever owns it; None when there is none."""
        return await self._first(select(self.table).where(self.table.c.id == item_id))

    async def list(
        self, customer_id: str, *, page_size: int = MAX_PAGE_SIZE, before: datetime | None = None
    ) -> tuple[T, ...]:
        """Return one page of the customer's objects, newest first, made before `before`, without deleted ones."""
        return await self._page(self.table.c.customer_id == customer_id, page_size=page_size, before=before)

    async def _live(self, *where: ColumnElement[bool]) -> tuple[T, ...]:
        """Return all objects that are not deleted, oldest first."""
        columns = self.table.c
        return await self._all(
            select(self.table).where(*where, columns.tm_delete.is_(None)).order_by(columns.tm_create, columns.id)
        )

    async def _page(self, *where: ColumnElement[bool], page_size: int, before: datetime | None) -> tuple[T, ...]:
        columns = self.table.c
        query = select(self.table).where(*where, columns.tm_delete.is_(None))
        if before is not None:
            query = query.where(columns.tm_create < before)
        return await self._all(query.order_by(columns.tm_create.desc()).limit(page_size))

    @uninterrupted
    async def _first(self, query: Select[Any]) -> T | None:
        async with self._access.reading() as connection:
            row = (await connection.execute(query.limit(1))).mappings().first()
        return None if row is None else self.from_row(row)

    @uninterrupted
    async def _all(self, query: Select[Any]) -> tuple[T, ...]:
        async with self._access.reading() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return tuple(self.from_row(row) for row in rows)

    async def _insert_if_free(self, connection: AsyncConnection, item: T) -> bool:
        """Insert unless the owner has a row of the same tm_create; tell which. Both dialects write it alike."""
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        place = [self.table.c.tm_create] if not self.owner else [self.table.c[self.owner], self.table.c.tm_create]
        statement = dialect.insert(self.table).values(dict(self.to_row(item)))
        done = await connection.execute(statement.on_conflict_do_nothing(index_elements=place))
        return done.rowcount == 1


def _moved_on(item: T) -> T:
    """Return `item` made one microsecond later; a tm_update that was equal to tm_create stays equal."""
    later = item.tm_create + _MICROSECOND
    if getattr(item, "tm_update", None) == item.tm_create:
        return replace(item, tm_create=later, tm_update=later)  # type: ignore[type-var]
    return replace(item, tm_create=later)  # type: ignore[type-var]
