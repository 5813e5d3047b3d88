"""Whatever objects are made of, they come back from the store as they went in, and are updated as a whole."""

from __future__ import annotations

import asyncio
import types
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum, IntFlag
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.call import Call
from app.domain.conference import Conference, Conferencecall, ConferenceStatus, ConferenceType
from app.domain.customer import AccessKey, Agent, Customer
from app.domain.flow import Activeflow, StoredFlow
from app.domain.groupcall import Groupcall
from app.domain.ids import new_id
from app.domain.line import Extension, Number, OutboundConfig, Trunk
from app.domain.queue import Queue, Queuecall
from app.domain.recording import Recording
from app.domain.transcribe import Direction, ReferenceType, Transcribe, TranscribeStatus
from app.domain.transcript import Transcript
from app.domain.webhook import WebhookDelivery
from app.store import Store, open_store

KINDS = (
    *(Customer, Agent, AccessKey, Call, Groupcall, StoredFlow, Activeflow, Conference, Conferencecall, Recording),
    *(Transcribe, Transcript, Number, Extension, Trunk, OutboundConfig, WebhookDelivery, Queue, Queuecall),
)

_UNIQUE = ("username", "token_hash", "number", "extension", "domain_name")

_TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
_SIMPLE: Mapping[object, st.SearchStrategy[Any]] = {
    str: _TEXT,
    bool: st.booleans(),
    int: st.integers(-(2**31), 2**31 - 1),
    float: st.floats(-1, 1),
    object: st.recursive(st.none() | st.booleans() | st.integers(-9, 9) | _TEXT, st.lists, max_leaves=3),
    types.NoneType: st.none(),
    datetime: st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
    timedelta: st.timedeltas(timedelta(days=-1), timedelta(days=9)),
}


def _values(name: str, hint: Any) -> st.SearchStrategy[Any]:
    """Return any values of a field; what the name says counts: ids are UUIDs."""
    if hint is str and (name == "id" or name.endswith("_id")):
        return st.uuids().map(str)
    if hint in _SIMPLE:
        return _SIMPLE[hint]
    if get_origin(hint) is tuple:
        return st.lists(_values("", get_args(hint)[0]), max_size=3).map(tuple)
    if get_origin(hint) is Mapping:
        return st.dictionaries(_TEXT, _SIMPLE[object], max_size=3)
    if get_origin(hint) in (types.UnionType, Union):
        return st.one_of([_values(name, each) for each in get_args(hint)])
    if is_dataclass(hint):
        return _objects(hint)
    if issubclass(hint, IntFlag):
        return st.integers(0, sum(hint)).map(hint)
    assert issubclass(hint, Enum)
    return st.sampled_from(hint)


def _objects(kind: Any) -> st.SearchStrategy[Any]:
    hints = get_type_hints(kind)
    return st.builds(kind, **{field.name: _values(field.name, hints[field.name]) for field in fields(kind)})


@dataclass(frozen=True)
class Bench:
    """A store that all examples share, with the owners that the rows need."""

    runner: asyncio.Runner
    store: Store
    owners: Mapping[str, Any]

    def own(self, item: Any) -> Any:
        """Return `item` with a new id, owners that are there, and values of its own where only one row may have one."""
        names = {field.name for field in fields(item)}
        own = {"id": new_id(), **self.owners, **{name: new_id() for name in _UNIQUE}}
        if isinstance(item, OutboundConfig):  # only one that is not deleted
            own["tm_delete"] = item.tm_create
        return replace(item, **{name: value for name, value in own.items() if name in names})

    def insert(self, item: Any) -> Any:
        return self.runner.run(self.store.table_of(item).insert(item))

    def update(self, item: Any) -> None:
        self.runner.run(self.store.table_of(item).update(item))

    def get(self, item: Any) -> Any:
        return self.runner.run(self.store.table_of(item).get_by_id(item.id))


async def _insert_owners(store: Store) -> Mapping[str, str]:
    """Store a customer, a conference, a queue and a transcribe; return their ids by the columns that refer to them."""
    moment = datetime(1999, 1, 1, tzinfo=UTC)
    customer = await store.customers.insert(Customer(new_id(), "ours", moment, moment))
    kind, status = ConferenceType.CONFERENCE, ConferenceStatus.PROGRESSING
    room = await store.conferences.insert(Conference(new_id(), customer.id, kind, status, "", moment, moment))
    queue = await store.queues.insert(Queue(new_id(), customer.id, "", moment, moment))
    transcribe = await store.transcribes.insert(
        Transcribe(
            id=new_id(),
            customer_id=customer.id,
            reference_type=ReferenceType.CALL,
            reference_id=new_id(),
            status=TranscribeStatus.DONE,
            language="en-US",
            direction=Direction.BOTH,
            engine="",
            model="",
            tm_create=moment,
            tm_update=moment,
        )
    )
    return {
        "customer_id": customer.id,
        "conference_id": room.id,
        "queue_id": queue.id,
        "transcribe_id": transcribe.id,
    }


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    async def close(stack: AsyncExitStack) -> None:
        await stack.aclose()

    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        url = f"sqlite:///{tmp_path_factory.mktemp('any')}/x.db"
        store = runner.run(stack.enter_async_context(open_store(url)))
        owners = runner.run(_insert_owners(store))
        yield Bench(runner, store, owners)
        runner.run(close(stack))


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_any_object_comes_back_and_is_updated_as_a_whole(kind: Any, data: st.DataObject, bench: Bench) -> None:
    first, second = data.draw(_objects(kind)), data.draw(_objects(kind))
    stored = bench.insert(bench.own(first))
    assert bench.get(stored) == stored
    changed = replace(bench.own(second), id=stored.id)
    bench.update(changed)
    assert bench.get(stored) == replace(changed, tm_create=stored.tm_create)


def test_what_is_never_stored_has_no_table(bench: Bench, samples: Any) -> None:
    speech = samples.speech(samples.transcribe(new_id()))
    with pytest.raises(TypeError, match="no table of SpeechEvent"):
        bench.store.table_of(speech)
