"""Connections to the database: one writer at a time on SQLite, a pool on PostgreSQL, readers beside them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from typing import Protocol

from sqlalchemy import event
from sqlalchemy.engine import URL, Connection
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from app.errors import Unavailable
from app.store.errors import told_in_our_words

_BUSY_TIMEOUT_MS = 5000


class Access(Protocol):
    """What a table needs: a connection to read with, one to write with. A transaction gives its own for both."""

    def reading(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Give a connection that is only read from."""
        ...

    def writing(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Give a connection in a transaction that is committed at the end, rolled back on an error."""
        ...


class Connections:
    """The engines behind a store. On SQLite all writes of the process queue for one connection, in their order."""

    def __init__(self, url: URL) -> None:
        self.is_sqlite = url.get_backend_name() == "sqlite"
        if self.is_sqlite:
            self._writer = _sqlite_engine(url, begin="BEGIN IMMEDIATE", pool_size=1)
            self._reader = _sqlite_engine(url, begin="BEGIN", pool_size=4)
            self._turn: AbstractAsyncContextManager[object] = asyncio.Lock()
        else:
            self._writer = self._reader = create_async_engine(url, pool_size=8, max_overflow=8, pool_pre_ping=True)
            self._turn = nullcontext()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Yield a connection for reading; what it sees is one snapshot."""
        with told_in_our_words():
            async with AsyncExitStack() as stack:
                yield await _connect(stack, self._reader)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """Yield a connection in a transaction: committed at the end, rolled back on an error or a cancel."""
        with told_in_our_words():
            async with self._turn, AsyncExitStack() as stack:
                connection = await _connect(stack, self._writer)
                await stack.enter_async_context(connection.begin())
                yield connection

    async def close(self) -> None:
        """Close all connections."""
        await self._reader.dispose()
        if self._writer is not self._reader:
            await self._writer.dispose()


class Borrowed:
    """Access to a connection that somebody else opened and will commit: the inside of a transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    def reading(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Give the transaction's connection: it sees its own writes."""
        return nullcontext(self._connection)

    def writing(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Give the transaction's connection; it is committed by its owner."""
        return nullcontext(self._connection)


async def _connect(stack: AsyncExitStack, engine: AsyncEngine) -> AsyncConnection:
    try:
        return await stack.enter_async_context(engine.connect())
    except OSError as error:  # asyncpg reports a server that cannot be reached so
        raise Unavailable(f"the database cannot be reached: {error}") from error


def _sqlite_engine(url: URL, *, begin: str, pool_size: int) -> AsyncEngine:
    engine = create_async_engine(url, pool_size=pool_size, max_overflow=0)

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        # None: the driver must not begin transactions by itself, or a read could not be a snapshot
        # and a write would start as a read and fail to upgrade (SQLite: "BEGIN IMMEDIATE").
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout = {_BUSY_TIMEOUT_MS}",
            "journal_mode = WAL",
            "synchronous = NORMAL",
            "foreign_keys = ON",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin_transaction(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine
