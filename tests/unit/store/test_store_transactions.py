"""Together or not at all; writers take turns."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from app.domain.customer import Customer
from app.store import Store, open_store

on_sqlite = pytest.mark.skipif("CALLSCRIBE_TEST_DATABASE_URL" in os.environ, reason="about SQLite's files")


class _Fault(Exception):
    pass


async def test_a_transaction_is_stored_as_a_whole(store: Store, customer: Customer, samples: Any) -> None:
    call, transcribe = samples.call(customer.id), samples.transcribe(customer.id)
    async with store.transaction() as tx:
        await tx.calls.insert(call)
        await tx.transcribes.insert(transcribe)
        assert await tx.calls.get(customer.id, call.id) == call
        assert await store.calls.get(customer.id, call.id) is None
    assert await store.calls.get(customer.id, call.id) == call
    assert await store.transcribes.get(customer.id, transcribe.id) == transcribe


async def test_a_transaction_that_fails_leaves_nothing(store: Store, customer: Customer, samples: Any) -> None:
    call = samples.call(customer.id)

    async def fail() -> None:
        async with store.transaction() as tx:
            await tx.calls.insert(call)
            raise _Fault

    with pytest.raises(_Fault):
        await fail()
    assert await store.calls.get(customer.id, call.id) is None
    await store.calls.insert(call)


async def test_an_error_of_the_block_itself_keeps_its_kind(store: Store) -> None:
    with pytest.raises(FileNotFoundError):
        async with store.transaction():
            raise FileNotFoundError


async def test_a_cancelled_writer_leaves_the_store_usable(store: Store, customer: Customer, samples: Any) -> None:
    for turns in range(12):
        writing = asyncio.create_task(store.calls.insert(samples.call(customer.id)))
        for _ in range(turns):
            await asyncio.sleep(0)
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
    last = await store.calls.insert(samples.call(customer.id))
    assert (await store.calls.list(customer.id))[0] == last


async def test_readers_do_not_wait_for_a_writer(store: Store, customer: Customer, samples: Any) -> None:
    async with store.transaction() as tx:
        await tx.calls.insert(samples.call(customer.id))
        assert await asyncio.gather(*(store.calls.list(customer.id) for _ in range(20))) == [()] * 20


async def test_a_writable_store_says_so(store: Store) -> None:
    assert await store.is_writable()


@on_sqlite
async def test_a_locked_database_is_not_writable(
    store: Store, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.store.store._PROBE_SECONDS", 0.05)
    async with open_store(database_url) as other, other.transaction():
        assert not await store.is_writable()
    assert await store.is_writable()


@on_sqlite
async def test_the_file_is_in_wal_mode_and_survives_a_second_opening(
    tmp_path: Path, customer: Customer, database_url: str
) -> None:
    assert (tmp_path / "state" / "callscribe.db-wal").exists()
    async with open_store(database_url) as again:
        assert await again.customers.first() == customer
