"""Every resource comes back from the store as it went in, and is updated as a whole."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.domain.call import Address, AddressType, CallAction, CallStatus, HangupBy, HangupReason
from app.domain.customer import Customer, Permission
from app.domain.flow import Action, ActiveflowStatus
from app.domain.ids import new_id
from app.domain.transcribe import TranscribeStatus
from app.domain.transcript import Word
from app.errors import NotFound
from app.store import Store, StoreConflict


async def test_a_customer_comes_back(store: Store, samples: Any) -> None:
    ours = samples.customer(webhook_uri="https://x.test", webhook_secret="s", tm_delete=samples.moment())
    assert await store.customers.insert(ours) == ours
    assert await store.customers.get_by_id(ours.id) == ours
    assert await store.customers.get(ours.id, ours.id) == ours
    assert await store.customers.get(new_id(), ours.id) is None
    assert await store.customers.first() == ours


async def test_an_agent_comes_back_by_id_and_by_username(store: Store, customer: Customer, samples: Any) -> None:
    permission = Permission.CUSTOMER_ADMIN | Permission.CUSTOMER_AGENT
    agent = samples.agent(customer.id, username="admin", permission=permission)
    await store.agents.insert(agent)
    assert await store.agents.get(customer.id, agent.id) == agent
    assert await store.agents.get_by_username("admin") == agent
    assert await store.agents.get_by_username("Admin") is None


async def test_an_access_key_comes_back_by_hash(store: Store, customer: Customer, samples: Any) -> None:
    key = samples.access_key(customer.id, token_hash="a" * 64, tm_expire=samples.moment())
    await store.access_keys.insert(key)
    assert await store.access_keys.get_by_hash("a" * 64) == key
    assert await store.access_keys.get_by_hash("b" * 64) is None


async def test_a_call_comes_back_with_all_its_fields(store: Store, customer: Customer, samples: Any) -> None:
    call = samples.call(
        customer.id,
        source=Address(AddressType.SIP, "élise@host", "t", "Élise", "d"),
        action=CallAction(new_id(), "talk", new_id(), {"text": "héllo", "n": [1, {"a": None}]}, samples.moment()),
        hangup_by=HangupBy.REMOTE,
        hangup_reason=HangupReason.NOANSWER,
        tm_ringing=samples.moment(),
        tm_progressing=samples.moment(),
        tm_hangup=samples.moment(),
    )
    await store.calls.insert(call)
    assert await store.calls.get(customer.id, call.id) == call
    plain = samples.call(customer.id)
    await store.calls.insert(plain)
    assert await store.calls.get_by_id(plain.id) == plain


async def test_an_activeflow_comes_back_with_its_cursor(store: Store, customer: Customer, samples: Any) -> None:
    done = (Action(new_id(), "answer"), Action("a name", "talk", {"text": "${x}"}, "there"))
    flow = samples.activeflow(customer.id, current_action=done[1], executed_actions=done)
    await store.activeflows.insert(flow)
    assert await store.activeflows.get(customer.id, flow.id) == flow
    ended = replace(flow, status=ActiveflowStatus.ENDED, current_action=None, tm_update=samples.moment())
    await store.activeflows.update(ended)
    assert await store.activeflows.get(customer.id, flow.id) == ended
    assert await store.activeflows.list_running() == ()


async def test_a_transcript_comes_back_with_its_words(store: Store, customer: Customer, samples: Any) -> None:
    transcribe = await store.transcribes.insert(samples.transcribe(customer.id, provider="aws"))
    assert await store.transcribes.get(customer.id, transcribe.id) == transcribe
    full = samples.transcript(transcribe)
    bare = samples.transcript(transcribe, words=None, confidence=None, message="안녕하세요")
    wordless = samples.transcript(transcribe, words=())
    early = samples.transcript(transcribe, words=(Word("x", timedelta(microseconds=-5), timedelta(0), 1.0),))
    for transcript in (full, bare, wordless, early):
        await store.transcripts.insert(transcript)
        assert await store.transcripts.get(customer.id, transcript.id) == transcript
    assert await store.transcripts.list(transcribe.id) == (early, wordless, bare, full)
    assert await store.transcripts.list(new_id()) == ()


async def test_times_of_other_zones_are_stored_as_utc(store: Store, samples: Any) -> None:
    east = datetime.fromisoformat("2026-03-01T01:02:03.000004+09:00")
    ours = await store.customers.insert(samples.customer(tm_create=east, tm_update=east))
    back = await store.customers.get_by_id(ours.id)
    assert back is not None
    assert back.tm_create == datetime(2026, 2, 28, 16, 2, 3, 4, tzinfo=UTC)
    assert back.tm_create.tzinfo is UTC


async def test_an_update_replaces_the_row_but_not_its_creation(store: Store, customer: Customer, samples: Any) -> None:
    call = await store.calls.insert(samples.call(customer.id))
    later = samples.moment()
    await store.calls.update(replace(call, status=CallStatus.HANGUP, tm_update=later, tm_create=later))
    back = await store.calls.get(customer.id, call.id)
    assert back == replace(call, status=CallStatus.HANGUP, tm_update=later)


@pytest.mark.parametrize("word", ["calls", "transcribes", "agents"])
async def test_an_update_of_nothing_says_so(word: str, store: Store, customer: Customer, samples: Any) -> None:
    make = {"calls": samples.call, "transcribes": samples.transcribe, "agents": samples.agent}[word]
    with pytest.raises(NotFound, match=f"there is no {word[:-1]} with the id"):
        await getattr(store, word).update(make(customer.id))


async def test_clashing_rows_are_refused(store: Store, customer: Customer, samples: Any) -> None:
    call = await store.calls.insert(samples.call(customer.id))
    agent = await store.agents.insert(samples.agent(customer.id, username="admin"))
    attempts: list[Callable[[], Awaitable[object]]] = [
        lambda: store.calls.insert(replace(call, tm_create=samples.moment())),
        lambda: store.agents.insert(samples.agent(customer.id, username=agent.username)),
        lambda: store.calls.insert(samples.call(new_id())),
        lambda: store.transcripts.insert(samples.transcript(samples.transcribe(customer.id))),
    ]
    for attempt in attempts:
        with pytest.raises(StoreConflict):
            await attempt()


async def test_the_rows_of_another_customer_are_not_given(
    store: Store, customer: Customer, stranger: Customer, samples: Any
) -> None:
    theirs = await store.calls.insert(samples.call(stranger.id))
    assert await store.calls.get(customer.id, theirs.id) is None
    assert await store.calls.get_by_id(theirs.id) == theirs
    assert await store.calls.list(customer.id) == ()


async def test_live_calls_and_progressing_transcribes_are_found(
    store: Store, customer: Customer, stranger: Customer, samples: Any
) -> None:
    live = [samples.call(owner.id, status=status) for owner in (customer, stranger) for status in list(CallStatus)[:-1]]
    for call in [*live, samples.call(customer.id, status=CallStatus.HANGUP)]:
        await store.calls.insert(call)
    assert await store.calls.list_live() == tuple(live)
    listening = await store.transcribes.insert(samples.transcribe(customer.id))
    await store.transcribes.insert(samples.transcribe(customer.id, status=TranscribeStatus.DONE))
    assert await store.transcribes.list_progressing() == (listening,)
