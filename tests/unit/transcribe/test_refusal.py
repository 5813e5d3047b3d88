"""What is not transcribed, and who learns why: the API by an error, flows and conferences by an event."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.domain.call import CallStatus
from app.domain.customer import Customer
from app.domain.events import Event, EventType
from app.domain.ids import ZERO_ID, new_id
from app.domain.transcribe import Direction, TranscribeRefusal
from app.errors import LanguageNotInstalled, LegGone
from app.speech.recognition_load import RecognitionOverloaded
from app.store import Store
from app.transcribe import conference_session
from app.transcribe.request import TranscribeRequest
from tests.unit.call.rooms import open_house
from tests.unit.transcribe.stage import Stage, open_stage
from tests.unit.transcribe.test_conference_session import enter, leave, live
from tests.unit.transcribe.test_transcribes import tapped


@pytest.fixture
async def stage(store: Store, customer: Customer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    async with open_house(store, customer) as house, open_stage(house, monkeypatch) as opened:
        yield opened


def refusals(stage: Stage) -> list[tuple[Event, TranscribeRefusal]]:
    return [(event, event.data) for event in stage.house.events if isinstance(event.data, TranscribeRefusal)]


async def test_past_the_limit_new_transcribes_are_refused_and_running_ones_go_on(stage: Stage) -> None:
    call = tapped(stage, "alice")
    record = await stage.transcribes.start(call, TranscribeRequest("en-US"))
    stage.pool.is_full = True
    with pytest.raises(RecognitionOverloaded):
        await stage.transcribes.start(call, TranscribeRequest("ko-KR"))
    with pytest.raises(RecognitionOverloaded):
        await stage.transcribes.start_conference(
            await live(stage.house, await stage.house.open()), TranscribeRequest("en-US")
        )
    assert refusals(stage) == [], "who asked over the API was answered"
    stage.ears.of("alice").hear("still heard")
    stage.pool.is_full = False
    second = await stage.transcribes.start(call, TranscribeRequest("ko-KR"))
    for each in (record, second):
        await stage.transcribes.stop(each.id)
    assert [text for *_, text in await stage.rows(record.id)] == ["still heard"]
    assert stage.ports.held == {}


async def test_a_wrong_request_is_wrong_also_under_load(stage: Stage) -> None:
    stage.pool.is_full = True
    with pytest.raises(LanguageNotInstalled):
        await stage.transcribes.start(tapped(stage, "alice"), TranscribeRequest("de-DE"))


async def test_a_flow_goes_on_without_text_and_an_event_says_why(stage: Stage) -> None:
    call, activeflow_id = tapped(stage, "alice"), new_id()
    stage.pool.is_full = True
    request = TranscribeRequest("en-US", direction=Direction.IN, activeflow_id=activeflow_id)
    with pytest.raises(RecognitionOverloaded):
        await stage.transcribes.start_or_tell(call, request)
    ((event, refusal),) = refusals(stage)
    assert (event.type, event.order_key, event.customer_id) == (
        EventType.TRANSCRIBE_REFUSED,
        call.record.id,
        stage.house.customer.id,
    )
    assert (refusal.reason, refusal.activeflow_id, refusal.language, refusal.direction, refusal.is_retried) == (
        "RECOGNITION_OVERLOADED",
        activeflow_id,
        "en-US",
        Direction.IN,
        False,
    )
    assert event.seq == await stage.house.store.events.last_seq(), "it is stored: a replay and webhooks have it"
    assert await stage.house.store.transcribes.list(stage.house.customer.id) == ()
    stage.pool.is_full = False
    with pytest.raises(LanguageNotInstalled):
        await stage.transcribes.start_or_tell(call, TranscribeRequest("de-DE"))
    assert [each.reason for _, each in refusals(stage)] == ["RECOGNITION_OVERLOADED", "LANGUAGE_NOT_INSTALLED"]


async def test_a_party_that_hangs_up_is_no_refusal(stage: Stage) -> None:
    stage.ears.refusals = [LegGone("hung up")]
    with pytest.raises(LegGone):
        await stage.transcribes.start_or_tell(tapped(stage, "alice"), TranscribeRequest("en-US"))
    assert refusals(stage) == []
    assert tapped(stage, "alice").record.status is CallStatus.PROGRESSING


async def test_a_member_that_joins_past_the_limit_is_heard_when_there_is_room(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conference_session, "RETRY_SECONDS", 0.01)
    house = stage.house
    conference_id = await house.open()
    alice, alices = await enter(house, "alice", conference_id)
    record = await stage.transcribes.start_conference(await live(house, conference_id), TranscribeRequest("en-US"))
    stage.pool.is_full = True
    bob, bobs = await enter(house, "bob", conference_id)
    await house.until("transcribe_refused")
    for _ in range(10):
        await asyncio.sleep(0.01)
    ((event, refusal),) = refusals(stage)
    stays = {stay.id: stay for stay in await house.store.conferencecalls.list_of(conference_id)}
    assert stays[refusal.conferencecall_id].reference_id == bob.record.id
    assert (refusal.transcribe_id, refusal.is_retried, refusal.activeflow_id) == (record.id, True, ZERO_ID)
    assert event.order_key == conference_id
    stage.ears.of("alice").hear("alice goes on")
    assert stage.ears.open_count == 1
    stage.pool.is_full = False
    while stage.ears.open_count < 2:
        await asyncio.sleep(0.005)
    stage.ears.of("bob").hear("bob at last")
    await stage.transcribes.stop(record.id)
    assert len(await stage.rows(record.id)) == 2
    await leave(alice, alices)
    await leave(bob, bobs)
