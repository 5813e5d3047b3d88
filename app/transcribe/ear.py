"""An ear: one direction of one leg, from its tap over a recognizer to its lane."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from app.call.live_call import LiveCall
from app.call.tap import QUIET_SECONDS, Tap, open_tap
from app.domain.audio import FRAME_SECONDS, Frame
from app.domain.call import Call, CallDirection
from app.domain.ids import ZERO_ID
from app.domain.language import parse_language
from app.domain.transcribe import Direction, Transcribe
from app.domain.transcript import Speaker
from app.logs import get_log
from app.speech.feed import Feed
from app.transcribe.frame_gate import FrameGate
from app.transcribe.lane import FindSpeaker, Lane
from app.transcribe.lost_sound import LostSound
from app.transcribe.prompt_ear import PromptEar
from app.transcribe.session_parts import SessionParts
from app.transcribe.time_zero import TimeZero

log = get_log("transcribe")

_REST_FRAMES = 100


@dataclass(frozen=True, slots=True)
class Ear:
    """An open ear. Run its lane beside it; `flush` ends that lane."""

    call: LiveCall
    lane: Lane
    feed: Feed
    tap: Tap
    prompts: PromptEar | None = None

    async def flush(self) -> None:
        """Bring in what is still on its way: packets, then the open utterance, then its transcript."""
        if self.call.is_gone:
            await self.tap.drain()
        else:
            await asyncio.sleep(QUIET_SECONDS)  # what was said until now is still in Asterisk's hands
        await self.tap.stream.close()
        if self.prompts is not None:
            while self.prompts.take_rest(_REST_FRAMES):
                await self.feed.wait_room(_REST_FRAMES * FRAME_SECONDS)
        await self.feed.finish()
        self.lane.end()


@dataclass(frozen=True, slots=True)
class EarPlan:
    """What an ear listens to, and for whom. `owner_id` makes the ids of its objects in Asterisk its own."""

    call: LiveCall
    direction: Direction
    owner_id: str
    find_speaker: FindSpeaker


@asynccontextmanager
async def open_ear(
    parts: SessionParts, record: Transcribe, zero: TimeZero, plan: EarPlan, *, end_of_silence_ms: int | None
) -> AsyncIterator[Ear]:
    """Listen to one direction of a leg; yields when sound comes in, so that no word is lost.

    The tap comes up in milliseconds, a recognizer can take a second when many calls begin at once: sound waits.
    Raises LegGone when the party hangs up meanwhile, AriError, Unavailable when there is no recognizer.
    """
    lost = LostSound()
    gate = FrameGate(lost.note)

    def take(frames: Sequence[Frame]) -> None:
        lost.note_frames(frames)
        gate.push(frames)

    lane = Lane(record, plan.direction, zero, parts.journal, find_speaker=plan.find_speaker, lost=lost)
    async with (
        open_tap(
            parts.ari,
            parts.receiver,
            media_host=parts.media_host,
            channel_id=plan.call.channel_id,
            owner_id=plan.owner_id,
            direction=plan.direction,
            sink=take,
        ) as tap,
        parts.pool.open_feed(record.language, lane.note, end_of_silence_ms=end_of_silence_ms) as feed,
    ):
        feed.lane.wants_interims = parts.audience_of(record)
        prompts = _open_prompt_ear(parts, record, plan, feed)
        gate.open(feed.push if prompts is None else prompts.push)
        if gate.lost_seconds:
            log.warning("sound was lost before a recognizer was ready", seconds=round(gate.lost_seconds, 2))
        yield Ear(plan.call, lane, feed, tap, prompts)


def _open_prompt_ear(parts: SessionParts, record: Transcribe, plan: EarPlan, feed: Feed) -> PromptEar | None:
    """Return what knows our own prompts in what a party hears; None where none is to be known."""
    if parts.prompts is None or plan.direction is not Direction.OUT:
        return None
    language = parse_language(record.language).primary
    return PromptEar(plan.call.played, parts.prompts.find, language, feed.push, feed.tell)


def party_of(call: LiveCall, conferencecall_id: str = ZERO_ID) -> Speaker:
    """Return the far party of a live call as a speaker."""
    return speaker_of(call.record, conferencecall_id)


def speaker_of(record: Call, conferencecall_id: str = ZERO_ID) -> Speaker:
    """Return the far party of a call as a speaker: who calls us, or whom we called."""
    far = record.source if record.direction is CallDirection.INCOMING else record.destination
    return Speaker(record.id, conferencecall_id, name=far.target_name or far.target)


def speaker_finder(call: LiveCall, direction: Direction) -> FindSpeaker:
    """Return what tells who is heard in one direction of a call: its party, or the one that it is connected with."""
    if direction is Direction.IN:
        return lambda: party_of(call)
    return lambda: None if call.peer is None else party_of(call.peer)
