"""Calls that we make: placed by the API, by a groupcall or by a connect, each in a scope of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from app.ari.ari import Ari
from app.call.call_scope import hang_up_safely, run_call
from app.call.live_call import LiveCall
from app.call.live_calls import LiveCalls
from app.call.outgoing_leg import Dial, dial_leg
from app.call.ports import OnCall
from app.domain.call import Address, Call, CallDirection, CallStatus, CallType, HangupReason
from app.domain.events import EventType
from app.domain.ids import ZERO_ID, asterisk_id, new_id
from app.domain.timestamps import now
from app.errors import Unavailable
from app.journal.journal import Journal
from app.logs import get_log
from app.owned_tasks import OwnedTasks

log = get_log("call")

_REFUSAL = "no call can be made now: Asterisk is away, or the program is ending"


@dataclass(frozen=True, slots=True)
class OutgoingCall:
    """One call to be made. `on_call` runs once it is answered, or at once where it `is_early`."""

    customer_id: str
    source: Address
    destination: Address
    dial: Dial
    on_call: OnCall
    is_early: bool = False
    type: CallType = CallType.FLOW
    flow_id: str = ZERO_ID
    master_call_id: str = ZERO_ID
    groupcall_id: str = ZERO_ID
    owner_type: str = ""
    owner_id: str = ZERO_ID


class Outbound:
    """Owns the tasks of all outgoing calls."""

    def __init__(
        self,
        ari: Ari,
        journal: Journal,
        live_calls: LiveCalls,
        *,
        reserve_ports: Callable[[str], bool],
        release_ports: Callable[[str], None],
        is_ready: Callable[[], bool],
        max_call_seconds: float,
    ) -> None:
        self._ari = ari
        self._journal = journal
        self._live_calls = live_calls
        self._reserve_ports = reserve_ports
        self._release_ports = release_ports
        self._is_ready = is_ready
        self._max_call_seconds = max_call_seconds
        self._tasks = OwnedTasks(_REFUSAL)

    async def run(self) -> None:
        """Own the calls' tasks until cancelled; cancel only when no call lives."""
        await self._tasks.run()

    async def place(self, order: OutgoingCall) -> LiveCall:
        """Store the call and begin to dial; returns at once. Unavailable when no call can be made now."""
        if not self._tasks.is_open or self._live_calls.is_refusing or not self._is_ready():
            raise Unavailable(_REFUSAL)
        call_id = new_id()
        if not self._reserve_ports(call_id):
            raise Unavailable("all ports of CALLSCRIBE_RTP_PORTS are in use: no call can be made now")
        try:
            record = await self._journal.create(_record(order, call_id), EventType.CALL_CREATED, EventType.CALL_DIALING)
        except BaseException:
            self._release_ports(call_id)
            raise
        call = LiveCall(record, asterisk_id("call", call_id, "0"), self._ari, self._journal)
        self._live_calls.enter(call)
        self._tasks.start(self._run(call, order), name=f"call {call_id}")
        log.info("call is made", call_id=call_id)
        return call

    async def _run(self, call: LiveCall, order: OutgoingCall) -> None:
        async def on_call(answered: LiveCall) -> None:
            if not order.is_early:
                await answered.wait_answered()
            await order.on_call(answered)

        try:
            follow = partial(dial_leg, call, self._ari, order.dial)
            await run_call(call, follow, on_call, max_seconds=self._max_call_seconds)
        except Exception:
            # The isolation boundary between calls: this one is lost, the others and the program go on.
            log.exception("the call broke", call_id=call.record.id)
            await hang_up_safely(call, HangupReason.FAILED)
        finally:
            self._live_calls.leave(call)
            self._release_ports(call.record.id)
            call.mark_ended()
            await self._live_calls.hang_up_chained(call)


def _record(order: OutgoingCall, call_id: str) -> Call:
    moment = now()
    return Call(
        id=call_id,
        customer_id=order.customer_id,
        direction=CallDirection.OUTGOING,
        status=CallStatus.DIALING,
        source=order.source,
        destination=order.destination,
        tm_create=moment,
        tm_update=moment,
        type=order.type,
        flow_id=order.flow_id,
        master_call_id=order.master_call_id,
        groupcall_id=order.groupcall_id,
        owner_type=order.owner_type,
        owner_id=order.owner_id,
    )
