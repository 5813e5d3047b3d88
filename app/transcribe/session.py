"""One transcribe while it listens: a tap and a lane for each direction, from the first packet to the last word."""

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

import structlog

from app.ari.ari import Ari
from app.call.live_call import LiveCall
from app.domain.events import Event, EventType
from app.domain.timestamps import now
from app.domain.transcribe import Direction, Transcribe, TranscribeStatus
from app.errors import CallscribeError, LegGone, Unavailable
from app.event_bus import EventBus
from app.logs import get_log
from app.media.rtp_receiver import RtpReceiver
from app.speech.feed import Feed
from app.speech.model_library import ModelLibrary
from app.speech.recognition_pool import RecognitionPool
from app.transcribe.frame_gate import FrameGate
from app.transcribe.lane import Lane, TimeZero
from app.transcribe.ports import TranscribeRows, TranscriptRows
from app.transcribe.tap import QUIET_SECONDS, Tap, open_tap

log = get_log("transcribe")

OPEN_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class SessionParts:
    """The long-lived things that every session uses."""

    ari: Ari
    receiver: RtpReceiver
    models: ModelLibrary
    pool: RecognitionPool
    transcribes: TranscribeRows
    transcripts: TranscriptRows
    bus: EventBus
    media_host: str


@dataclass(frozen=True, slots=True)
class _Side:
    lane: Lane
    feed: Feed
    tap: Tap


class Session:
    """Runs as one task: opens the media path, listens until told to finish, then flushes, stores and publishes."""

    def __init__(
        self, record: Transcribe, call: LiveCall, parts: SessionParts, *, end_of_silence_ms: int | None
    ) -> None:
        self.record = record
        self.call = call
        self._parts = parts
        self._end_of_silence_ms = end_of_silence_ms
        self._zero = TimeZero(record.tm_create, time.monotonic() - (now() - record.tm_create).total_seconds())
        self._ready: asyncio.Future[Transcribe] = asyncio.get_running_loop().create_future()
        self._finish = asyncio.Event()
        self._done = asyncio.Event()

    async def wait_ready(self) -> Transcribe:
        """Return the record when both directions are heard; raises what kept the session from opening."""
        return await asyncio.shield(self._ready)

    async def finish(self) -> None:
        """Flush the last words, store them and the end; returns when `transcribe_done` is published."""
        self._finish.set()
        await self._done.wait()

    async def run(self) -> None:
        """Live: open, listen, flush, close. A failure ends this transcribe and nothing else."""
        with structlog.contextvars.bound_contextvars(transcribe_id=self.record.id, call_id=self.call.record.id):
            try:
                await self._live()
            except TimeoutError:
                self._fail(Unavailable(f"the call could not be tapped within {OPEN_SECONDS:g} s"))
            except CallscribeError as error:
                self._fail(error)
            except Exception as error:
                # The isolation boundary of a transcribe: the call goes on without it.
                log.exception("the transcribe broke")
                self._fail(error)
            finally:
                if not self._ready.done():
                    self._ready.cancel()
                self._done.set()

    def _fail(self, error: Exception) -> None:
        if not self._ready.done():
            self._ready.set_exception(error)
            self._ready.exception()  # seen: who asked may have hung up meanwhile, and nobody awaits it then
            return
        if not isinstance(error, LegGone):
            log.error("the transcribe ended with a failure", reason=str(error))

    async def _live(self) -> None:
        async with AsyncExitStack() as stack:
            stack.enter_context(self.call.attach(self.finish))
            async with asyncio.timeout(OPEN_SECONDS):
                sides = await self._open_sides(stack)
            await self._announce()
            try:
                async with asyncio.TaskGroup() as lanes:
                    running = [lanes.create_task(side.lane.run()) for side in sides]
                    await self._listen(running)
                    await self._flush(sides)
            finally:
                await self._conclude(sides)

    async def _open_sides(self, stack: AsyncExitStack) -> list[_Side]:
        """Open all directions side by side; LegGone when the party hangs up meanwhile.

        The taps come up in milliseconds, a recognizer can take a second when many calls begin at once: sound waits.
        """
        opened = await asyncio.gather(
            *(self._open_side(stack, direction) for direction in self.record.direction.parts),
            # All have come to an end before one failure is raised, so the stack holds whatever was opened.
            return_exceptions=True,
        )
        for outcome in opened:
            if isinstance(outcome, BaseException):
                raise outcome
        return [outcome for outcome in opened if isinstance(outcome, _Side)]

    async def _open_side(self, stack: AsyncExitStack, direction: Direction) -> _Side:
        parts = self._parts
        gate = FrameGate()
        tap = await stack.enter_async_context(
            open_tap(
                parts.ari,
                parts.receiver,
                media_host=parts.media_host,
                channel_id=self.call.channel_id,
                owner_id=self.record.id,
                direction=direction,
                sink=gate.push,
            )
        )
        lane = Lane(self.record, direction, self._zero, parts.transcripts, parts.bus)
        feed = await stack.enter_async_context(
            parts.pool.open_feed(self.record.language, lane.note, end_of_silence_ms=self._end_of_silence_ms)
        )
        gate.open(feed.push)
        return _Side(lane, feed, tap)

    async def _announce(self) -> None:
        """Store the transcribe and tell of it before any of its transcripts."""
        self.record = await self._parts.transcribes.insert(self.record)
        self._parts.bus.publish(Event(EventType.TRANSCRIBE_CREATED, self.record))
        self._parts.bus.publish(Event(EventType.TRANSCRIBE_PROGRESSING, self.record))
        log.info(
            "transcribe started",
            language=self.record.language,
            direction=str(self.record.direction),
            engine=self.record.engine,
            model=self.record.model,
        )
        if not self._ready.done():
            self._ready.set_result(self.record)

    async def _listen(self, running: list["asyncio.Task[None]"]) -> None:
        """Return when told to finish, or when a lane ended by itself: its recognizer failed."""
        finish = asyncio.ensure_future(self._finish.wait())
        try:
            await asyncio.wait({finish, *running}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            finish.cancel()

    async def _flush(self, sides: list[_Side]) -> None:
        """Bring in what is still on its way: packets, then the open utterance, then its transcript."""
        await asyncio.gather(*(self._flush_side(side) for side in sides))

    async def _flush_side(self, side: _Side) -> None:
        if self.call.is_gone:
            await side.tap.drain()
        else:
            await asyncio.sleep(QUIET_SECONDS)  # what was said until now is still in Asterisk's hands
        await side.tap.stream.close()
        await side.feed.finish()
        side.lane.end()

    async def _conclude(self, sides: list[_Side]) -> None:
        self.record = replace(self.record, status=TranscribeStatus.DONE, tm_update=now())
        await self._parts.transcribes.update(self.record)
        self._parts.bus.publish(Event(EventType.TRANSCRIBE_DONE, self.record))
        log.info(
            "transcribe done",
            transcripts=sum(side.lane.transcripts for side in sides),
            packets=sum(side.tap.stream.counts.received for side in sides),
            lost_packets=sum(side.tap.stream.counts.lost for side in sides),
            gap_seconds=round(sum(side.lane.gap_seconds for side in sides), 2),
        )
