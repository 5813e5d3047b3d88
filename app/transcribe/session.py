"""One transcribe while it listens, whatever it listens to: its announcement, its end, and what becomes of a failure."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass, replace

import structlog

from app.domain.events import EventType
from app.domain.timestamps import now
from app.domain.transcribe import Transcribe, TranscribeStatus
from app.errors import CallscribeError, LegGone, Unavailable
from app.logs import get_log
from app.transcribe.ear import Ear
from app.transcribe.session_parts import SessionParts
from app.transcribe.time_zero import TimeZero

log = get_log("transcribe")

OPEN_SECONDS = 10.0


@dataclass(slots=True)
class Totals:
    """What a session heard, for the line in the log at its end."""

    transcripts: int = 0
    packets: int = 0
    lost_packets: int = 0
    gap_seconds: float = 0.0
    known_prompts: int = 0

    def add(self, ear: Ear) -> None:
        """Add an ear that has ended."""
        counts = ear.tap.stream.counts
        self.transcripts += ear.lane.transcripts
        self.packets += counts.received
        self.lost_packets += counts.lost
        self.gap_seconds += ear.lane.gap_seconds
        self.known_prompts += 0 if ear.prompts is None else ear.prompts.prompts


class Session(ABC):
    """Runs as one task: opens the media path, listens until told to finish, then flushes, stores and tells."""

    def __init__(self, record: Transcribe, parts: SessionParts, *, end_of_silence_ms: int | None) -> None:
        self.record = record
        self._parts = parts
        self._end_of_silence_ms = end_of_silence_ms
        self._zero = TimeZero.of(record.tm_create)
        self._ready: asyncio.Future[Transcribe] = asyncio.get_running_loop().create_future()
        self._finish = asyncio.Event()
        self._done = asyncio.Event()

    @abstractmethod
    async def _live(self) -> None:
        """Open, announce, be ready, listen until `_finish`, flush, conclude."""

    async def wait_ready(self) -> Transcribe:
        """Return the record when everything is heard; raises what kept the session from opening."""
        return await asyncio.shield(self._ready)

    async def finish(self) -> None:
        """Flush the last words, store them and the end; returns when `transcribe_done` is told."""
        self._finish.set()
        await self._done.wait()

    async def run(self) -> None:
        """Live: open, listen, flush, close. A failure ends this transcribe and nothing else."""
        with structlog.contextvars.bound_contextvars(
            transcribe_id=self.record.id, reference_id=self.record.reference_id
        ):
            try:
                # Before the media path, whose opening has a time limit: the first use of a big model can take longer.
                await self._parts.pool.load(self.record.language)
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

    async def _announce(self) -> None:
        """Store the transcribe and tell of it before any of its transcripts."""
        self.record = await self._parts.journal.create(
            self.record, EventType.TRANSCRIBE_CREATED, EventType.TRANSCRIBE_PROGRESSING
        )
        log.info(
            "transcribe started",
            language=self.record.language,
            direction=str(self.record.direction),
            engine=self.record.engine,
            model=self.record.model,
        )

    def _be_ready(self) -> None:
        if not self._ready.done():
            self._ready.set_result(self.record)

    async def _conclude(self, totals: Totals) -> None:
        self.record = replace(self.record, status=TranscribeStatus.DONE, tm_update=now())
        await self._parts.journal.change(self.record, EventType.TRANSCRIBE_DONE)
        log.info(
            "transcribe done",
            transcripts=totals.transcripts,
            packets=totals.packets,
            lost_packets=totals.lost_packets,
            gap_seconds=round(totals.gap_seconds, 2),
            known_prompts=totals.known_prompts,
        )


async def first_of(end: asyncio.Event, running: Collection["asyncio.Task[None]"]) -> None:
    """Return when told to end, or when a lane ended by itself: its recognizer failed."""
    waiting = asyncio.ensure_future(end.wait())
    try:
        await asyncio.wait({waiting, *running}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
