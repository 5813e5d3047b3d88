import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import cast

import pytest
import pytest_asyncio

from app.ari.ari import Ari
from app.call import parties as parties_module
from app.call.connect import Connector
from app.call.party import ConnectOutcome, Party
from app.call.transfer import TransferOrder
from app.domain.call import CallDirection, CallStatus, HangupReason
from app.domain.transfer import TransferType
from app.errors import LegGone, StateInvalid
from tests.unit.call.fakes import FakeCall, FakeOutbound, as_live, as_outbound, make_call, make_order


class FakeBridge:
    def __init__(self) -> None:
        self.channels: list[str] = []
        self.is_open = True

    async def add(self, *channels: str) -> None:
        self.channels += channels

    async def remove(self, channel: str) -> None:
        if channel in self.channels:
            self.channels.remove(channel)


@pytest.fixture
def bridges(monkeypatch: pytest.MonkeyPatch) -> list[FakeBridge]:
    made: list[FakeBridge] = []

    @asynccontextmanager
    async def open_fake_bridge(_ari: object, _bridge_id: str, _kind: str) -> AsyncIterator[FakeBridge]:
        bridge = FakeBridge()
        made.append(bridge)
        try:
            yield bridge
        finally:
            bridge.is_open = False

    monkeypatch.setattr(parties_module, "open_bridge", open_fake_bridge)
    return made


@pytest.fixture
def outbound() -> FakeOutbound:
    return FakeOutbound()


@pytest_asyncio.fixture
async def connector(outbound: FakeOutbound, bridges: list[FakeBridge]) -> AsyncIterator[Connector]:
    made = Connector(cast(Ari, None), as_outbound(outbound))
    running = asyncio.create_task(made.run())
    await asyncio.sleep(0)
    yield made
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


def make_caller() -> FakeCall:
    return FakeCall(make_call(CallDirection.INCOMING, CallStatus.RINGING), channel_id="caller")


def start(connector: Connector, caller: FakeCall, targets: str = "ab", **dial: bool) -> "asyncio.Task[ConnectOutcome]":
    callees = [make_order(each, **dial) for each in targets]
    return asyncio.ensure_future(connector.connect(as_live(caller), callees))


async def until(condition: "object") -> None:
    async with asyncio.timeout(2):
        while not condition():  # type: ignore[operator]
            await asyncio.sleep(0)


async def connect_two(
    connector: Connector, outbound: FakeOutbound
) -> tuple[FakeCall, FakeCall, "asyncio.Task[ConnectOutcome]"]:
    caller = make_caller()
    task = start(connector, caller, "a")
    await asyncio.wait_for(outbound.wait_calls(1), 1)
    callee = outbound.calls[0]
    callee.channel_id = "callee"
    callee.answered()
    await until(lambda: caller.peer is callee)
    return caller, callee, task


def transfer(leaving: FakeCall, kind: TransferType = TransferType.BLIND) -> TransferOrder:
    return TransferOrder(kind, leaving.record.id, [make_order("third")])


async def test_the_first_that_answers_is_bridged_with_the_caller(
    connector: Connector, outbound: FakeOutbound, bridges: list[FakeBridge]
) -> None:
    caller = make_caller()
    task = start(connector, caller)
    await asyncio.wait_for(outbound.wait_calls(2), 1)
    first, second = outbound.calls
    second.channel_id = "second"
    second.answered()
    await until(lambda: bridges and len(bridges[0].channels) == 2)
    await until(lambda: caller.peer is not None)
    assert bridges[0].channels == ["caller", "second"]
    assert first.is_gone
    assert caller.log == ["ring True", "ring False", "answer", "make way"]
    assert (caller.peer, second.peer) == (second, caller)
    assert all(call.record.master_call_id == caller.record.id for call in outbound.calls)
    second.end()
    outcome = await asyncio.wait_for(task, 1)
    assert (outcome.is_answered, outcome.reason, outcome.call_id) == (True, "normal", second.record.id)
    assert caller.peer is None
    await until(lambda: not bridges[0].is_open)
    assert connector.find(caller.record.id) is None


