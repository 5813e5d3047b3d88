"""The call of a simulation: a party that presses and says what it was told to, and an ear that hears it; no telephone.

It presses a digit whenever the flow waits for one, and speaks half a second after it is spoken to, until it has
nothing left to press or say; then it is silent.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from app.domain.answer import AnswerRequest, HeardAnswer
from app.domain.call import Address, Call, CallDirection, CallStatus, MuteDirection, PlayOutcome
from app.domain.ids import new_id
from app.domain.timestamps import now
from app.flow.reach import SpokenLine
from app.speech.hints import match_hints

Tell = Callable[[str], None]

_REACTION_SECONDS = 0.5
_SECONDS_PER_CHARACTER = 0.06
_KEY_SECONDS = 0.2
_LOOK_SECONDS = 0.1


def speaking_seconds(text: str) -> float:
    """Return about how long it takes to say a text."""
    return max(0.5, len(text) * _SECONDS_PER_CHARACTER)


class SimulatedDigits:
    """Digits that are pressed when the flow asks for them."""

    def __init__(self, digits: str, tell: Tell) -> None:
        self._left = deque(digits)
        self._tell = tell

    async def take(self) -> str:
        """Press the next digit; waits for ever where none is left."""
        if not self._left:
            await asyncio.get_running_loop().create_future()
        await asyncio.sleep(_KEY_SECONDS)
        digit = self._left.popleft()
        self._tell(f"the caller presses {digit}")
        return digit

    def is_next(self, keys: str) -> bool:
        """Tell whether the next digit is one of `keys`; "any" = there is one."""
        return bool(self._left) and (keys == "any" or self._left[0] in keys)

    def show_last(self) -> str:
        """Return nothing: no digit is pressed while the flow does something else."""
        return ""

    def mark_taken(self) -> None:
        """Nothing to note."""

    def drop_shown(self) -> None:
        """Nothing to forget."""

    def drop_all(self) -> None:
        """Nothing to forget."""


class SimulatedCall:
    """A call of which everything is told."""

    def __init__(
        self, *, customer_id: str, number: str, caller: str, digits: str, said: Sequence[str], tell: Tell
    ) -> None:
        moment = now()
        self.record = Call(
            id=new_id(),
            customer_id=customer_id,
            direction=CallDirection.INCOMING,
            status=CallStatus.RINGING,
            source=Address(target=caller),
            destination=Address(target=number),
            tm_create=moment,
            tm_update=moment,
        )
        self.digits = SimulatedDigits(digits, tell)
        self.said = deque(said)
        self.lines: list[SpokenLine] = []
        """What the party has said (`in`) and heard (`out`)."""
        self._is_quiet = asyncio.Event()
        self._is_quiet.set()
        self._tell = tell

    @property
    def is_answered(self) -> bool:
        """Whether the call was answered and not hung up."""
        return self.record.status is CallStatus.PROGRESSING

    async def answer(self) -> None:
        """Answer it, where that is not done."""
        if not self.is_answered:
            self._tell("the call is answered")
            self.record = replace(self.record, status=CallStatus.PROGRESSING)

    async def play(self, media: Sequence[str], *, is_stopped_by_digit: bool = False) -> PlayOutcome:
        """Tell what is played, for about as long as it would take."""
        self._is_quiet.clear()
        try:
            for each in media:
                kind, _, text = each.partition(":")
                self._tell(f"the caller hears: {text}" if kind == "say" else f"the caller hears {each}")
                if kind == "say":
                    self.lines.append(SpokenLine("out", text))
                await asyncio.sleep(speaking_seconds(text) if kind == "say" else 1.0)
        finally:
            self._is_quiet.set()
        return PlayOutcome.DONE

    async def send_digits(self, digits: str, *, duration_ms: int, interval_ms: int) -> None:
        """Tell which digits are sent."""
        self._tell(f"digits are sent to the caller: {digits}")

    async def mute(self, direction: MuteDirection, *, is_on: bool) -> None:
        """Tell what is muted."""
        self._tell(f"{'muted' if is_on else 'no longer muted'}: {direction.value}")

    async def say_next(self) -> float:
        """Say the next thing, where there is one; how long that takes, in seconds."""
        text = self.said.popleft() if self.said else ""
        if not text.strip():
            return 0.0
        self._tell(f"the caller says: {text}")
        self.lines.append(SpokenLine("in", text))
        await asyncio.sleep(speaking_seconds(text))
        return speaking_seconds(text)

    async def hang_up(self, reason: str) -> None:
        """End it."""
        self._tell(f"the call is hung up, reason {reason}")
        self.record = replace(self.record, status=CallStatus.HANGUP)

    @asynccontextmanager
    async def open(self, call_id: str, request: AnswerRequest) -> AsyncIterator[SimulatedEar]:
        """Hear the party: the ear of one question."""
        ear = SimulatedEar(request)
        speaking = asyncio.ensure_future(self._speak(ear))
        try:
            yield ear
        finally:
            speaking.cancel()
            await asyncio.gather(speaking, return_exceptions=True)

    async def _speak(self, ear: SimulatedEar) -> None:
        await asyncio.sleep(_LOOK_SECONDS)
        await self._is_quiet.wait()
        await asyncio.sleep(_REACTION_SECONDS)
        if not self.said:
            return
        text = self.said.popleft()
        if not text.strip():
            self._tell("the caller is silent")
            return
        self._tell(f"the caller says: {text}")
        self.lines.append(SpokenLine("in", text))
        ear.begin(text)
        await asyncio.sleep(speaking_seconds(text))
        ear.end()


class SimulatedEar:
    """Hears everything as it is said."""

    def __init__(self, request: AnswerRequest) -> None:
        self.answer: HeardAnswer | None = None
        self.speaking_since: float | None = None
        self.has_spoken = False
        self._request = request
        self._text = ""
        self._changed = asyncio.Event()

    def begin(self, text: str) -> None:
        """The party begins to say a text."""
        self._text = text
        self.has_spoken = True
        self.speaking_since = asyncio.get_running_loop().time()
        self._changed.set()

    def end(self) -> None:
        """It has said it."""
        if self.speaking_since is None:
            return
        self.speaking_since = None
        match = match_hints(self._text, self._request.hints, self._request.hint_threshold)
        self.answer = HeardAnswer(self._text, match.hint if match else "", 1.0)
        self._changed.set()

    def ignore_so_far(self) -> None:
        """Forget what was said until now."""
        self.answer = None
        self.has_spoken = self.speaking_since is not None

    async def wait_change(self) -> None:
        """Return after the next change."""
        self._changed.clear()
        await self._changed.wait()

    async def finish(self) -> HeardAnswer | None:
        """Hear no more."""
        self.end()
        return self.answer
