"""Pages of lists: newest first, none lost and none twice, also when rows were made in the same microsecond."""

import asyncio
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from app.domain.call import Call
from app.domain.customer import Customer
from app.domain.ids import new_id
from app.domain.transcribe import ReferenceType
from app.store import Store


async def _read_all(store: Store, customer_id: str, page_size: int) -> list[Call]:
    rows: list[Call] = []
    before: datetime | None = None
    while page := await store.calls.list(customer_id, page_size=page_size, before=before):
        assert len(page) <= page_size
        rows += page
        before = page[-1].tm_create
    return rows


@pytest.mark.parametrize("page_size", [1, 2, 3, 7, 100])
async def test_rows_of_the_same_moment_are_all_listed_once(
    page_size: int, store: Store, customer: Customer, samples: Any
) -> None:
    moment = samples.moment()
    stored = [await store.calls.insert(samples.call(customer.id, tm_create=moment, tm_update=moment)) for _ in range(7)]
    assert len({call.tm_create for call in stored}) == 7
    assert all(call.tm_update == call.tm_create for call in stored)
    assert stored[0].tm_create == moment
    assert await _read_all(store, customer.id, page_size) == stored[::-1]


async def test_a_later_update_time_is_not_moved(store: Store, customer: Customer, samples: Any) -> None:
    first = await store.calls.insert(samples.call(customer.id))
    later = samples.moment()
    second = await store.calls.insert(samples.call(customer.id, tm_create=first.tm_create, tm_update=later))
    assert second.tm_create > first.tm_create
    assert second.tm_update == later


async def test_the_same_moment_is_free_for_other_owners(
    store: Store, customer: Customer, stranger: Customer, samples: Any
) -> None:
    moment = samples.moment()
    ours, theirs = samples.call(customer.id, tm_create=moment), samples.call(stranger.id, tm_create=moment)
    assert await store.calls.insert(ours) == ours
    assert await store.calls.insert(theirs) == theirs
    one, two = [await store.transcribes.insert(samples.transcribe(customer.id)) for _ in range(2)]
    for transcribe in (one, two):
        transcript = samples.transcript(transcribe, tm_create=moment)
        assert await store.transcripts.insert(transcript) == transcript


async def test_concurrent_writers_lose_nothing(store: Store, customer: Customer, samples: Any) -> None:
    moment = samples.moment()
    calls = [samples.call(customer.id, tm_create=moment, tm_update=moment) for _ in range(40)]
    stored = await asyncio.gather(*(store.calls.insert(call) for call in calls))
    listed = await _read_all(store, customer.id, 9)
    assert {call.id for call in listed} == {call.id for call in calls}
    assert sorted(stored, key=lambda call: call.tm_create, reverse=True) == listed


async def test_deleted_rows_are_hidden_from_lists_only(store: Store, customer: Customer, samples: Any) -> None:
    call = await store.calls.insert(samples.call(customer.id))
    deleted = replace(call, tm_delete=samples.moment())
    await store.calls.update(deleted)
    assert await store.calls.list(customer.id) == ()
    assert await store.calls.get(customer.id, call.id) == deleted


async def test_transcribes_are_filtered_by_reference(store: Store, customer: Customer, samples: Any) -> None:
    reference_id = new_id()
    mine = await store.transcribes.insert(samples.transcribe(customer.id, reference_id=reference_id))
    other = await store.transcribes.insert(samples.transcribe(customer.id))
    room = await store.transcribes.insert(
        samples.transcribe(customer.id, reference_id=reference_id, reference_type=ReferenceType.CONFBRIDGE)
    )
    listing = store.transcribes.list
    assert await listing(customer.id) == (room, other, mine)
    assert await listing(customer.id, reference_type=ReferenceType.CALL, reference_id=reference_id) == (mine,)
    assert await listing(customer.id, reference_id=reference_id, page_size=1) == (room,)
    assert await listing(customer.id, reference_id=reference_id, before=room.tm_create) == (mine,)


async def test_transcripts_are_paged(store: Store, customer: Customer, samples: Any) -> None:
    transcribe = await store.transcribes.insert(samples.transcribe(customer.id))
    moment = samples.moment()
    stored = [await store.transcripts.insert(samples.transcript(transcribe, tm_create=moment)) for _ in range(5)]
    first = await store.transcripts.list(transcribe.id, page_size=3)
    rest = await store.transcripts.list(transcribe.id, page_size=3, before=first[-1].tm_create)
    assert [*first, *rest] == stored[::-1]
