"""A transcribe of a conference hears every member apart, while members come and go."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.call.conference import LiveConference
from app.domain.conference import ConferenceStatus
from app.domain.customer import Customer
from app.domain.ids import ZERO_ID
from app.domain.transcribe import Direction, ReferenceType, TranscribeStatus
from app.errors import LanguageNotInstalled, LegGone, StateInvalid, TranscribeAlreadyProgressing, Unavailable
from app.store import Store
from app.transcribe import conference_session
from app.transcribe.request import TranscribeRequest
from tests.unit.call.fakes import FakeCall
from tests.unit.call.rooms import House, open_house
from tests.unit.transcribe.stage import Stage, open_stage

ENGLISH = TranscribeRequest("en-us", direction=Direction.BOTH)


@pytest.fixture
async def house(store: Store, customer: Customer) -> AsyncIterator[House]:
    async with open_house(store, customer) as opened:
        yield opened


@pytest.fixture
async def stage(house: House, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    async with open_stage(house, monkeypatch) as opened:
        yield opened


async def live(house: House, conference_id: str) -> LiveConference:
    found = await house.conferences.find(conference_id)
    assert found is not None
    return found


async def enter(house: House, name: str, conference_id: str) -> "tuple[FakeCall, asyncio.Task[object]]":
    call, joined = house.call(name), house.types.count("conferencecall_joined")
    stay = house.enter(call, conference_id)
    await house.until("conferencecall_joined", joined + 1)
    return call, stay


async def leave(call: FakeCall, stay: "asyncio.Task[object]") -> None:
    call.end()
    with pytest.raises(LegGone):
        await stay


async def test_everybody_is_heard_apart_while_they_come_and_go(stage: Stage) -> None:
    house = stage.house
    conference_id = await house.open()
    alice, alices = await enter(house, "alice", conference_id)
    record = await stage.transcribes.start_conference(await live(house, conference_id), ENGLISH)
    assert (record.reference_type, record.reference_id) == (ReferenceType.CONFBRIDGE, conference_id)
    assert (record.language, record.direction) == ("en-US", Direction.BOTH), "what was asked for is echoed"
    stage.ears.of("alice").hear("alice one")
    bob, bobs = await enter(house, "bob", conference_id)
    while stage.ears.open_count < 2:
        await asyncio.sleep(0.005)
    stage.ears.of("bob").hear("bob one")
    stage.ears.of("alice").last_words = "alice last"
    await leave(alice, alices)
    stage.ears.of("bob").hear("bob two")
    while stage.ears.open_count > 1:
        await asyncio.sleep(0.005)
    again, agains = await enter(house, "alice", conference_id)
    while stage.ears.open_count < 2:
        await asyncio.sleep(0.005)
    stage.ears.of("alice").last_words = "alice again"
    stopped = await stage.transcribes.stop(record.id)
    assert stopped is not None
    assert stopped.status is TranscribeStatus.DONE

    assert sorted(await stage.rows(record.id)) == sorted(
        [
            (alice.record.id, "in", "alice one"),
            (bob.record.id, "in", "bob one"),
            (alice.record.id, "in", "alice last"),
            (bob.record.id, "in", "bob two"),
            (again.record.id, "in", "alice again"),
        ]
    )
    rows = await house.store.transcripts.list_of(record.id)
    stays = {stay.id: stay for stay in await house.store.conferencecalls.list_of(conference_id)}
    for row in rows:
        assert row.speaker is not None
        assert stays[row.speaker.conferencecall_id].reference_id == row.speaker.call_id
        assert row.speaker.name == "+15551230001"
    types = [it for it in house.types if it.startswith("trans") and "speech" not in it]
    assert types[:2] == ["transcribe_created", "transcribe_progressing"]
    assert types[-1] == "transcribe_done"
    assert {event.order_key for event in house.events if event.type.value.startswith("trans")} == {conference_id}
    assert stage.done == [stopped]
    for call, stay in ((bob, bobs), (again, agains)):
        await leave(call, stay)


async def test_it_waits_where_nobody_is_and_ends_with_the_conference(stage: Stage) -> None:
    house = stage.house
    conference_id = await house.open()
    record = await stage.transcribes.start_conference(await live(house, conference_id), ENGLISH)
    noted = await house.store.conferences.get(house.customer.id, conference_id)
    assert noted is not None
    assert (noted.transcribe_id, noted.transcribe_ids) == (record.id, (record.id,))
    alice, stay = await enter(house, "alice", conference_id)
    while not stage.ears.open_count:
        await asyncio.sleep(0.005)
    stage.ears.of("alice").last_words = "goodbye"
    ended = await house.conferences.end(conference_id)
    assert ended.status is ConferenceStatus.TERMINATED
    assert ended.transcribe_id == ZERO_ID
    await stay
    assert await stage.rows(record.id) == [(alice.record.id, "in", "goodbye")]
    await house.until("transcribe_done")
    types = house.types
    assert types.index("transcript_created") < types.index("transcribe_done")
    assert await stage.transcribes.stop(record.id) is None


async def test_the_same_language_twice_is_refused_also_at_once(stage: Stage) -> None:
    house = stage.house
    conference = await live(house, await house.open())
    outcomes = await asyncio.gather(
        *(stage.transcribes.start_conference(conference, ENGLISH) for _ in range(5)), return_exceptions=True
    )
    assert sum(isinstance(each, TranscribeAlreadyProgressing) for each in outcomes) == 4
    korean = await stage.transcribes.start_conference(conference, TranscribeRequest("ko-KR"))
    with pytest.raises(LanguageNotInstalled):
        await stage.transcribes.start_conference(conference, TranscribeRequest("de-DE"))
    await stage.transcribes.stop(korean.id)
    await house.conferences.end(conference.record.id)
    with pytest.raises(StateInvalid):
        await stage.transcribes.start_conference(conference, ENGLISH)


async def test_members_that_cannot_be_heard_at_first_are_tried_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conference_session, "RETRY_SECONDS", 0.02)
    house = stage.house
    conference_id = await house.open()
    alice, alices = await enter(house, "alice", conference_id)
    bob, bobs = await enter(house, "bob", conference_id)
    stage.ears.refusals = [Unavailable("no recognizer"), RuntimeError("broken")]
    stage.ports.free = 1
    record = await stage.transcribes.start_conference(await live(house, conference_id), ENGLISH)
    while stage.ears.open_count != 1:
        await asyncio.sleep(0.005)
    stage.ports.free = 5
    while stage.ears.open_count != 2:
        await asyncio.sleep(0.005)
    for name in ("alice", "bob"):
        stage.ears.of(name).hear(f"{name} speaks")
    await stage.transcribes.stop(record.id)
    assert len(await stage.rows(record.id)) == 2
    await leave(alice, alices)
    await leave(bob, bobs)


async def test_conferences_of_two_customers_are_apart(stage: Stage, stranger: Customer) -> None:
    house = stage.house
    ours = await house.open()
    alice, alices = await enter(house, "alice", ours)
    async with open_house(house.store, stranger, is_alone=False) as other_house:
        theirs = await other_house.open()
        eve, eves = await enter(other_house, "eve", theirs)
        one = await stage.transcribes.start_conference(await live(house, ours), ENGLISH)
        two = await stage.transcribes.start_conference(await live(other_house, theirs), ENGLISH)
        stage.ears.of("alice").hear("ours")
        stage.ears.of("eve").hear("theirs")
        await stage.transcribes.stop(one.id)
        await stage.transcribes.stop(two.id)
        assert (one.customer_id, two.customer_id) == (house.customer.id, stranger.id)
        assert [text for *_, text in await stage.rows(one.id)] == ["ours"]
        assert [text for *_, text in await stage.rows(two.id)] == ["theirs"]
        assert {row.customer_id for row in await house.store.transcripts.list_of(two.id)} == {stranger.id}
        await leave(eve, eves)
    await leave(alice, alices)


async def test_a_member_that_leaves_while_its_ear_opens(stage: Stage) -> None:
    house = stage.house
    conference_id = await house.open()
    record = await stage.transcribes.start_conference(await live(house, conference_id), ENGLISH)
    stage.ears.gate = asyncio.Event()
    alice, alices = await enter(house, "alice", conference_id)
    await leave(alice, alices)
    stage.ears.gate.set()
    await stage.transcribes.stop(record.id)
    assert await stage.rows(record.id) == []
