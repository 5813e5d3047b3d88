"""One transcribe while it listens, whatever it listens to: its announcement, its end, and what becomes of a failure."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass, replace

import structlog

from app.call.session_life import SessionLife
from app.domain.events import EventType
from app.domain.timestamps import now
from app.domain.transcribe import Transcribe, TranscribeStatus
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

    def add(self, ear: Ear) -> None:
        """Add an ear that has ended."""
        counts = ear.tap.stream.counts
        self.transcripts += ear.lane.transcripts
        self.packets += counts.received
        self.lost_packets += counts.lost
        self.gap_seconds += ear.lane.gap_seconds


class Session(ABC):
    """Runs as one task: opens the media path, listens until told to finish, then flushes, stores and tells."""

    def __init__(self, record: Transcribe, parts: SessionParts, *, end_of_silence_ms: int | None) -> None:
        self.record = record
        self._parts = parts
        self._end_of_silence_ms = end_of_silence_ms
        self._zero = TimeZero.of(record.tm_create)
        self.life = SessionLife[Transcribe]("transcribe", log)

    @abstractmethod
    async def _live(self) -> None:
        """Open, announce, be ready, listen until `life.ending`, flush, conclude."""

    async def run(self) -> None:
        """Live: open, listen, flush, close. It is over when its last words are stored and `transcribe_done` is told."""
        with (
            structlog.contextvars.bound_contextvars(
                transcribe_id=self.record.id, reference_id=self.record.reference_id
            ),
            self.life.live(too_late=f"the call could not be tapped within {OPEN_SECONDS:g} s"),
        ):
            # Before the media path, whose opening has a time limit: the first use of a big model can take longer.
            await self._parts.pool.load(self.record.language)
            await self._live()

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

    async def _conclude(self, totals: Totals) -> None:
        self.record = replace(self.record, status=TranscribeStatus.DONE, tm_update=now())
        await self._parts.journal.change(self.record, EventType.TRANSCRIBE_DONE)
        log.info(
            "transcribe done",
            transcripts=totals.transcripts,
            packets=totals.packets,
            lost_packets=totals.lost_packets,
            gap_seconds=round(totals.gap_seconds, 2),
        )


async def first_of(end: asyncio.Event, running: Collection["asyncio.Task[None]"]) -> None:
    """Return when told to end, or when a lane ended by itself: its recognizer failed."""
    waiting = asyncio.ensure_future(end.wait())
    try:
        await asyncio.wait({waiting, *running}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
