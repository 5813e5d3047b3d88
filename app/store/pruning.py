"""Removing what is kept for a while only: in batches, so that other writers get their turn between them."""

from typing import Any

from sqlalchemy import Column, Select, delete

from app.store.connections import Access
from app.store.uninterrupted import uninterrupted

BATCH = 200


async def delete_in_batches(access: Access, key: Column[Any], old: Select[Any]) -> int:
    """Delete the rows whose `key` the query `old` selects, BATCH at a time, each batch committed; return how many."""
    total = 0
    while True:
        done = await _delete_batch(access, key, old.limit(BATCH))
        total += done
        if done < BATCH:
            return total


@uninterrupted
async def _delete_batch(access: Access, key: Column[Any], old: Select[Any]) -> int:
    async with access.writing() as connection:
        return (await connection.execute(delete(key.table).where(key.in_(old)))).rowcount
