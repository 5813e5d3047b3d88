import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from app.call.groupcalls import Groupcalls, LiveGroupcall
from app.call.live_call import LiveCall
from app.domain.call import Address, AddressType, HangupReason
from app.domain.customer import RingMethod
from app.domain.groupcall import Groupcall, GroupcallStatus
from app.domain.ids import ZERO_ID, new_id
from app.domain.timestamps import now
from tests.unit.call.fakes import CUSTOMER, FakeJournal, FakeOutbound, as_outbound, make_order


def make_group(ring_method: RingMethod) -> Groupcall:
    moment = now()
    return Groupcall(
        id=new_id(),
        customer_id=CUSTOMER,
        status=GroupcallStatus.PROGRESSING,
        source=Address(AddressType.TEL, "+15551230001"),
        destinations=(),
        ring_method=ring_method,
        tm_create=moment,
        tm_update=moment,
    )


@asynccontextmanager
async def open_groupcalls(outbound: FakeOutbound) -> AsyncIterator[tuple[Groupcalls, FakeJournal]]:
    journal = FakeJournal()
    groupcalls = Groupcalls(as_outbound(outbound), journal)
    owner = asyncio.ensure_future(groupcalls.run())
    await asyncio.sleep(0)
    try:
        yield groupcalls, journal
    finally:
        for call in outbound.calls:
            call.end()
        await asyncio.sleep(0)
        owner.cancel()
        await asyncio.gather(owner, return_exceptions=True)


def live(groupcalls: Groupcalls, record: Groupcall) -> LiveGroupcall:
    group = groupcalls.find(record.id)
    assert group is not None
    return group


async def talk_until_gone(call: LiveCall) -> None:
    await call.wait_gone()


async def test_all_ring_and_the_first_that_answers_has_the_call() -> None:
    outbound = FakeOutbound()
    async with open_groupcalls(outbound) as (groupcalls, journal):
        record = await groupcalls.place(make_group(RingMethod.RING_ALL), tuple(map(make_order, "abc")), talk_until_gone)
        assert len(record.call_ids) == 3
        group = live(groupcalls, record)
        first, second, third = outbound.calls
        second.answered()
        await asyncio.wait_for(first.wait_ended(), 1)
        await asyncio.wait_for(third.wait_ended(), 1)
        assert not second.is_gone
        assert group.record.answer_call_id == second.record.id
        assert all(call.record.groupcall_id == record.id for call in outbound.calls)
        second.end()
        await asyncio.wait_for(group.ended.wait(), 1)
        assert journal.types == ["groupcall_created", "groupcall_progressing", "groupcall_hangup"]
        assert (group.record.status, group.record.call_count) == ("hangup", 0)


async def test_linear_dials_the_next_after_the_one_before_has_ended() -> None:
    outbound = FakeOutbound()
    async with open_groupcalls(outbound) as (groupcalls, _):
        record = await groupcalls.place(make_group(RingMethod.LINEAR), tuple(map(make_order, "abc")), talk_until_gone)
        assert len(outbound.calls) == 1
        group = live(groupcalls, record)
        outbound.calls[0].end(HangupReason.BUSY)
        await asyncio.wait_for(outbound.wait_calls(2), 1)
        outbound.calls[1].answered()
        await asyncio.sleep(0)
        outbound.calls[1].end()
        await asyncio.wait_for(group.ended.wait(), 1)
        assert len(outbound.calls) == 2
        assert group.record.dial_index == 1


async def test_nobody_answers() -> None:
    outbound = FakeOutbound()
    async with open_groupcalls(outbound) as (groupcalls, _):
        record = await groupcalls.place(make_group(RingMethod.RING_ALL), tuple(map(make_order, "ab")), talk_until_gone)
        group = live(groupcalls, record)
        for call in outbound.calls:
            call.end(HangupReason.NOANSWER)
        await asyncio.wait_for(group.ended.wait(), 1)
        assert group.record.answer_call_id == ZERO_ID


@pytest.mark.parametrize("ring_method", list(RingMethod))
async def test_legs_that_cannot_be_placed_do_not_hold_the_others_up(ring_method: RingMethod) -> None:
    outbound = FakeOutbound(refuses=("a",))
    async with open_groupcalls(outbound) as (groupcalls, _):
        record = await groupcalls.place(make_group(ring_method), tuple(map(make_order, "ab")), talk_until_gone)
        await asyncio.wait_for(outbound.wait_calls(1), 1)
        assert len(live(groupcalls, record).record.call_ids) == 1


@pytest.mark.parametrize("ring_method", list(RingMethod))
async def test_a_groupcall_without_a_leg_ends_at_once(ring_method: RingMethod) -> None:
    async with open_groupcalls(FakeOutbound(refuses=("a",))) as (groupcalls, journal):
        record = await groupcalls.place(make_group(ring_method), (make_order("a"),), talk_until_gone)
        while groupcalls.find(record.id) is not None:
            await asyncio.sleep(0)
        assert journal.types[-1] == "groupcall_hangup"


async def test_hang_up_ends_all_legs_and_dials_no_further() -> None:
    outbound = FakeOutbound()
    async with open_groupcalls(outbound) as (groupcalls, _):
        record = await groupcalls.place(make_group(RingMethod.LINEAR), tuple(map(make_order, "abc")), talk_until_gone)
        group = live(groupcalls, record)
        await groupcalls.hang_up(group)
        await asyncio.wait_for(group.ended.wait(), 1)
        assert len(outbound.calls) == 1
        assert outbound.calls[0].is_gone
