"""A call while it lives: what flows, the API and transcribes may do with it. Asterisk's words stop here."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager

from app.ari import channel as leg
from app.ari.ari import Ari
from app.ari.errors import AriDisconnected, AriTimeout
from app.ari.events import ReferTo
from app.call.attachments import Attachments
from app.call.digits import DigitListener, Digits
from app.call.hangup_reasons import NORMAL_CLEARING, cause_of
from app.call.ledger import ENDING, CallLedger
from app.call.leg_playing import LegPlaying
from app.call.leg_sound import LegSound
from app.call.ports import Closer
from app.call.wait_any import wait_any
from app.domain.call import Call, CallDirection, CallStatus, HangupReason, MuteDirection, PlayOutcome
from app.errors import LegGone, StateInvalid
from app.journal.journal import Journal
from app.logs import get_log

log = get_log("call")

OnRefer = Callable[["LiveCall", ReferTo], Awaitable[bool]]
"""Carries out a transfer that a party asks for; False when it is not done."""


class LiveCall:
    """One call with one leg. All its methods raise LegGone once the party has hung up."""

    def __init__(self, record: Call, channel_id: str, ari: Ari, journal: Journal) -> None:
        self.ledger = CallLedger(record, journal)
        self.channel_id = channel_id
        self.peer: LiveCall | None = None
        """The call that this one's party talks with, while they are connected."""
        self.is_holding = False
        """Whether the party has put the one that it talks with on hold, at its telephone."""
        self.on_refer: OnRefer | None = None
        """Called when the party asks to be replaced by somebody else (SIP REFER); None = it may not."""
        self._ari = ari
        self.digits = Digits()
        """What the party has pressed."""
        self._gone = asyncio.Event()
        self._ended = asyncio.Event()
        self._answered = asyncio.Event()
        self._sounding = asyncio.Event()
        self._attachments = Attachments()
        self._playing = LegPlaying(ari, lambda: self.channel_id, self._gone)
        self.sound = LegSound(ari, lambda: self.channel_id, self._playing, self._alone_with_leg)
        """What the party hears beside what flows play."""

    @property
    def record(self) -> Call:
        """The call as it is now."""
        return self.ledger.record

    @property
    def is_ending(self) -> bool:
        """Whether the call is ending or over."""
        return self.record.status in ENDING

    @property
    def is_answered(self) -> bool:
        """Whether the party can hear and be heard now."""
        return self.record.status is CallStatus.PROGRESSING and not self.is_gone

    @property
    def is_gone(self) -> bool:
        """Whether the leg's channel has left Asterisk or is lost."""
        return self._gone.is_set()

    @property
    def hears_music(self) -> bool:
        """Whether music on hold is played to the party: a playback on the leg would end it."""
        return self.sound.is_music

    @property
    def _is_dialled(self) -> bool:
        """Whether this is an outgoing call that nobody has answered: Asterisk does nothing with its leg yet."""
        return self.record.direction is CallDirection.OUTGOING and self.record.tm_progressing is None

    async def answer(self) -> None:
        """Answer an incoming call, wait for the answer of an outgoing one; nothing when it is answered already."""
        self._require_leg()
        if self.record.status is CallStatus.PROGRESSING:
            return
        if self._is_dialled:
            await self.wait_answered()
            return
        async with self._playing.undisturbed():
            await leg.answer(self._ari, self.channel_id)
        await self.note_answered()

    async def ring(self, *, is_on: bool) -> None:
        """Let the party hear that somebody else is being rung, or no more."""
        self._require_leg()
        if not self._is_dialled:
            await (leg.ring if is_on else leg.stop_ringing)(self._ari, self.channel_id)

    async def progress(self) -> None:
        """Let a party that has not been answered hear what follows: early media."""
        self._require_leg()
        await leg.progress(self._ari, self.channel_id)

    async def mute(self, direction: MuteDirection, *, is_on: bool) -> None:
        """Mute a direction beside what is muted, or take it back."""
        if direction is MuteDirection.NONE:
            return
        async with self._alone_with_leg():
            await (leg.mute if is_on else leg.unmute)(self._ari, self.channel_id, direction.value)
            await self.ledger.note_mute(direction, is_on=is_on)

    async def send_digits(self, digits: str, *, duration_ms: int, interval_ms: int) -> None:
        """Begin to send digits (0-9, A-D, *, #) to the party; returns at once."""
        self._require_leg()
        # Asterisk takes a pause of 0 for one that is not given, and makes it 100 ms.
        await leg.send_digits(
            self._ari, self.channel_id, digits, between_ms=max(1, interval_ms), duration_ms=duration_ms
        )

    async def play(self, media: Sequence[str], *, is_stopped_by_digit: bool = False) -> PlayOutcome:
        """Play media URIs (`sound:http://…`, `tone:…`) in order to the party; returns when the last ended.

        While the party is on hold, or hears music or silence, it waits. An outgoing call's answer is waited for. A
        digit that was typed ahead stops it before it begins.
        """
        self._require_leg()
        if is_stopped_by_digit and self.digits.stop_prompt():
            return PlayOutcome.STOPPED_BY_DIGIT
        with self.digits.watch() as digits:
            if self._is_dialled:
                await self.wait_answered()
            outcome = await self._playing.play(media, digits.next if is_stopped_by_digit else None)
        if outcome is PlayOutcome.STOPPED_BY_DIGIT:
            self.digits.stop_prompt()
        return outcome

    @asynccontextmanager
    async def _alone_with_leg(self) -> AsyncIterator[None]:
        """Within this context nothing is played to the leg, so that Asterisk does at once what it is asked to do."""
        self._require_leg()
        if self._is_dialled:
            raise StateInvalid(f"the call is {self.record.status}: nobody has answered yet")
        await self._playing.silence_voices()
        async with self._playing.undisturbed():
            yield

    async def hang_up(self, reason: str = HangupReason.NORMAL) -> None:
        """End the call from our side; the call's scope notices the end. Does nothing when it is ending already."""
        if not self.is_gone and await self.ledger.begin_end(HangupReason(reason)):
            is_refusal = self.record.direction is CallDirection.INCOMING and self.record.tm_progressing is None
            await self.drop_leg(cause_of(HangupReason(reason)) if is_refusal else NORMAL_CLEARING)

    async def drop_leg(self, cause: int) -> None:
        """End the leg without a change of status: the far side counts as the one that ended the call."""
        try:
            await leg.hang_up(self._ari, self.channel_id, cause)
        except AriDisconnected:
            # The channel stays until Asterisk is back: the sweep finds a call that should have ended.
            log.warning("hang-up waits for Asterisk to come back", call_id=self.record.id)

    def on_bridging(self, step_aside: Callable[[], Awaitable[None]]) -> Callable[[], None]:
        """Call `step_aside` before the leg is put into a bridge, until what is returned is called."""
        return self._playing.on_bridging(step_aside)

    async def make_way(self) -> None:
        """Before the leg goes into or out of a bridge: what plays on it leaves it, else Asterisk waits for its end."""
        await self._playing.give_way()

    async def still_exists(self) -> bool:
        """Ask Asterisk whether the leg's channel is there; True also when it cannot be asked now."""
        try:
            await leg.get_channel(self._ari, self.channel_id)
        except LegGone:
            return False
        except (AriDisconnected, AriTimeout):
            return True
        return True

    def watch_digits(self) -> AbstractContextManager[DigitListener]:
        """Listen to the digits that the party presses from now on."""
        return self.digits.watch()

    async def note_ringing(self) -> None:
        """The far telephone rings."""
        await self.ledger.advance(CallStatus.RINGING)

    async def note_answered(self) -> None:
        """The party has answered: it can hear and be heard."""
        await self.ledger.advance(CallStatus.PROGRESSING)
        self._answered.set()

    async def tell_transfer(self, *, is_done: bool) -> None:
        """Tell the party whether the transfer that it asked for (SIP REFER) is done."""
        await leg.tell_transfer(self._ari, self.channel_id, "channel_answered" if is_done else "channel_unavailable")

    def note_sounding(self) -> None:
        """The far side sends sound before its answer."""
        self._sounding.set()

    async def wait_sounding(self) -> None:
        """Return when the far side has sent sound before its answer; LegGone when the call ends instead."""
        await self._wait(self._sounding)

    async def wait_answered(self) -> None:
        """Return when the party has answered; LegGone when the call ends instead."""
        await self._wait(self._answered)

    async def _wait(self, event: asyncio.Event) -> None:
        await wait_any(event.wait(), self._gone.wait())
        self._require_leg()

    def mark_gone(self) -> None:
        """The leg's channel is no more: whatever waits on this call ends with LegGone."""
        self._gone.set()

    async def wait_gone(self) -> None:
        """Return when the leg is gone."""
        await self._gone.wait()

    async def wait_ended(self) -> None:
        """Return when the call has its final status and nothing of it goes on."""
        await self._ended.wait()

    def mark_ended(self) -> None:
        """Everything that belonged to the call is over: for its scope to say."""
        self._ended.set()

    def end_with(self, closer: Closer) -> None:
        """Have `closer` awaited when the call ends."""
        self._require_leg()
        self._attachments.keep(closer)

    @contextmanager
    def attach(self, closer: Closer) -> Iterator[None]:
        """Within this context `closer` is awaited when the call ends."""
        self._require_leg()
        with self._attachments.attach(closer):
            yield

    async def close_attached(self, timeout_seconds: float) -> None:
        """End everything that is attached, all at once, within a time-out."""
        await self._attachments.close(timeout_seconds)

    def _require_leg(self) -> None:
        if self.is_gone:
            raise LegGone("the party has hung up")
