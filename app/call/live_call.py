"""A call while it lives: what flows, the API and transcribes may do with it. Asterisk's words stop here."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from app.ari.ari import Ari
from app.ari.channel import NORMAL_CLEARING, answer, get_channel, hang_up
from app.ari.errors import AriDisconnected, AriTimeout
from app.ari.playback import PlaybackResult, open_playback
from app.call.journal import CallJournal
from app.call.ports import Closer
from app.domain.call import (
    ALLOWED_NEXT,
    Call,
    CallAction,
    CallDirection,
    CallStatus,
    HangupBy,
    HangupReason,
    PlayOutcome,
)
from app.domain.events import EventType
from app.domain.ids import asterisk_id, new_id
from app.domain.timestamps import now
from app.errors import LegGone
from app.logs import get_log

log = get_log("call")

_STATUS_EVENT = {
    CallStatus.RINGING: EventType.CALL_RINGING,
    CallStatus.PROGRESSING: EventType.CALL_PROGRESSING,
    CallStatus.TERMINATING: EventType.CALL_TERMINATING,
    CallStatus.CANCELING: EventType.CALL_CANCELING,
    CallStatus.HANGUP: EventType.CALL_HANGUP,
}

CAUSE_NO_ANSWER = 19
"""Q.850: nobody answered."""


class LiveCall:
    """One call with one leg. All its methods raise LegGone once the party has hung up."""

    def __init__(self, record: Call, channel_id: str, ari: Ari, journal: CallJournal) -> None:
        self.record = record
        self.channel_id = channel_id
        self.digits = ""
        self._ari = ari
        self._journal = journal
        self._turn = asyncio.Lock()
        self._digit_pressed = asyncio.Event()
        self._gone = asyncio.Event()
        self._reason = HangupReason.NORMAL
        self._closers: list[Closer] = []

    @property
    def is_answered(self) -> bool:
        """Whether the party can hear and be heard now."""
        return self.record.status is CallStatus.PROGRESSING and not self.is_gone

    @property
    def is_gone(self) -> bool:
        """Whether the leg's channel has left Asterisk or is lost."""
        return self._gone.is_set()

    async def answer(self) -> None:
        """Answer an incoming call; does nothing when it is answered already."""
        self._require_leg()
        if self.record.status is CallStatus.PROGRESSING:
            return
        await answer(self._ari, self.channel_id)
        await self._advance(CallStatus.PROGRESSING)

    async def play(self, media: Sequence[str], *, is_stopped_by_digit: bool = False) -> PlayOutcome:
        """Play media URIs (`sound:http://…`, `tone:…`) in order to the party; returns when the last ended."""
        self._require_leg()
        self._digit_pressed.clear()
        play_id = asterisk_id("play", new_id())
        async with open_playback(self._ari, self.channel_id, play_id, media) as playback:
            ended = asyncio.ensure_future(playback.finished())
            pressed = asyncio.ensure_future(self._digit_pressed.wait())
            gone = asyncio.ensure_future(self._gone.wait())
            waits = {ended, gone} | ({pressed} if is_stopped_by_digit else set())
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
                self._require_leg()
                if ended.done():
                    is_failed = ended.result() is PlaybackResult.FAILED
                    return PlayOutcome.FAILED if is_failed else PlayOutcome.DONE
                await playback.stop()
                return PlayOutcome.STOPPED_BY_DIGIT
            finally:
                for wait in (ended, pressed, gone):
                    wait.cancel()
                await asyncio.gather(ended, pressed, gone, return_exceptions=True)

    async def hang_up(self, reason: str = HangupReason.NORMAL) -> None:
        """End the call from our side; the call's scope notices the end. Does nothing when it is ending already."""
        async with self._turn:
            if self.is_gone or self.record.status in {CallStatus.TERMINATING, CallStatus.CANCELING, CallStatus.HANGUP}:
                return
            self._reason = HangupReason(reason)
            is_cancel = self.record.direction is CallDirection.OUTGOING and self.record.tm_progressing is None
            await self._set_status(CallStatus.CANCELING if is_cancel else CallStatus.TERMINATING)
        try:
            await hang_up(self._ari, self.channel_id, NORMAL_CLEARING)
        except AriDisconnected:
            # The channel stays until Asterisk is back: the sweep finds a call that should have ended.
            log.warning("hang-up waits for Asterisk to come back", call_id=self.record.id)

    async def still_exists(self) -> bool:
        """Ask Asterisk whether the leg's channel is there; True also when it cannot be asked now."""
        try:
            await get_channel(self._ari, self.channel_id)
        except LegGone:
            return False
        except (AriDisconnected, AriTimeout):
            return True
        return True

    def note_digit(self, digit: str) -> None:
        """Keep a digit that the party pressed and wake what waits for one."""
        self.digits = digit
        self._digit_pressed.set()

    def mark_gone(self) -> None:
        """The leg's channel is no more: whatever waits on this call ends with LegGone."""
        self._gone.set()

    async def wait_gone(self) -> None:
        """Return when the leg is gone."""
        await self._gone.wait()

    async def note_flow(self, *, flow_id: str, activeflow_id: str) -> None:
        """Store which flow runs this call."""
        async with self._turn:
            self.record = replace(self.record, flow_id=flow_id, activeflow_id=activeflow_id, tm_update=now())
            await self._journal.note(self.record, EventType.CALL_UPDATED)

    def note_action(self, action: CallAction) -> None:
        """Show which action runs now; it is stored with the call's next change, the activeflow has it at once."""
        self.record = replace(self.record, action=action)

    @contextmanager
    def attach(self, closer: Closer) -> Iterator[None]:
        """Within this context `closer` is awaited when the call ends."""
        self._require_leg()
        self._closers.append(closer)
        try:
            yield
        finally:
            if closer in self._closers:
                self._closers.remove(closer)

    async def close_attached(self, timeout_seconds: float) -> None:
        """End everything that is attached, all at once, within a time-out."""
        closers = list(self._closers)
        if not closers:
            return
        tasks = [asyncio.ensure_future(closer()) for closer in closers]
        done, late = await asyncio.wait(tasks, timeout=timeout_seconds)
        for task in late:
            task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                log.error("something of the call did not end well", call_id=self.record.id, exc_info=outcome)
        if late:
            log.error(
                "something of the call did not end in time", call_id=self.record.id, late=len(late), ended=len(done)
            )

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
                hangup_reason=self._why(was, cause),
            )
            await self._set_status(CallStatus.HANGUP)

    def _why(self, was: CallStatus, cause: int) -> HangupReason:
        if was is CallStatus.CANCELING:
            return HangupReason.CANCEL
        if was is CallStatus.TERMINATING:
            return self._reason
        if was is CallStatus.PROGRESSING:
            return HangupReason.NORMAL
        return HangupReason.NOANSWER if cause == CAUSE_NO_ANSWER else HangupReason.CANCEL

    async def _advance(self, status: CallStatus) -> None:
        async with self._turn:
            if status in ALLOWED_NEXT[self.record.status]:
                await self._set_status(status)

    async def _set_status(self, status: CallStatus) -> None:
        moment = now()
        self.record = replace(self.record, status=status, tm_update=moment)
        if status is CallStatus.PROGRESSING:
            self.record = replace(self.record, tm_progressing=moment)
        elif status is CallStatus.HANGUP:
            self.record = replace(self.record, tm_hangup=moment)
        await self._journal.note(self.record, _STATUS_EVENT[status])

    def _require_leg(self) -> None:
        if self.is_gone:
            raise LegGone("the party has hung up")
