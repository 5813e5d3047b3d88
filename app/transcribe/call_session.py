"""A transcribe of a call: an ear for each direction, from the first packet to the last word."""

import asyncio
from contextlib import AsyncExitStack

from app.call.live_call import LiveCall
from app.domain.transcribe import Direction, Transcribe
from app.transcribe.ear import Ear, EarPlan, open_ear, speaker_finder
from app.transcribe.session import OPEN_SECONDS, Session, Totals, first_of
from app.transcribe.session_parts import SessionParts


class CallSession(Session):
    """Listens to one call; it ends with the call at the latest."""

    def __init__(
        self, record: Transcribe, call: LiveCall, parts: SessionParts, *, end_of_silence_ms: int | None
    ) -> None:
        super().__init__(record, parts, end_of_silence_ms=end_of_silence_ms)
        self.call = call

    async def _live(self) -> None:
        async with AsyncExitStack() as stack:
            stack.enter_context(self.call.attach(self.life.finish))
            async with asyncio.timeout(OPEN_SECONDS):
                ears = await self._open_ears(stack)
            await self._announce()
            self.life.be_ready(self.record)
            try:
                async with asyncio.TaskGroup() as lanes:
                    running = [lanes.create_task(ear.lane.run()) for ear in ears]
                    await first_of(self.life.ending, running)
                    await asyncio.gather(*(ear.flush() for ear in ears))
            finally:
                totals = Totals()
                for ear in ears:
                    totals.add(ear)
                await self._conclude(totals)

    async def _open_ears(self, stack: AsyncExitStack) -> list[Ear]:
        """Open all directions side by side; LegGone when the party hangs up meanwhile."""
        opened = await asyncio.gather(
            *(self._open_ear(stack, direction) for direction in self.record.direction.parts),
            # All have come to an end before one failure is raised, so the stack holds whatever was opened.
            return_exceptions=True,
        )
        ears = []
        for outcome in opened:
            if isinstance(outcome, BaseException):
                raise outcome
            ears.append(outcome)
        return ears

    async def _open_ear(self, stack: AsyncExitStack, direction: Direction) -> Ear:
        plan = EarPlan(self.call, direction, self.record.id, speaker_finder(self.call, direction))
        opening = open_ear(self._parts, self.record, self._zero, plan, end_of_silence_ms=self._end_of_silence_ms)
        return await stack.enter_async_context(opening)
