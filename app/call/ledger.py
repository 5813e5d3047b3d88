"""A call's record while it lives: changes take turns, are stored, and told; the status machine (contract 3.5)."""

import asyncio
from dataclasses import replace

from app.call.hangup_reasons import reason_of
from app.domain.call import (
    ALLOWED_NEXT,
    Call,
    CallAction,
    CallDirection,
    CallStatus,
    HangupBy,
    HangupReason,
    MuteDirection,
)
from app.domain.events import EventType
from app.domain.ids import ZERO_ID
from app.domain.timestamps import now
from app.journal.journal import Journal

_STATUS_EVENT = {
    CallStatus.DIALING: EventType.CALL_DIALING,
    CallStatus.RINGING: EventType.CALL_RINGING,
    CallStatus.PROGRESSING: EventType.CALL_PROGRESSING,
    CallStatus.TERMINATING: EventType.CALL_TERMINATING,
    CallStatus.CANCELING: EventType.CALL_CANCELING,
    CallStatus.HANGUP: EventType.CALL_HANGUP,
}
ENDING = frozenset({CallStatus.TERMINATING, CallStatus.CANCELING, CallStatus.HANGUP})


class CallLedger:
    """Holds `record`, the call as it is now."""

    def __init__(self, record: Call, journal: Journal) -> None:
        self.record = record
        self._journal = journal
        self._turn = asyncio.Lock()
        self._reason = HangupReason.NORMAL

    async def advance(self, status: CallStatus) -> None:
        """Go on to `status` where the machine allows it; else nothing changes."""
        async with self._turn:
            if status in ALLOWED_NEXT[self.record.status]:
                await self._set_status(status)

    async def begin_end(self, reason: HangupReason) -> bool:
        """Note that we end the call, and why; False when it is ending or over already."""
        async with self._turn:
            if self.record.status in ENDING:
                return False
            self._reason = reason
            is_cancel = self.record.direction is CallDirection.OUTGOING and self.record.tm_progressing is None
            await self._set_status(CallStatus.CANCELING if is_cancel else CallStatus.TERMINATING)
        return True

    async def end(self, cause: int) -> None:
        """Set the final status from what ended the call (`cause` = Q.850 number of the channel's end)."""
        async with self._turn:
            was = self.record.status
            if was is CallStatus.HANGUP:
                return
            is_local = was in {CallStatus.TERMINATING, CallStatus.CANCELING}
            self.record = replace(
                self.record,
                hangup_by=HangupBy.LOCAL if is_local else HangupBy.REMOTE,
                hangup_reason=reason_of(was, self.record.direction, cause, self._reason),
            )
            await self._set_status(CallStatus.HANGUP)

    async def note_flow(self, *, flow_id: str, activeflow_id: str) -> None:
        """Store which flow runs this call."""
        async with self._turn:
            await self._change(replace(self.record, flow_id=flow_id, activeflow_id=activeflow_id))

    async def note_recording(self, recording_id: str) -> None:
        """Store which recording goes on, ZERO_ID for none any more."""
        async with self._turn:
            known = self.record.recording_ids
            all_ids = known if recording_id in {ZERO_ID, *known} else (*known, recording_id)
            await self._change(replace(self.record, recording_id=recording_id, recording_ids=all_ids))

    async def note_chained(self, call_id: str) -> None:
        """Store that another call ends with this one."""
        async with self._turn:
            await self._change(replace(self.record, chained_call_ids=(*self.record.chained_call_ids, call_id)))

    async def note_unchained(self, call_id: str) -> None:
        """Store that another call does not end with this one any more."""
        async with self._turn:
            left = tuple(each for each in self.record.chained_call_ids if each != call_id)
            if left != self.record.chained_call_ids:
                await self._change(replace(self.record, chained_call_ids=left))

    async def note_mute(self, direction: MuteDirection, *, is_on: bool) -> None:
        """Store that a direction is muted beside what is muted, or is no more."""
        async with self._turn:
            was = self.record.mute_direction
            is_now = was.plus(direction) if is_on else was.minus(direction)
            await self._change(replace(self.record, mute_direction=is_now))

    def note_action(self, action: CallAction) -> None:
        """Show which action runs now; it is stored with the call's next change, the activeflow has it at once."""
        self.record = replace(self.record, action=action)

    async def _set_status(self, status: CallStatus) -> None:
        moment = now()
        self.record = replace(self.record, status=status, tm_update=moment)
        match status:
            case CallStatus.RINGING:
                self.record = replace(self.record, tm_ringing=moment)
            case CallStatus.PROGRESSING:
                self.record = replace(self.record, tm_progressing=moment)
            case CallStatus.HANGUP:
                self.record = replace(self.record, tm_hangup=moment)
            case _:
                pass
        await self._journal.change(self.record, _STATUS_EVENT[status])

    async def _change(self, record: Call) -> None:
        self.record = replace(record, tm_update=now())
        await self._journal.change(self.record, EventType.CALL_UPDATED)
