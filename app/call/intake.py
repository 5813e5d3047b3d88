"""Where calls come in: an arrival in the Stasis application becomes a call, or is refused with a SIP status."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from app.ari.ari import Ari
from app.ari.channel import hang_up
from app.ari.events import StasisStart
from app.ari.watch import Watch
from app.call.call_scope import run_call
from app.call.leg_events import follow_leg
from app.call.live_call import LiveCall
from app.call.live_calls import LiveCalls
from app.call.ports import Answer, Arrival
from app.domain.call import Address, AddressType, Call, CallDirection, CallStatus
from app.domain.events import EventType
from app.domain.ids import new_id
from app.domain.timestamps import now
from app.errors import CallscribeError
from app.journal.journal import Journal
from app.logs import get_log

log = get_log("call")

# Q.850 causes and what chan_pjsip makes of them before the answer.
CAUSE_UNALLOCATED = 1  # SIP 404
CAUSE_CONGESTION = 34  # SIP 503

CONFERENCE_LEG = "conference"
"""The first argument of an arrival that is the far half of a leg of ours into a conference."""


@dataclass(frozen=True, slots=True)
class Admission:
    """What decides whether a call can come in."""

    find_answer: Callable[[Arrival], Awaitable[Answer | None]]
    """Gives what answers a call, None when nothing does."""
    reserve_ports: Callable[[str], bool]
    """Sets aside the UDP ports that one call can need; False when they are used up."""
    release_ports: Callable[[str], None]
    is_ready: Callable[[], bool]
    """Whether a call could be served at all now."""
    join_conference: Callable[[str, str], Awaitable[None]]
    """Puts a bare channel (first) into a conference (second) until either ends."""


class Intake:
    """Takes every arrival of the Stasis application into a task of its own."""

    def __init__(
        self, ari: Ari, journal: Journal, live_calls: LiveCalls, admission: Admission, *, max_call_seconds: float
    ) -> None:
        self._ari = ari
        self._journal = journal
        self._live_calls = live_calls
        self._admission = admission
        self._max_call_seconds = max_call_seconds

    async def run(self) -> None:
        """Take calls until cancelled; the calls end with it, so cancel only when none lives."""
        async with asyncio.TaskGroup() as calls:
            async for arrival in self._ari.arrivals:
                calls.create_task(self._take(arrival), name=f"call {arrival.channel.id}")

    async def _take(self, start: StasisStart) -> None:
        channel_id = start.channel.id
        with self._ari.claim(channel_id) as watch:
            try:
                if start.args[:1] == (CONFERENCE_LEG,):
                    await self._admission.join_conference(channel_id, start.args[1] if len(start.args) > 1 else "")
                    await self._refuse(channel_id, CAUSE_UNALLOCATED)
                    return
                call_id = new_id()
                answer, refusal = await self._decide(_arrival(start), call_id)
                if answer is None:
                    await self._refuse(channel_id, refusal)
                    return
                await self._serve(answer, call_id, channel_id, watch)
            except Exception:
                # The isolation boundary between calls: this one is lost, the others and the program go on.
                log.exception("the call broke")
                await self._refuse(channel_id, CAUSE_CONGESTION)

    async def _serve(self, answer: Answer, call_id: str, channel_id: str, watch: Watch) -> None:
        moment = now()
        record = Call(
            id=call_id,
            customer_id=answer.customer_id,
            direction=CallDirection.INCOMING,
            status=CallStatus.RINGING,
            source=answer.source,
            destination=answer.destination,
            flow_id=answer.flow_id,
            tm_create=moment,
            tm_update=moment,
            tm_ringing=moment,
        )
        call = LiveCall(record, channel_id, self._ari, self._journal)
        self._live_calls.enter(call)
        try:
            call.ledger.record = await self._journal.create(record, EventType.CALL_CREATED)
            log.info("call came in", call_id=call_id)
            follow = partial(follow_leg, call, watch)

            async def on_call(ringing: LiveCall) -> None:
                # A flow may wait before it answers: the caller's telephone rings meanwhile.
                await ringing.ring(is_on=True)
                await answer.on_call(ringing)

            await run_call(call, follow, on_call, max_seconds=self._max_call_seconds)
        finally:
            self._live_calls.leave(call)
            self._admission.release_ports(call_id)
            call.mark_ended()
            await self._live_calls.hang_up_chained(call)

    async def _decide(self, arrival: Arrival, call_id: str) -> tuple[Answer | None, int]:
        if self._live_calls.is_refusing or not self._admission.is_ready():
            log.warning("call refused with 503: not ready to serve it")
            return None, CAUSE_CONGESTION
        answer = await self._admission.find_answer(arrival)
        if answer is None:
            log.info("call refused with 404: nothing answers the dialled number")
            return None, CAUSE_UNALLOCATED
        if not self._admission.reserve_ports(call_id):
            log.warning("call refused with 503: all ports of CALLSCRIBE_RTP_PORTS are in use")
            return None, CAUSE_CONGESTION
        return answer, 0

    async def _refuse(self, channel_id: str, cause: int) -> None:
        try:
            await hang_up(self._ari, channel_id, cause)
        except CallscribeError as error:
            log.warning("a refused call could not be hung up", reason=error.message)


def _arrival(start: StasisStart) -> Arrival:
    channel, args = start.channel, start.args
    return Arrival(
        number=channel.dialplan.exten,
        caller=address_of(channel.caller.number, channel.caller.name),
        kind=args[0] if args else "incoming",
        endpoint=args[1] if len(args) > 1 else "",
        named_number=args[2] if len(args) > 2 else "",
    )


def address_of(number: str, name: str = "") -> Address:
    """A caller's or callee's number as the API's address: E.164 is tel, everything else a SIP user part."""
    is_tel = number.startswith("+") and number[1:].isdigit()
    return Address(AddressType.TEL if is_tel else AddressType.SIP, target=number, target_name=name)
