import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import pytest

from app.ari.ari import Ari
from app.call import connect as connect_module
from app.call.connect import Connector, ConnectOutcome
from app.domain.call import CallDirection, CallStatus, HangupReason
from app.errors import LegGone
from tests.unit.call.fakes import FakeCall, FakeOutbound, as_live, as_outbound, make_call, make_order


class FakeBridge:
    def __init__(self) -> None:
        self.channels: tuple[str, ...] = ()
        self.is_open = True

    async def add(self, *channels: str) -> None:
        self.channels += channels


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

    monkeypatch.setattr(connect_module, "open_bridge", open_fake_bridge)
    return made


def make_caller() -> FakeCall:
    return FakeCall(make_call(CallDirection.INCOMING, CallStatus.RINGING), channel_id="caller")


async def start(caller: FakeCall, outbound: FakeOutbound, targets: str = "ab") -> "asyncio.Task[ConnectOutcome]":
    connector = Connector(cast(Ari, None), as_outbound(outbound))
    task = asyncio.ensure_future(connector.connect(as_live(caller), [make_order(each) for each in targets]))
    await asyncio.sleep(0)
    return task


async def test_the_first_that_answers_is_bridged_with_the_caller(bridges: list[FakeBridge]) -> None:
    caller, outbound = make_caller(), FakeOutbound()
    task = await start(caller, outbound)
    await asyncio.wait_for(outbound.wait_calls(2), 1)
    first, second = outbound.calls
    second.channel_id = "second"
    second.answered()
    while not bridges or not bridges[0].channels:
        await asyncio.sleep(0)
    assert bridges[0].channels == ("caller", "second")
    assert first.is_gone
    assert caller.log == ["ring True", "ring False", "answer", "make way"]
    assert (caller.peer, second.peer) == (second, caller)
    assert all(call.record.master_call_id == caller.record.id for call in outbound.calls)
    second.end()
    outcome = await asyncio.wait_for(task, 1)
    assert (outcome.is_answered, outcome.reason, outcome.call_id) == (True, "normal", second.record.id)
    assert caller.peer is None
    assert not bridges[0].is_open


async def test_the_caller_goes_and_the_callee_with_it(bridges: list[FakeBridge]) -> None:
    caller, outbound = make_caller(), FakeOutbound()
    task = await start(caller, outbound, "a")
    await asyncio.wait_for(outbound.wait_calls(1), 1)
    outbound.calls[0].answered()
    while caller.peer is None:
        await asyncio.sleep(0)
    caller.end()
    with pytest.raises(LegGone):
        await asyncio.wait_for(task, 1)
    assert outbound.calls[0].is_gone


async def test_the_caller_goes_while_it_rings(bridges: list[FakeBridge]) -> None:
    caller, outbound = make_caller(), FakeOutbound()
    task = await start(caller, outbound)
    await asyncio.wait_for(outbound.wait_calls(2), 1)
    caller.end()
    with pytest.raises(LegGone):
        await asyncio.wait_for(task, 1)
    assert all(call.is_gone for call in outbound.calls)
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
    bridges: list[FakeBridge], reasons: tuple[HangupReason, ...], expected: str
) -> None:
    caller, outbound = make_caller(), FakeOutbound()
    task = await start(caller, outbound)
    await asyncio.wait_for(outbound.wait_calls(2), 1)
    for call, reason in zip(outbound.calls, reasons, strict=True):
        call.end(reason)
    outcome = await asyncio.wait_for(task, 1)
    assert (outcome.is_answered, outcome.reason) == (False, expected)
    assert caller.log[-1] == "ring False"


async def test_no_destination_can_be_placed(bridges: list[FakeBridge]) -> None:
    outcome = await asyncio.wait_for(await start(make_caller(), FakeOutbound(refuses=("a", "b"))), 1)
    assert (outcome.is_answered, outcome.reason) == (False, "failed")