async def test_the_caller_goes_and_the_callee_with_it(connector: Connector, outbound: FakeOutbound) -> None:
    caller, callee, task = await connect_two(connector, outbound)
    caller.end()
    with pytest.raises(LegGone):
        await asyncio.wait_for(task, 1)
    await until(lambda: callee.is_gone)


async def test_the_caller_goes_while_it_rings(
    connector: Connector, outbound: FakeOutbound, bridges: list[FakeBridge]
) -> None:
    caller = make_caller()
    task = start(connector, caller)
    await asyncio.wait_for(outbound.wait_calls(2), 1)
    caller.end()
    with pytest.raises(LegGone):
        await asyncio.wait_for(task, 1)
    await until(lambda: all(call.is_gone for call in outbound.calls))
    assert not bridges


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [
        ((HangupReason.NOANSWER, HangupReason.BUSY), "busy"),
        ((HangupReason.FAILED, HangupReason.NOANSWER), "noanswer"),
        ((HangupReason.FAILED, HangupReason.DIALOUT), "failed"),
    ],
)
async def test_nobody_answers_and_the_reason_is_told(
    connector: Connector, outbound: FakeOutbound, reasons: tuple[HangupReason, ...], expected: str
) -> None:
    caller = make_caller()
    task = start(connector, caller)
    await asyncio.wait_for(outbound.wait_calls(2), 1)
    for call, reason in zip(outbound.calls, reasons, strict=True):
        call.end(reason)
    outcome = await asyncio.wait_for(task, 1)
    assert (outcome.is_answered, outcome.reason) == (False, expected)
    assert caller.log[-1] == "ring False"


async def test_no_destination_can_be_placed(connector: Connector, outbound: FakeOutbound) -> None:
    outbound.refuses = ("a", "b")
    outcome = await asyncio.wait_for(start(connector, make_caller()), 1)
    assert (outcome.is_answered, outcome.reason) == (False, "failed")


async def test_a_sound_before_the_answer_is_heard_and_then_another_answers(
    connector: Connector, outbound: FakeOutbound, bridges: list[FakeBridge]
) -> None:
    caller = make_caller()
    task = start(connector, caller, is_early_heard=True)
    await asyncio.wait_for(outbound.wait_calls(2), 1)
    first, second = outbound.calls
    first.channel_id, second.channel_id = "first", "second"
    first.sounding.set()
    await until(lambda: bridges and bridges[0].channels == ["caller", "first"])
    assert caller.log == ["ring True", "ring False", "progress", "make way"]
    second.answered()
    await until(lambda: caller.peer is second)
    assert first.is_gone
    assert bridges[0].channels == ["caller", "first", "second"]  # the first's leg is gone with its call
    second.end()
    assert (await asyncio.wait_for(task, 1)).is_answered


async def test_who_sounds_and_then_refuses_leaves_the_caller_ringing(
    connector: Connector, outbound: FakeOutbound, bridges: list[FakeBridge]
) -> None:
    caller = make_caller()
    task = start(connector, caller, "a", is_early_heard=True)
    await asyncio.wait_for(outbound.wait_calls(1), 1)
    outbound.calls[0].sounding.set()
    await until(lambda: bridges and len(bridges[0].channels) == 2)
    outbound.calls[0].end(HangupReason.BUSY)
    assert (await asyncio.wait_for(task, 1)).reason == "busy"
    assert "caller" not in bridges[0].channels


async def test_a_callee_transfers_the_caller_blindly(
    connector: Connector, outbound: FakeOutbound, bridges: list[FakeBridge]
) -> None:
    caller, callee, task = await connect_two(connector, outbound)
    assert await connector.transfer(transfer(callee)) == outbound.calls[1].record.id
    third = outbound.calls[1]
    third.channel_id = "third"
    assert third.record.master_call_id == caller.record.id
    third.answered()
    await until(lambda: caller.peer is third)
    assert bridges[0].channels == ["caller", "third"]
    await until(lambda: callee.is_gone)
    third.end()
    outcome = await asyncio.wait_for(task, 1)
    assert (outcome.is_answered, outcome.call_id) == (True, third.record.id)


