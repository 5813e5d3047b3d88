"""Queues over the real store and journal, with fake calls and agents who answer when the test says."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any, cast

import pytest
import pytest_asyncio

from app.ari.ari import Ari
from app.call import parties as parties_module
from app.call import queues as queues_module
from app.call.connect import Connector
from app.call.live_call import LiveCall
from app.call.outbound import OutgoingCall
from app.call.queues import QueueOutcome, Queues
from app.domain.call import Address, AddressType, CallDirection, CallStatus, HangupReason
from app.domain.customer import Agent, AgentStatus, Customer, RingMethod
from app.domain.ids import new_id
from app.domain.queue import Queue, QueuecallStatus, RoutingMethod
from app.errors import InvalidArgument, LegGone, StateInvalid
from app.event_bus import EventBus
from app.journal.journal import Journal
from app.store import Store
from app.wire.event import render_event
from tests.unit.call.fakes import FakeCall, FakeOutbound, as_live, as_outbound, make_call, make_order

TAG, OTHER = new_id(), new_id()


class Desk:
    """A queue with its agents, and the ways to use it."""

    def __init__(self, store: Store, customer: Customer, samples: Any) -> None:
        self.store, self.customer, self.samples = store, customer, samples
        self.outbound = FakeOutbound()
        self.journal = Journal(store, EventBus(), render_event)
        self.connector = Connector(cast(Ari, None), as_outbound(self.outbound))
        self.queues = Queues(self.journal, store, as_outbound(self.outbound), self.connector, self._reach)
        self.unreachable: set[str] = set()
        self.heard: list[str] = []

    async def _reach(self, _call: LiveCall, agent: Agent) -> Sequence[OutgoingCall]:
        if agent.id in self.unreachable:
            raise InvalidArgument("addresses", "no way")
        return [make_order(address.target_name) for address in agent.addresses]

    async def queue(self, **fields: Any) -> Queue:
        return await self.store.queues.insert(self.samples.queue(self.customer.id, tag_ids=(TAG,), **fields))

    async def agent(self, *extensions: str, tags: tuple[str, ...] = (TAG,), **fields: Any) -> Agent:
        addresses = tuple(Address(AddressType.EXTENSION, target_name=each) for each in extensions)
        agent = self.samples.agent(
            self.customer.id, tag_ids=tags, addresses=addresses, **({"status": AgentStatus.AVAILABLE} | fields)
        )
        return await self.store.agents.insert(agent)

    async def status(self, agent: Agent) -> AgentStatus:
        stored = await self.store.agents.get_by_id(agent.id)
        assert stored is not None
        return stored.status

    def join(self, queue: Queue) -> "tuple[FakeCall, asyncio.Task[QueueOutcome]]":
        record = make_call(CallDirection.INCOMING, CallStatus.PROGRESSING)
        caller = FakeCall(record, channel_id=record.id)
        object.__setattr__(record, "customer_id", self.customer.id)

        async def wait() -> None:
            self.heard.append("begin")
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                self.heard.append("end")

        async def run() -> QueueOutcome:
            stay = await self.queues.enter(as_live(caller), queue, new_id())
            return await self.queues.stay(stay, wait)

        return caller, asyncio.ensure_future(run())

    async def rows(self, queue: Queue) -> list[Any]:
        return list(reversed(await self.store.queuecalls.list(self.customer.id, queue_id=queue.id)))

    async def until_statuses(self, queue: Queue, *wanted: QueuecallStatus) -> None:
        async with asyncio.timeout(5):
            while [row.status for row in await self.rows(queue)] != list(wanted):
                await asyncio.sleep(0.005)

    async def until_status(self, agent: Agent, wanted: AgentStatus) -> None:
        async with asyncio.timeout(5):
            while await self.status(agent) is not wanted:
                await asyncio.sleep(0.005)


@pytest_asyncio.fixture
async def desk(store: Store, customer: Customer, samples: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    @asynccontextmanager
    async def open_fake_bridge(_ari: object, _bridge_id: str, _kind: str) -> AsyncIterator[Any]:
        class Bridge:
            async def add(self, *_channels: str) -> None:
                pass

            async def remove(self, _channel: str) -> None:
                pass

        yield Bridge()

    monkeypatch.setattr(parties_module, "open_bridge", open_fake_bridge)
    monkeypatch.setattr(queues_module, "LOOK_SECONDS", 0.02)
    made = Desk(store, customer, samples)
    await made.journal.load()
    running = [asyncio.create_task(made.connector.run()), asyncio.create_task(made.queues.run())]
    await asyncio.sleep(0)
    yield made
    for task in running:
        task.cancel()
    for task in running:
        with suppress(asyncio.CancelledError):
            await task


async def test_an_agent_answers_talks_and_is_free_again(desk: Desk) -> None:
    queue, agent = await desk.queue(), await desk.agent("1001")
    caller, staying = desk.join(queue)
    await desk.outbound.wait_calls(1)
    await desk.until_status(agent, AgentStatus.RINGING)
    await desk.until_statuses(queue, QueuecallStatus.CONNECTING)
    assert desk.heard == ["begin"]
    desk.outbound.calls[0].answered()
    await desk.until_statuses(queue, QueuecallStatus.SERVICE)
    await desk.until_status(agent, AgentStatus.BUSY)
    assert desk.heard == ["begin", "end"]
    async with asyncio.timeout(2):
        while caller.peer is not desk.outbound.calls[0]:
            await asyncio.sleep(0.005)
    desk.outbound.calls[0].end()
    outcome = await asyncio.wait_for(staying, 2)
    assert (outcome.record.status, outcome.reason) == (QueuecallStatus.DONE, "")
    assert outcome.record.service_agent_id == agent.id
    await desk.until_status(agent, AgentStatus.AVAILABLE)
    (row,) = await desk.rows(queue)
    assert row.tm_end is not None
    assert row.tm_service is not None


async def test_only_free_agents_with_the_tag_are_rung(desk: Desk) -> None:
    queue = await desk.queue()
    await desk.agent("1", tags=(OTHER,))
    await desk.agent("2", status=AgentStatus.AWAY)
    await desk.agent()
    wanted = await desk.agent("4", tags=(OTHER, TAG))
    caller, staying = desk.join(queue)
    await desk.outbound.wait_calls(1)
    assert desk.outbound.calls[0].record.destination.target == "4"
    await desk.until_status(wanted, AgentStatus.RINGING)
    caller.end()
    with pytest.raises(LegGone):
        await asyncio.wait_for(staying, 2)
    await desk.until_statuses(queue, QueuecallStatus.ABANDONED)
    await desk.until_status(wanted, AgentStatus.AVAILABLE)
    assert desk.outbound.calls[0].is_gone


async def test_callers_are_served_in_their_order_by_who_has_been_idle_longest(desk: Desk) -> None:
    queue = await desk.queue(routing_method=RoutingMethod.LONGEST_IDLE)
    first_agent, second_agent = await desk.agent("1"), await desk.agent("2")
    _, one = desk.join(queue)
    await desk.outbound.wait_calls(1)
    _, two = desk.join(queue)
    await desk.outbound.wait_calls(2)
    third_caller, three = desk.join(queue)
    assert [call.record.destination.target for call in desk.outbound.calls] == ["1", "2"]
    for call in desk.outbound.calls:
        call.answered()
    await desk.until_statuses(queue, QueuecallStatus.SERVICE, QueuecallStatus.SERVICE, QueuecallStatus.WAITING)
    desk.outbound.calls[1].end()
    assert (await asyncio.wait_for(two, 2)).record.service_agent_id == second_agent.id
    await desk.outbound.wait_calls(3)
    assert desk.outbound.calls[2].record.destination.target == "2"
    desk.outbound.calls[0].end()
    assert (await asyncio.wait_for(one, 2)).record.service_agent_id == first_agent.id
    third_caller.end()
    with pytest.raises(LegGone):
        await asyncio.wait_for(three, 2)


async def test_who_does_not_answer_makes_room_for_the_next(desk: Desk) -> None:
    queue = await desk.queue(routing_method=RoutingMethod.LONGEST_IDLE)
    absent, present = await desk.agent("1"), await desk.agent("2")
    caller, staying = desk.join(queue)
    await desk.outbound.wait_calls(1)
    desk.outbound.calls[0].end(HangupReason.NOANSWER)
    await desk.outbound.wait_calls(2)
    assert desk.outbound.calls[1].record.destination.target == "2"
    await desk.until_status(absent, AgentStatus.AVAILABLE)
    await desk.until_status(present, AgentStatus.RINGING)
    caller.end()
    with pytest.raises(LegGone):
        await asyncio.wait_for(staying, 2)


async def test_linear_agents_are_rung_at_one_address_after_the_other(desk: Desk) -> None:
    queue = await desk.queue()
    await desk.agent("desk", "mobile", ring_method=RingMethod.LINEAR)
    caller, staying = desk.join(queue)
    await desk.outbound.wait_calls(1)
    assert [call.record.destination.target for call in desk.outbound.calls] == ["desk"]
    desk.outbound.calls[0].end(HangupReason.BUSY)
    await desk.outbound.wait_calls(2)
    desk.outbound.calls[1].answered()
    await desk.until_statuses(queue, QueuecallStatus.SERVICE)
    caller.end()
    with pytest.raises(LegGone):
        await asyncio.wait_for(staying, 2)
    await desk.until_statuses(queue, QueuecallStatus.DONE)


async def test_an_agent_without_a_way_stays_available(desk: Desk) -> None:
    queue, agent = await desk.queue(wait_timeout=100), await desk.agent("1")
    desk.unreachable.add(agent.id)
    _, staying = desk.join(queue)
    outcome = await asyncio.wait_for(staying, 3)
    assert (outcome.record.status, outcome.reason) == (QueuecallStatus.ABANDONED, "timeout")
    assert await desk.status(agent) is AgentStatus.AVAILABLE


async def test_waiting_ends_in_time_also_while_an_agent_is_rung(desk: Desk) -> None:
    queue, agent = await desk.queue(wait_timeout=100), await desk.agent("1")
    caller, staying = desk.join(queue)
    outcome = await asyncio.wait_for(staying, 3)
    assert (outcome.record.status, outcome.reason) == (QueuecallStatus.ABANDONED, "timeout")
    assert not caller.is_gone
    assert desk.outbound.calls[0].is_gone
    await desk.until_status(agent, AgentStatus.AVAILABLE)
    assert desk.heard == ["begin", "end"]


@pytest.mark.parametrize("when", ["waiting", "service"])
async def test_a_kick(desk: Desk, when: str) -> None:
    queue = await desk.queue()
    agent = await desk.agent("1") if when == "service" else None
    caller, staying = desk.join(queue)
    if agent is not None:
        await desk.outbound.wait_calls(1)
        desk.outbound.calls[0].answered()
        await desk.until_statuses(queue, QueuecallStatus.SERVICE)
    else:
        await desk.until_statuses(queue, QueuecallStatus.WAITING)
    (row,) = await desk.rows(queue)
    while desk.queues.find(row.id) is None:
        await asyncio.sleep(0)
    assert await desk.queues.kick(row.id)
    outcome = await asyncio.wait_for(staying, 2)
    expected = QueuecallStatus.DONE if agent else QueuecallStatus.ABANDONED
    assert (outcome.record.status, outcome.reason) == (expected, "kicked")
    assert not caller.is_gone
    assert not await desk.queues.kick(row.id)
    if agent is not None:
        await desk.until_status(agent, AgentStatus.AVAILABLE)
        async with asyncio.timeout(2):
            while not desk.outbound.calls[0].is_gone:
                await asyncio.sleep(0.005)


async def test_the_time_of_service_is_over(desk: Desk) -> None:
    queue, agent = await desk.queue(service_timeout=50), await desk.agent("1")
    caller, staying = desk.join(queue)
    await desk.outbound.wait_calls(1)
    desk.outbound.calls[0].answered()
    outcome = await asyncio.wait_for(staying, 3)
    assert (outcome.record.status, outcome.reason) == (QueuecallStatus.DONE, "timeout")
    assert not caller.is_gone
    await desk.until_status(agent, AgentStatus.AVAILABLE)


async def test_an_agent_who_sets_a_status_keeps_it(desk: Desk) -> None:
    queue, agent = await desk.queue(), await desk.agent("1")
    _, staying = desk.join(queue)
    await desk.outbound.wait_calls(1)
    desk.outbound.calls[0].answered()
    await desk.until_status(agent, AgentStatus.BUSY)
    stored = await desk.store.agents.get_by_id(agent.id)
    assert stored is not None
    await desk.store.agents.update(replace(stored, status=AgentStatus.OFFLINE))
    desk.outbound.calls[0].end()
    await asyncio.wait_for(staying, 2)
    assert await desk.status(agent) is AgentStatus.OFFLINE


async def test_a_wait_flow_that_ends_the_flow(desk: Desk) -> None:
    queue = await desk.queue()
    record = make_call(CallDirection.INCOMING, CallStatus.PROGRESSING)
    object.__setattr__(record, "customer_id", desk.customer.id)
    stay = await desk.queues.enter(as_live(FakeCall(record)), queue, new_id())

    async def wait() -> None:
        return

    with pytest.raises(StateInvalid):
        await asyncio.wait_for(desk.queues.stay(stay, wait), 2)
    await desk.until_statuses(queue, QueuecallStatus.ABANDONED)
