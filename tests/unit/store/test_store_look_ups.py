"""Look-ups by what resources are known by: only live rows, each name once, a deleted one's name is free again."""

from dataclasses import replace
from typing import Any

import pytest

from app.domain.customer import Customer
from app.domain.ids import new_id
from app.errors import AlreadyExists
from app.store import Store, StoreConflict, ValueTaken


async def test_numbers_are_found_while_they_live(
    store: Store, customer: Customer, stranger: Customer, samples: Any
) -> None:
    number = await store.numbers.insert(samples.number(customer.id, number="+899123456789"))
    assert await store.numbers.find("+899123456789") == number
    assert await store.numbers.find("+899") is None
    with pytest.raises(ValueTaken) as caught:
        await store.numbers.insert(samples.number(stranger.id, number="+899123456789"))
    assert (caught.value.field, caught.value.details, caught.value.code) == (
        "number",
        {"field": "number"},
        "ALREADY_EXISTS",
    )
    assert "+899" not in str(caught.value)
    await store.numbers.update(replace(number, tm_delete=samples.moment()))
    assert await store.numbers.find("+899123456789") is None
    theirs = await store.numbers.insert(samples.number(stranger.id, number="+899123456789"))
    assert await store.numbers.find("+899123456789") == theirs


async def test_extensions_are_found_by_their_customer_and_by_username(
    store: Store, customer: Customer, stranger: Customer, samples: Any
) -> None:
    ours = await store.extensions.insert(samples.extension(customer.id, extension="100", username="u1"))
    theirs = await store.extensions.insert(samples.extension(stranger.id, extension="100", username="u2"))
    assert await store.extensions.find(customer.id, "100") == ours
    assert await store.extensions.find(stranger.id, "100") == theirs
    assert await store.extensions.find_by_username("u2") == theirs
    assert await store.extensions.list_all() == (ours, theirs)
    for taken, field in (({"extension": "100"}, "extension"), ({"username": "u2"}, "username")):
        with pytest.raises(ValueTaken, match=f"^{field}: there is one") as caught:
            await store.extensions.insert(samples.extension(customer.id, **taken))
        assert caught.value.field == field
    await store.extensions.update(replace(ours, tm_delete=samples.moment()))
    assert await store.extensions.find(customer.id, "100") is None
    assert await store.extensions.find_by_username("u1") is None
    assert await store.extensions.list_all() == (theirs,)


async def test_an_update_to_a_taken_name_is_refused_and_changes_nothing(
    store: Store, customer: Customer, samples: Any
) -> None:
    one = await store.trunks.insert(samples.trunk(customer.id, domain_name="one"))
    two = await store.trunks.insert(samples.trunk(customer.id, domain_name="two"))
    with pytest.raises(AlreadyExists, match="domain_name: there is one"):
        await store.trunks.update(replace(two, domain_name="one"))
    assert await store.trunks.get_by_id(two.id) == two
    await store.trunks.update(replace(one, name="changed"))


async def test_an_id_that_is_taken_is_told_apart_from_an_owner_that_is_missing(
    store: Store, customer: Customer, samples: Any
) -> None:
    room = await store.conferences.insert(samples.conference(customer.id))
    with pytest.raises(ValueTaken) as caught:
        await store.conferences.insert(samples.conference(customer.id, id=room.id))
    assert caught.value.field == "id"
    with pytest.raises(StoreConflict) as missing:
        await store.conferencecalls.insert(samples.conferencecall(samples.conference(customer.id)))
    assert not isinstance(missing.value, AlreadyExists)


async def test_a_deleted_agents_username_is_free(store: Store, customer: Customer, samples: Any) -> None:
    gone = await store.agents.insert(samples.agent(customer.id, username="ann", tm_delete=samples.moment()))
    assert await store.agents.get_by_username("ann") == gone
    ann = await store.agents.insert(samples.agent(customer.id, username="ann"))
    again = await store.agents.insert(samples.agent(customer.id, username="ann", tm_delete=samples.moment()))
    assert again.tm_create > ann.tm_create
    assert await store.agents.get_by_username("ann") == ann
    with pytest.raises(ValueTaken, match="username"):
        await store.agents.insert(samples.agent(customer.id, username="ann"))