async def test_a_caller_transfers_the_callee_which_outlives_it(connector: Connector, outbound: FakeOutbound) -> None:
    caller, callee, task = await connect_two(connector, outbound)
    await connector.transfer(transfer(caller))
    third = outbound.calls[1]
    assert callee.record.id not in caller.record.chained_call_ids
    third.answered()
    with pytest.raises(LegGone):
        await asyncio.wait_for(task, 2)
    await until(lambda: callee.peer is third)
    assert not callee.is_gone
    callee.end()
    await until(lambda: third.is_gone)


async def test_nobody_takes_the_transferred_caller(connector: Connector, outbound: FakeOutbound) -> None:
    caller, callee, task = await connect_two(connector, outbound)
    await connector.transfer(transfer(callee))
    outbound.calls[1].end(HangupReason.NOANSWER)
    outcome = await asyncio.wait_for(task, 2)
    assert (outcome.is_answered, outcome.reason) == (False, "noanswer")
    assert not caller.is_gone


async def test_an_attended_transfer(connector: Connector, outbound: FakeOutbound, bridges: list[FakeBridge]) -> None:
    caller, callee, task = await connect_two(connector, outbound)
    await connector.transfer(transfer(callee, TransferType.ATTENDED))
    third = outbound.calls[1]
    third.channel_id = "third"
    third.answered()
    await until(lambda: callee.peer is third)
    assert bridges[0].channels == ["callee", "third"]
    assert caller.log[-1] == "music True"
    with pytest.raises(StateInvalid):
        await connector.transfer(transfer(callee))
    callee.end()
    await until(lambda: caller.peer is third)
    assert "music False" in caller.log
    assert sorted(bridges[0].channels) == ["callee", "caller", "third"]  # the callee's leg went with its call
    third.end()
    assert (await asyncio.wait_for(task, 1)).call_id == third.record.id


@pytest.mark.parametrize("when", ["ringing", "talking"])
async def test_an_attended_transfer_is_taken_back(connector: Connector, outbound: FakeOutbound, when: str) -> None:
    caller, callee, task = await connect_two(connector, outbound)
    await connector.transfer(transfer(caller, TransferType.ATTENDED))
    third = outbound.calls[1]
    if when == "talking":
        third.answered()
        await until(lambda: caller.peer is third)
    third.end()
    await until(lambda: caller.peer is callee)
    assert caller.record.chained_call_ids[-1] == callee.record.id
    callee.end()
    assert (await asyncio.wait_for(task, 1)).call_id == callee.record.id


async def test_two_calls_of_one_party_become_one(connector: Connector, outbound: FakeOutbound) -> None:
    caller, hub, task = await connect_two(connector, outbound)
    other_leg = FakeCall(make_call(CallDirection.INCOMING, CallStatus.PROGRESSING), channel_id="hub2")
    asking = start(connector, other_leg, "x")
    await asyncio.wait_for(outbound.wait_calls(2), 1)
    third = outbound.calls[1]
    third.answered()
    await until(lambda: other_leg.peer is third)
    await connector.join(hub.record.id, other_leg.record.id)
    await until(lambda: caller.peer is third)
    await until(lambda: hub.is_gone and other_leg.is_gone)
    with pytest.raises(LegGone):
        await asyncio.wait_for(asking, 2)
    assert not third.is_gone
    third.end()
    assert (await asyncio.wait_for(task, 1)).call_id == third.record.id


async def test_who_is_alone_cannot_transfer(connector: Connector) -> None:
    with pytest.raises(StateInvalid):
        await connector.transfer(transfer(make_caller()))


async def test_a_connection_is_ended_from_outside(connector: Connector, outbound: FakeOutbound) -> None:
    caller = FakeCall(make_call(CallDirection.INCOMING, CallStatus.PROGRESSING), channel_id="caller")
    peer = FakeCall(make_call(), channel_id="peer")
    party = Party(as_live(peer))
    task = asyncio.ensure_future(connector.talk(as_live(caller), party))
    await until(lambda: caller.peer is peer)
    await connector.part(caller.record.id)
    assert not (await asyncio.wait_for(task, 1)).is_answered
    assert not (await asyncio.wait_for(party.wait_out(), 1)).is_answered
    assert connector.find(caller.record.id) is None
