"""Conferences: who comes and goes, in which order it is told, and how rooms end."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from app.call import conference as conference_module
from app.call import room as room_module
from app.call.conference_ledger import Member
from app.call.conferences import ConferenceFields
from app.domain.conference import Conference, Conferencecall, ConferencecallStatus, ConferenceStatus, ConferenceType
from app.domain.customer import Customer
from app.domain.ids import ZERO_ID, new_id
from app.errors import AlreadyExists, LegGone, NotFound, StateInvalid
from app.store import Store
from tests.unit.call.rooms import House, NotingAri, open_house


@pytest.fixture
async def house(store: Store, customer: Customer) -> AsyncIterator[House]:
    async with open_house(store, customer) as opened:
        yield opened


async def stored(house: House, conference_id: str) -> Conference:
    found = await house.store.conferences.get(house.customer.id, conference_id)
    assert found is not None
    return found


async def test_a_stay_is_told_in_order_and_ends_by_a_kick(house: House) -> None:
    conference_id, activeflow_id = await house.open(name="daily"), new_id()
    alice = house.call("alice")
    inside = house.enter(alice, conference_id, activeflow_id)
    await house.until("conferencecall_joined")
    live = await house.conferences.find(conference_id)
    assert live is not None
    assert alice.log == ["answer", "make way"]
    assert house.ari.bridges == {live.bridge_id: ["alice"]}
    assert house.conferences.owns(live.bridge_id)
    (member_id,) = live.members
    await house.until("conference_updated")
    assert (await stored(house, conference_id)).conferencecall_ids == (member_id,)

    kicked = await house.conferences.kick(member_id)
    assert kicked is not None
    assert kicked.status is ConferencecallStatus.LEAVED
    assert await inside == kicked
    assert house.ari.bridges == {live.bridge_id: []}
    assert await house.conferences.kick(member_id) is None
    assert house.types == [
        "conference_created",
        "conferencecall_joining",
        "conferencecall_joined",
        "conference_updated",
        "conferencecall_leaving",
        "conferencecall_leaved",
        "conference_updated",
    ]
    row = await house.store.conferencecalls.get(house.customer.id, member_id)
    assert row == kicked
    assert (row.reference_id, row.activeflow_id) == (alice.record.id, activeflow_id)
    assert (await stored(house, conference_id)).conferencecall_ids == ()
    assert (await stored(house, conference_id)).status is ConferenceStatus.PROGRESSING
    assert house.after == [kicked]


async def test_a_party_that_hangs_up_is_out(house: House) -> None:
    conference_id = await house.open()
    alice, bob = house.call("alice"), house.call("bob")
    stays = [house.enter(alice, conference_id), house.enter(bob, conference_id)]
    await house.until("conferencecall_joined", 2)
    alice.end()
    with pytest.raises(LegGone):
        await stays[0]
    # The call's scope cancels the flow at the same time: it is out all the same.
    bob.end()
    stays[1].cancel()
    with pytest.raises((LegGone, asyncio.CancelledError)):
        await stays[1]
    assert house.types.count("conferencecall_leaved") == 2
    assert (await stored(house, conference_id)).conferencecall_ids == ()
    assert all(not path.endswith("removeChannel") for path in house.ari.asked), "their channels are gone already"


async def test_a_flow_that_is_cancelled_at_any_moment_leaves_nothing(house: House) -> None:
    conference_id = await house.open()
    for moment in range(40):
        alice = house.call(f"alice{moment}")
        inside = house.enter(alice, conference_id)
        await asyncio.sleep(moment / 2000)  # from before the first row to after the last
        inside.cancel()
        await asyncio.gather(inside, return_exceptions=True)
    await house.until("conferencecall_leaved", house.types.count("conferencecall_joining"))
    rows = await house.store.conferencecalls.list_of(conference_id)
    assert {row.status for row in rows} == {ConferencecallStatus.LEAVED}
    assert (await stored(house, conference_id)).conferencecall_ids == ()
    assert all(not members for members in house.ari.bridges.values())


async def test_a_deleted_conference_sends_everybody_out_and_is_gone(house: House) -> None:
    conference_id = await house.open()
    ended: list[str] = []
    stays = [house.enter(house.call(name), conference_id) for name in ("alice", "bob", "carol")]
    await house.until("conferencecall_joined", 3)
    live = await house.conferences.find(conference_id)
    assert live is not None

    async def closer() -> None:
        ended.append("attached")

    with live.attach(closer):
        gone = await house.conferences.delete(conference_id)
    left = await asyncio.gather(*stays)
    assert {each.status for each in left} == {ConferencecallStatus.LEAVED}
    assert gone.status is ConferenceStatus.TERMINATED
    assert gone.tm_end is not None
    assert gone.tm_delete is not None
    assert ended == ["attached"]
    assert house.ari.bridges == {}
    assert len(house.conferences) == 0
    await house.until("conference_deleted")
    told = [event.data.status for event in house.events if isinstance(event.data, Conference)]
    assert ConferenceStatus.TERMINATING in told
    assert told[-2:] == [ConferenceStatus.TERMINATED, ConferenceStatus.TERMINATED]
    assert house.types[-1] == "conference_deleted"
    with pytest.raises(NotFound):
        await house.conferences.delete(conference_id)
    with pytest.raises(NotFound):
        await house.enter(house.call("late"), conference_id)


async def test_connect_ejects_the_last_one_and_ends(house: House) -> None:
    conference_id = await house.open(type=ConferenceType.CONNECT)
    alice, bob = house.call("alice"), house.call("bob")
    one = house.enter(alice, conference_id)
    await house.until("conferencecall_joined")
    other = house.enter(bob, conference_id)
    await house.until("conferencecall_joined", 2)
    bob.end()
    with pytest.raises(LegGone):
        await other
    assert (await one).status is ConferencecallStatus.LEAVED
    assert not alice.is_gone
    await house.until("conferencecall_leaved", 2)
    while (await stored(house, conference_id)).status is not ConferenceStatus.TERMINATED:
        await asyncio.sleep(0.01)
    assert (await stored(house, conference_id)).tm_end is not None
    with pytest.raises(StateInvalid):
        await house.enter(house.call("late"), conference_id)


async def test_connect_lets_the_first_one_wait(house: House) -> None:
    conference_id = await house.open(type=ConferenceType.CONNECT)
    alice = house.call("alice")
    inside = house.enter(alice, conference_id)
    await house.until("conferencecall_joined")
    alice.end()
    with pytest.raises(LegGone):
        await inside
    assert (await stored(house, conference_id)).status is ConferenceStatus.PROGRESSING


async def test_the_time_out_ends_a_conference_and_sends_everybody_out(store: Store, customer: Customer) -> None:
    async with open_house(store, customer) as house:
        conference_id = await house.open(timeout=60)
        old = await stored(house, conference_id)
    # As a restart after 60 s finds it: in the store, and nowhere else.
    late = replace(old, id=new_id(), tm_create=old.tm_create - timedelta(seconds=60) + timedelta(seconds=1))
    await store.conferences.insert(late)
    async with open_house(store, customer) as house:
        inside = house.enter(house.call("alice"), late.id)
        assert (await asyncio.wait_for(inside, 5)).status is ConferencecallStatus.LEAVED
        while (await stored(house, late.id)).status is not ConferenceStatus.TERMINATED:
            await asyncio.sleep(0.01)
        assert (await stored(house, late.id)).tm_delete is None
        assert (await stored(house, conference_id)).status is ConferenceStatus.PROGRESSING
        assert await house.conferences.find(late.id) is None


async def test_short_time_outs_become_a_day(house: House) -> None:
    for asked, given in ((0, 0), (1, 86_400), (59, 86_400), (60, 60), (7200, 7200)):
        conference_id = await house.open(timeout=asked)
        assert (await stored(house, conference_id)).timeout == given
    changed = await house.conferences.update(conference_id, ConferenceFields(name="new", timeout=30))
    assert (changed.name, changed.timeout) == ("new", 86_400)
    assert house.types[-1] == "conference_updated"


async def test_an_id_can_be_chosen_once(house: House) -> None:
    chosen = new_id()
    made = await house.conferences.create(house.customer.id, ConferenceFields(), conference_id=chosen)
    assert made.id == chosen
    with pytest.raises(AlreadyExists):
        await house.conferences.create(house.customer.id, ConferenceFields(), conference_id=chosen)


async def test_a_stored_conference_opens_again_after_a_restart(store: Store, customer: Customer) -> None:
    async with open_house(store, customer) as house:
        conference_id = await house.open()
        inside = house.enter(house.call("alice"), conference_id)
        await house.until("conferencecall_joined")
        inside.cancel()
        await asyncio.gather(inside, return_exceptions=True)
    async with open_house(store, customer) as house:
        assert house.ari.bridges == {}
        live = await house.conferences.find(conference_id)
        assert live is not None
        assert list(house.ari.bridges) == [live.bridge_id]


async def test_a_lost_bridge_sends_its_members_on_and_is_made_anew(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conference_module, "HANG_UP_SECONDS", 0.01)
    conference_id = await house.open()
    inside = house.enter(house.call("alice"), conference_id)
    await house.until("conferencecall_joined")
    live = await house.conferences.find(conference_id)
    assert live is not None
    lost = asyncio.create_task(live.wait_room_ended())
    house.ari.lose(live.bridge_id)
    await lost
    assert (await inside).status is ConferencecallStatus.LEAVED
    again = house.enter(house.call("bob"), conference_id)
    await house.until("conferencecall_joined", 2)
    assert house.ari.bridges == {live.bridge_id: ["bob"]}
    again.cancel()
    await asyncio.gather(again, return_exceptions=True)


async def test_a_channel_that_leaves_by_itself_is_out(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conference_module, "HANG_UP_SECONDS", 0.01)
    conference_id = await house.open()
    alice, bob = house.call("alice"), house.call("bob")
    stays = [house.enter(alice, conference_id), house.enter(bob, conference_id)]
    await house.until("conferencecall_joined", 2)
    live = await house.conferences.find(conference_id)
    assert live is not None
    house.ari.drop(live.bridge_id, "alice")
    assert (await stays[0]).status is ConferencecallStatus.LEAVED
    assert [member.call.channel_id for member in live.members.values()] == ["bob"]
    stays[1].cancel()
    await asyncio.gather(stays[1], return_exceptions=True)


async def test_a_room_that_nobody_needs_is_given_up(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room_module, "IDLE_SECONDS", 0.0)
    monkeypatch.setattr(room_module, "LOOK_SECONDS", 0.02)
    conference_id = await house.open()

    async def closer() -> None:
        pass

    live = await house.conferences.find(conference_id)
    assert live is not None
    with live.attach(closer):
        await asyncio.sleep(0.1)
        assert list(house.ari.bridges) == [live.bridge_id], "something is attached to it"
    while house.ari.bridges:
        await asyncio.sleep(0.01)
    assert len(house.conferences) == 0
    again = await house.conferences.find(conference_id)
    assert again is not None
    assert again is not live


async def test_a_room_that_cannot_be_opened_is_an_error_of_the_one_call(store: Store, customer: Customer) -> None:
    ari = NotingAri()
    async with open_house(store, customer, ari) as house:
        conference_id = await house.open()
        live_bridge = f"callscribe-conference-{conference_id}"
        ari.refuses[live_bridge] = 500
        with pytest.raises(Exception, match="500"):
            await house.enter(house.call("alice"), conference_id)
        ari.refuses.clear()
        inside = house.enter(house.call("bob"), conference_id)
        await house.until("conferencecall_joined")
        inside.cancel()
        await asyncio.gather(inside, return_exceptions=True)
        assert house.types.count("conferencecall_leaved") == 2


async def test_a_caller_that_is_gone_before_it_is_in(house: House) -> None:
    conference_id = await house.open()
    house.ari.refuses["addChannel"] = 400
    with pytest.raises(LegGone):
        await house.enter(house.call("alice"), conference_id)
    await house.until("conferencecall_leaved")
    assert "conferencecall_joined" not in house.types


async def test_another_customers_conference_is_not_found(house: House, stranger: Customer) -> None:
    conference_id = (await house.conferences.create(stranger.id, ConferenceFields())).id
    with pytest.raises(NotFound):
        await house.enter(house.call("alice"), conference_id)
    with pytest.raises(NotFound):
        await house.enter(house.call("alice"), new_id())


async def test_watchers_hear_of_everybody_once(house: House) -> None:
    conference_id = await house.open()
    first = house.enter(house.call("alice"), conference_id)
    await house.until("conferencecall_joined")
    live = await house.conferences.find(conference_id)
    assert live is not None
    seen: list[str] = []

    def joined(member: Member) -> None:
        seen.append(f"+{member.call.channel_id}")

    def left(member: Member) -> None:
        seen.append(f"-{member.call.channel_id}")

    with live.watch_members(joined, left):
        second = house.enter(house.call("bob"), conference_id)
        await house.until("conferencecall_joined", 2)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    assert seen == ["+alice", "+bob", "-alice"]


async def test_what_goes_on_in_it_is_noted(house: House) -> None:
    conference_id, recording, transcribe = await house.open(), new_id(), new_id()
    live = await house.conferences.find(conference_id)
    assert live is not None
    await live.note_recording(recording)
    await live.note_transcribe(transcribe)
    await live.note_recording(ZERO_ID)
    row = await stored(house, conference_id)
    assert (row.recording_id, row.recording_ids) == (ZERO_ID, (recording,))
    assert (row.transcribe_id, row.transcribe_ids) == (transcribe, (transcribe,))


async def test_many_come_and_go_at_once(house: House) -> None:
    conference_id = await house.open()
    calls = [house.call(f"c{number}") for number in range(30)]
    stays = [house.enter(call, conference_id) for call in calls]
    await house.until("conferencecall_joined", 30)
    assert len((await stored(house, conference_id)).conferencecall_ids) == 30
    for call in calls[::2]:
        call.end()
    await asyncio.gather(*stays[::2], return_exceptions=True)
    assert len((await stored(house, conference_id)).conferencecall_ids) == 15
    await house.conferences.end(conference_id)
    left = await asyncio.gather(*stays[1::2])
    assert all(isinstance(each, Conferencecall) for each in left)
    assert (await stored(house, conference_id)).conferencecall_ids == ()