async def test_trunks_go_by_priority(store: Store, customer: Customer, stranger: Customer, samples: Any) -> None:
    last, first, middle = [
        await store.trunks.insert(samples.trunk(customer.id, priority=priority)) for priority in (9, -1, 0)
    ]
    theirs = await store.trunks.insert(samples.trunk(stranger.id))
    await store.trunks.insert(samples.trunk(customer.id, tm_delete=samples.moment()))
    assert await store.trunks.list_of(customer.id) == (first, middle, last)
    assert await store.trunks.list_all() == (last, first, middle, theirs)


async def test_temporary_flows_are_run_but_not_listed_and_go_after_a_while(
    store: Store, customer: Customer, samples: Any
) -> None:
    kept = await store.flows.insert(samples.flow(customer.id))
    old = [await store.flows.insert(samples.flow(customer.id, is_temporary=True)) for _ in range(3)]
    new = await store.flows.insert(samples.flow(customer.id, is_temporary=True))
    assert await store.flows.list(customer.id) == (kept,)
    assert await store.flows.get(customer.id, old[0].id) == old[0]
    assert await store.flows.prune_temporary(new.tm_create) == len(old)
    assert await store.flows.prune_temporary(new.tm_create) == 0
    assert await store.flows.get(customer.id, old[0].id) is None
    assert await store.flows.get(customer.id, new.id) == new
    assert await store.flows.get(customer.id, kept.id) == kept


@pytest.mark.parametrize("name", ["flows", "conferences", "extensions", "trunks"])
async def test_what_can_be_dialled_directly_is_found_by_its_hash(
    name: str, store: Store, customer: Customer, samples: Any
) -> None:
    table, make = getattr(store, name), getattr(samples, name[:-1])
    hidden = await table.insert(make(customer.id))
    shown = await table.insert(make(customer.id, direct_hash="abc123"))
    assert hidden.direct_hash == ""
    assert await table.find_by_direct_hash("abc123") == shown
    assert await table.find_by_direct_hash("") is None
    await table.update(replace(shown, tm_delete=samples.moment()))
    assert await table.find_by_direct_hash("abc123") is None


async def test_a_customer_has_one_outbound_config(store: Store, customer: Customer, samples: Any) -> None:
    assert await store.outbound_configs.of(customer.id) is None
    config = await store.outbound_configs.insert(samples.outbound_config(customer.id, destination_whitelist=("de",)))
    assert await store.outbound_configs.of(customer.id) == config
    with pytest.raises(ValueTaken):
        await store.outbound_configs.insert(samples.outbound_config(customer.id))


async def test_the_stays_of_a_conference(store: Store, customer: Customer, samples: Any) -> None:
    room, other = [await store.conferences.insert(samples.conference(customer.id)) for _ in range(2)]
    stays = [await store.conferencecalls.insert(samples.conferencecall(room)) for _ in range(3)]
    elsewhere = await store.conferencecalls.insert(samples.conferencecall(other))
    assert await store.conferencecalls.list_of(room.id) == tuple(stays)
    assert await store.conferencecalls.list(customer.id) == (elsewhere, *reversed(stays))
    assert await store.conferencecalls.list(customer.id, conference_id=room.id, page_size=2) == (stays[2], stays[1])


async def test_the_transcribe_of_a_recording_in_a_language(store: Store, customer: Customer, samples: Any) -> None:
    first, second = [
        await store.transcribes.insert(samples.transcribe(customer.id, reference_id="r" * 36)) for _ in range(2)
    ]
    find = store.transcribes.find_of
    assert await find("r" * 36, "en-US") == second
    assert await find("r" * 36, "ko-KR") is None
    assert await find(new_id(), "en-US") is None
    await store.transcribes.update(replace(second, tm_delete=samples.moment()))
    assert await find("r" * 36, "en-US") == first


async def test_transcripts_in_the_order_in_which_they_were_said(store: Store, customer: Customer, samples: Any) -> None:
    transcribe = await store.transcribes.insert(samples.transcribe(customer.id))
    offset = samples.transcript(transcribe).offset
    late, early, middle, deleted = [
        await store.transcripts.insert(samples.transcript(transcribe, offset=offset * factor))
        for factor in (3, 1, 2, 4)
    ]
    await store.transcripts.update(replace(deleted, tm_delete=samples.moment()))
    assert await store.transcripts.list_of(transcribe.id) == (early, middle, late)


async def test_all_customers(store: Store, customer: Customer, stranger: Customer, samples: Any) -> None:
    await store.customers.insert(samples.customer(tm_delete=samples.moment()))
    assert await store.customers.list_all() == (customer, stranger)
