"""Transcribes of calls: who spoke, one per language, what follows their end, and how they are deleted."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from app.call.live_call import LiveCall
from app.domain.call import Address, AddressType, CallDirection, CallStatus
from app.domain.customer import Customer
from app.domain.transcribe import Direction, TranscribeStatus
from app.errors import InvalidArgument, LegGone, NotFound, StateInvalid, TranscribeAlreadyProgressing, Unavailable
from app.store import Store
from app.transcribe import call_session
from app.transcribe import transcribes as transcribes_module
from app.transcribe.ear import party_of
from app.transcribe.request import TranscribeRequest
from tests.unit.call.fakes import FakeCall, make_call
from tests.unit.call.rooms import open_house
from tests.unit.transcribe.stage import Stage, open_stage


@dataclass
class TappedCall(FakeCall):
    """A call to which things can be attached."""

    closers: list[Any] = field(default_factory=list)

    @contextmanager
    def attach(self, closer: Any) -> Iterator[None]:
        self.closers.append(closer)
        yield
        self.closers.remove(closer)


@pytest.fixture
async def stage(store: Store, customer: Customer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    async with open_house(store, customer) as house, open_stage(house, monkeypatch) as opened:
        yield opened


def tapped(stage: Stage, name: str, direction: CallDirection = CallDirection.INCOMING) -> LiveCall:
    record = replace(make_call(direction, CallStatus.PROGRESSING), customer_id=stage.house.customer.id)
    return cast("LiveCall", TappedCall(record, channel_id=name))


async def test_a_call_is_heard_in_both_directions(stage: Stage) -> None:
    call, other = tapped(stage, "alice"), tapped(stage, "bob", CallDirection.OUTGOING)
    record = await stage.transcribes.start(call, TranscribeRequest("EN-us"))
    stage.ears.of("alice").hear("hello")
    stage.ears.of("alice", Direction.OUT).hear("this is a prompt")
    call.peer = other
    stage.ears.of("alice", Direction.OUT).hear("bob here")
    call.peer = None
    stage.ears.of("alice", Direction.OUT).last_words = "goodbye says the prompt"
    done = await stage.transcribes.stop(record.id)
    assert done is not None
    assert done.status is TranscribeStatus.DONE
    assert sorted(await stage.rows(record.id)) == sorted(
        [
            (call.record.id, "in", "hello"),
            ("", "out", "this is a prompt"),
            (other.record.id, "out", "bob here"),
            ("", "out", "goodbye says the prompt"),
        ]
    )
    assert stage.done == [done]
    assert await stage.transcribes.stop(record.id) is None


def test_the_far_party_is_who_calls_us_or_whom_we_call() -> None:
    record = make_call(CallDirection.INCOMING)
    call = FakeCall(replace(record, source=Address(AddressType.SIP, "al@x", target_name="Al")))
    assert party_of(cast("LiveCall", call)).name == "Al"
    call.record = replace(call.record, direction=CallDirection.OUTGOING)
    assert party_of(cast("LiveCall", call)).name == "bob@127.0.0.1"


async def test_the_end_of_the_call_ends_it_after_its_last_words(stage: Stage) -> None:
    call = tapped(stage, "alice")
    record = await stage.transcribes.start(call, TranscribeRequest("en-US", direction=Direction.IN))
    stage.ears.of("alice").last_words = "bye"
    (closer,) = cast("TappedCall", call).closers
    await closer()
    assert [text for *_, text in await stage.rows(record.id)] == ["bye"]
    types = [it for it in stage.house.types if "speech" not in it]
    assert types == ["transcribe_created", "transcribe_progressing", "transcript_created", "transcribe_done"]


async def test_what_cannot_be_transcribed(stage: Stage) -> None:
    call = tapped(stage, "alice")
    with pytest.raises(InvalidArgument):
        await stage.transcribes.start(call, TranscribeRequest("klingon!"))
    outcomes = await asyncio.gather(
        *(stage.transcribes.start(call, TranscribeRequest("en-US")) for _ in range(4)), return_exceptions=True
    )
    assert sum(isinstance(each, TranscribeAlreadyProgressing) for each in outcomes) == 3
    stage.ports.free = 0
    with pytest.raises(Unavailable):
        await stage.transcribes.start(call, TranscribeRequest("ko-KR"))
    await stage.transcribes.stop_call(call.record.id)
    ringing = cast("TappedCall", call)
    ringing.record = replace(ringing.record, status=CallStatus.RINGING)
    with pytest.raises(StateInvalid):
        await stage.transcribes.start(call, TranscribeRequest("en-US"))


async def test_one_that_does_not_open_leaves_no_row(stage: Stage) -> None:
    call = tapped(stage, "alice")
    stage.ears.refusals = [LegGone("hung up")]
    with pytest.raises(LegGone):
        await stage.transcribes.start(call, TranscribeRequest("en-US"))
    assert stage.house.types == []
    assert stage.done == []


async def test_a_model_may_take_longer_to_load_than_a_tap_to_open(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_session, "OPEN_SECONDS", 0.5)
    stage.pool.may_load.clear()
    starting = asyncio.create_task(stage.transcribes.start(tapped(stage, "alice"), TranscribeRequest("ko-KR")))
    await asyncio.sleep(0.7)
    assert stage.pool.loaded == ["ko-KR"]
    assert not starting.done()
    stage.pool.may_load.set()
    assert (await starting).status is TranscribeStatus.PROGRESSING
    await stage.transcribes.stop((await starting).id)


async def test_a_deleted_transcribe_takes_its_transcripts_along(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcribes_module, "DELETED_AT_ONCE", 3)
    call, store = tapped(stage, "alice"), stage.house.store
    record = await stage.transcribes.start(call, TranscribeRequest("en-US", direction=Direction.IN))
    for number in range(7):
        stage.ears.of("alice").hear(f"text {number}")
    deleted = await stage.transcribes.delete(record.id)
    assert (deleted.status, deleted.tm_delete is None) == (TranscribeStatus.DONE, False)
    assert await store.transcripts.list_of(record.id) == ()
    assert await store.transcribes.list(stage.house.customer.id) == ()
    types = [it for it in stage.house.types if "speech" not in it]
    assert types[-9:] == ["transcribe_done", *["transcript_deleted"] * 7, "transcribe_deleted"]
    assert {event.order_key for event in stage.house.events} == {call.record.id}
    with pytest.raises(NotFound):
        await stage.transcribes.delete(record.id)
