"""Where calls come in: an arrival in the Stasis application becomes a call, or is refused with a SIP status."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from app.ari.ari import Ari
from app.ari.channel import hang_up
from app.ari.events import StasisStart
from app.call.call_scope import run_call
from app.call.journal import CallJournal
from app.call.live_call import LiveCall
from app.call.live_calls import LiveCalls
from app.call.ports import OnCall
from app.domain.call import Address, AddressType, Call, CallDirection, CallStatus
from app.domain.ids import new_id
from app.domain.timestamps import now
from app.errors import CallscribeError
from app.logs import get_log

log = get_log("call")

# Q.850 causes and what chan_pjsip makes of them before the answer.
CAUSE_UNALLOCATED = 1  # SIP 404
CAUSE_CONGESTION = 34  # SIP 503


@dataclass(frozen=True, slots=True)
class Admission:
    """What decides whether a call can come in."""

    find_on_call: Callable[[str], OnCall | None]
    """Gives what runs a call to this dialled number, None when nothing answers it."""
    reserve_ports: Callable[[str], bool]
    """Sets aside the UDP ports that one call can need; False when they are used up."""
    release_ports: Callable[[str], None]
    is_ready: Callable[[], bool]
    """Whether a call could be served at all now."""


class Intake:
    """Takes every arrival of the Stasis application into a task of its own."""

    def __init__(
        self,
        ari: Ari,
        journal: CallJournal,
        live_calls: LiveCalls,
        admission: Admission,
        *,
        customer_id: str,
        max_call_seconds: float,
    ) -> None:
        self._ari = ari
        self._journal = journal
        self._live_calls = live_calls
        self._admission = admission
        self._customer_id = customer_id
        self._max_call_seconds = max_call_seconds

    async def run(self) -> None:
        """Take calls until cancelled; the calls end with it, so cancel only when none lives."""
        async with asyncio.TaskGroup() as calls:
            async for arrival in self._ari.arrivals:
                calls.create_task(self._take(arrival), name=f"call {arrival.channel.id}")

    async def _take(self, arrival: StasisStart) -> None:
        channel = arrival.channel
        with self._ari.claim(channel.id) as watch:
            call_id = new_id()
            on_call, refusal = self._decide(channel.dialplan.exten, call_id)
            if on_call is None:
                await self._refuse(channel.id, refusal)
                return
            moment = now()
            record = Call(
                id=call_id,
                customer_id=self._customer_id,
                direction=CallDirection.INCOMING,
                status=CallStatus.RINGING,
                source=_address(channel.caller.number, channel.caller.name),
                destination=_address(channel.dialplan.exten, ""),
                tm_create=moment,
                tm_update=moment,
                tm_ringing=moment,
            )
            call = LiveCall(record, channel.id, self._ari, self._journal)
            self._live_calls.enter(call)
            try:
                call.record = await self._journal.open(record)
                log.info("call came in", call_id=call_id)
                await run_call(call, watch, on_call, max_seconds=self._max_call_seconds)
            except Exception:
                # The isolation boundary between calls: this one is lost, the others and the program go on.
                log.exception("the call broke", call_id=call_id)
                await self._refuse(channel.id, CAUSE_CONGESTION)
            finally:
                self._live_calls.leave(call)
                self._admission.release_ports(call_id)

    def _decide(self, number: str, call_id: str) -> tuple[OnCall | None, int]:
        if self._live_calls.is_refusing or not self._admission.is_ready():
            log.warning("call refused with 503: not ready to serve it")
            return None, CAUSE_CONGESTION
        on_call = self._admission.find_on_call(number)
        if on_call is None:
            log.info("call refused with 404: no flow answers the dialled number")
            return None, CAUSE_UNALLOCATED
        if not self._admission.reserve_ports(call_id):
            log.warning("call refused with 503: all ports of CALLSCRIBE_RTP_PORTS are in use")
            return None, CAUSE_CONGESTION
        return on_call, 0

    async def _refuse(self, channel_id: str, cause: int) -> None:
        try:
            await hang_up(self._ari, channel_id, cause)
        except CallscribeError as error:
            log.warning("a refused call could not be hung up", reason=error.message)


def _address(number: str, name: str) -> Address:
    """A caller's or callee's number as the API's address: E.164 is tel, everything else a SIP user part."""
    is_tel = number.startswith("+") and number[1:].isdigit()
    return Address(AddressType.TEL if is_tel else AddressType.SIP, target=number, target_name=name)
