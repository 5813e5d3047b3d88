"""Calls without Asterisk: what outbound, groupcalls and connect need of a live call, steered by a test."""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, cast

from app.call.digits import Digits
from app.call.live_call import LiveCall, OnRefer
from app.call.outbound import Outbound, OutgoingCall
from app.call.outgoing_leg import Dial
from app.domain.call import Address, AddressType, Call, CallDirection, CallStatus, HangupReason
from app.domain.events import Event, EventType, Resource
from app.domain.ids import new_id
from app.domain.timestamps import now
from app.errors import LegGone, Unavailable
from app.journal.journal import Journal

CUSTOMER = new_id()
T = TypeVar("T", bound=Resource)


class FakeJournal(Journal):
    """Remembers what was told; stores nothing."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    async def create(self, item: T, *types: EventType, about: str = "") -> T:
        self.events += [Event(each, item, about) for each in types]
        return item

    async def change(self, item: Resource, *types: EventType, about: str = "") -> None:
        self.events += [Event(each, item, about) for each in types]

    @property
    def types(self) -> list[str]:
        return [event.type.value for event in self.events]


def make_call(direction: CallDirection = CallDirection.OUTGOING, status: CallStatus = CallStatus.DIALING) -> Call:
    moment = now()
    return Call(
        id=new_id(),
        customer_id=CUSTOMER,
        direction=direction,
        status=status,
        source=Address(AddressType.TEL, "+15551230001"),
        destination=Address(AddressType.SIP, "bob@127.0.0.1"),
        tm_create=moment,
        tm_update=moment,
    )


@dataclass(eq=False)
class FakeCall:
    """A call that a test answers and ends."""

    record: Call
    order: OutgoingCall | None = None
    channel_id: str = ""
    peer: "FakeCall | None" = None
    log: list[str] = field(default_factory=list)
    is_holding: bool = False
    on_refer: OnRefer | None = None
    digits: Digits = field(default_factory=Digits)
    sounding: asyncio.Event = field(default_factory=asyncio.Event)
    _gone: asyncio.Event = field(default_factory=asyncio.Event)
    _ended: asyncio.Event = field(default_factory=asyncio.Event)
    flow: "asyncio.Task[None] | None" = None

    @property
    def ledger(self) -> "FakeCall":
        return self

    @property
    def sound(self) -> "FakeCall":
        return self

    @property
    def is_gone(self) -> bool:
        return self._gone.is_set()

    async def ring(self, *, is_on: bool) -> None:
        self.log.append(f"ring {is_on}")

    async def answer(self) -> None:
        self.log.append("answer")

    async def make_way(self) -> None:
        self.log.append("make way")

    @property
    def is_answered(self) -> bool:
        return self.record.status is CallStatus.PROGRESSING and not self.is_gone

    async def tell_transfer(self, *, is_done: bool) -> None:
        self.log.append(f"transfer {is_done}")

    async def progress(self) -> None:
        self.log.append("progress")

    async def music(self, *, is_on: bool) -> None:
        self.log.append(f"music {is_on}")

    async def wait_sounding(self) -> None:
        await asyncio.wait(
            [asyncio.ensure_future(self.sounding.wait()), asyncio.ensure_future(self._gone.wait())],
            return_when=asyncio.FIRST_COMPLETED,
        )
        if self.is_gone:
            raise LegGone("gone")

    async def note_unchained(self, call_id: str) -> None:
        left = tuple(each for each in self.record.chained_call_ids if each != call_id)
        self.record = replace(self.record, chained_call_ids=left)

    async def note_chained(self, call_id: str) -> None:
        self.record = replace(self.record, chained_call_ids=(*self.record.chained_call_ids, call_id))

    async def wait_gone(self) -> None:
        await self._gone.wait()

    async def wait_ended(self) -> None:
        await self._ended.wait()

    async def hang_up(self, reason: str = "normal") -> None:
        self.end(HangupReason(reason))

    def answered(self) -> None:
        """The party picks up: its flow begins; the call ends with it."""
        assert self.order is not None
        self.record = replace(self.record, status=CallStatus.PROGRESSING)
        self.flow = asyncio.ensure_future(self._run_flow())

    async def _run_flow(self) -> None:
        assert self.order is not None
        await self.order.on_call(as_live(self))
        self.end()

    def end(self, reason: HangupReason = HangupReason.NORMAL) -> None:
        if not self.is_gone:
            self.record = replace(self.record, status=CallStatus.HANGUP, hangup_reason=reason)
            self._gone.set()
            self._ended.set()
            if self.flow is not None and self.flow is not asyncio.current_task():
                self.flow.cancel()


def as_live(call: FakeCall) -> LiveCall:
    """The fake under the type that the code asks for."""
    return cast(LiveCall, call)


class FakeOutbound:
    """Places fake calls; `refuses` are destinations that cannot be placed."""

    def __init__(self, refuses: tuple[str, ...] = ()) -> None:
        self.calls: list[FakeCall] = []
        self.refuses = refuses
        self.placed = asyncio.Event()

    async def place(self, order: OutgoingCall) -> FakeCall:
        if order.destination.target in self.refuses:
            raise Unavailable("no")
        record = replace(
            make_call(),
            destination=order.destination,
            groupcall_id=order.groupcall_id,
            master_call_id=order.master_call_id,
        )
        call = FakeCall(record, order)
        self.calls.append(call)
        self.placed.set()
        self.placed.clear()
        return call

    async def wait_calls(self, count: int) -> None:
        while len(self.calls) < count:
            await self.placed.wait()


async def never(_call: object) -> None:
    raise LegGone("the fake flow was not meant to run")


def make_order(target: str, **dial: Any) -> OutgoingCall:
    reached = Dial((target,), **dial)
    return OutgoingCall(
        CUSTOMER, Address(AddressType.TEL, "+15551230001"), Address(AddressType.SIP, target), reached, never
    )


def as_outbound(outbound: FakeOutbound) -> Outbound:
    """The fake under the type that the code asks for."""
    return cast(Outbound, outbound)
