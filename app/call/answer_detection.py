"""Who has answered a call, heard by a tap of its own: a human, a machine, or unsure."""

import asyncio
from collections.abc import Sequence

from app.ari.ari import Ari
from app.call.live_call import LiveCall
from app.call.tap import open_tap
from app.domain.audio import Frame
from app.domain.call import AnsweredBy
from app.domain.ids import new_id
from app.domain.transcribe import Direction
from app.logs import get_log
from app.media.rtp_receiver import RtpReceiver
from app.speech.answer_judge import MOST_SECONDS, AnswerJudge

log = get_log("call")

GRACE_SECONDS = 2.0
"""Frames come with the clock; this much later than their time there are none."""


class _Verdict:
    """Judges on the media thread, tells on the event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._judge = AnswerJudge()
        self.given: asyncio.Future[AnsweredBy] = self._loop.create_future()

    def push(self, frames: Sequence[Frame]) -> None:
        if self._judge.verdict is None and (verdict := self._judge.push(frames)) is not None:
            self._loop.call_soon_threadsafe(self._tell, verdict)

    def _tell(self, verdict: AnsweredBy) -> None:
        if not self.given.done():
            self.given.set_result(verdict)


async def detect_answer(ari: Ari, receiver: RtpReceiver, call: LiveCall, *, media_host: str) -> AnsweredBy:
    """Listen to the party until it is clear who it is, some seconds at most; takes one pair of RTP ports.

    Raises LegGone when the party hangs up meanwhile, AriError, Unavailable when its sound does not come.
    """
    verdict = _Verdict()
    async with open_tap(
        ari,
        receiver,
        media_host=media_host,
        channel_id=call.channel_id,
        owner_id=new_id(),
        direction=Direction.IN,
        sink=verdict.push,
    ):
        try:
            async with asyncio.timeout(MOST_SECONDS + GRACE_SECONDS):
                answered_by = await verdict.given
        except TimeoutError:
            answered_by = AnsweredBy.UNSURE
    log.info("answer judged", answered_by=answered_by.value)
    return answered_by
