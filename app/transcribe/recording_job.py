"""Transcribes of recordings: answered at once, decoded one after the other, when no live call needs the recognizers."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import structlog

from app.domain.call import Call
from app.domain.events import EventType
from app.domain.recording import Recording, RecordingStatus
from app.domain.timestamps import now
from app.domain.transcribe import Direction, ReferenceType, Transcribe, TranscribeStatus
from app.domain.transcript import Speaker
from app.errors import CallscribeError, InvalidArgument, StateInvalid
from app.logs import get_log
from app.owned_tasks import OwnedTasks
from app.speech.model_library import ModelLibrary
from app.speech.recognition_pool import RecognitionPool
from app.transcribe.ear import speaker_of
from app.transcribe.ports import OnDone, Telling
from app.transcribe.recording_decoding import RecordedSide, RecordingDecoding
from app.transcribe.request import Reference, TranscribeRequest
from app.transcribe.time_zero import TimeZero
from app.transcribe.turns import Turns

log = get_log("transcribe")

END_SECONDS = 5.0
END_OF_SILENCE_MS = 800
"""Longer than live, where somebody waits: fewer utterances are cut, and word errors are those of whole files."""


class TranscribeSearch(Protocol):
    """The stored transcribes, as far as a duplicate is looked for."""

    async def find_of(self, reference_id: str, language: str) -> Transcribe | None:
        """Return the newest transcribe of this reference in this language that is not deleted."""


class RecordingFiles(Protocol):
    """Where a recording's sound is."""

    def __call__(self, recording: Recording, part: str, /) -> Path | None:
        """Return the file of `part` ("" = the mix, "in", "out"); None when there is none."""


async def _done_quietly(_transcribe: Transcribe) -> None:
    """Nobody wants to know."""


@dataclass(slots=True, eq=False)
class _Job:
    record: Transcribe
    decoding: RecordingDecoding
    end_of_silence_ms: int
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def stop(self) -> None:
        self.stopped.set()
        self.decoding.stop()


class RecordingTranscribes:
    """The register of these transcribes; `run` owns their tasks.

    One recording is decoded at a time, both directions side by side. `on_done` is told of every one that is done, and
    must not wait for what follows.
    """

    def __init__(
        self,
        *,
        journal: Telling,
        transcribes: TranscribeSearch,
        models: ModelLibrary,
        pool: RecognitionPool,
        file: RecordingFiles,
        find_call: Callable[[str], Awaitable[Call | None]],
        default_end_of_silence_ms: int | None = None,
        on_done: OnDone = _done_quietly,
    ) -> None:
        self.on_done = on_done
        self._journal = journal
        self._transcribes = transcribes
        self._models = models
        self._pool = pool
        self._file = file
        self._find_call = find_call
        self._end_of_silence_ms = default_end_of_silence_ms or END_OF_SILENCE_MS
        self._jobs: dict[str, _Job] = {}
        self._starting = asyncio.Lock()
        self._turns = Turns()
        self._tasks = OwnedTasks("the program is ending: no new transcribe is started")

    async def run(self) -> None:
        """Own the transcribes' tasks until cancelled; those that go on are done then, with what they have."""
        await self._tasks.run(self._end_all)

    def __len__(self) -> int:
        return len(self._jobs)

    def find_progress(self, transcribe_id: str) -> float | None:
        """Return how much of the recording was read, 0 to 1; None when this transcribe does not go on."""
        job = self._jobs.get(transcribe_id)
        return job.decoding.progress if job is not None else None

    async def start(self, recording: Recording, request: TranscribeRequest) -> Transcribe:
        """Begin to transcribe a recording and return at once, `progressing`; one that is there already is returned.

        Offsets of its transcripts count from the recording's begin. A conference's recording is a mix of all: its
        transcripts have the direction `in`. Raises InvalidArgument (language, direction), LanguageNotInstalled,
        StateInvalid (the recording has not ended, or its files are gone), Unavailable.
        """
        language, model = request.resolve(self._models)
        if recording.status is not RecordingStatus.ENDED:
            raise StateInvalid(
                f"the recording is {recording.status}; only one that has ended can be transcribed",
                status=str(recording.status),
            )
        async with self._starting:
            known = await self._transcribes.find_of(recording.id, language)
            if known is not None:
                # As it is now, not as it was stored: a job may go on.
                job = self._jobs.get(known.id)
                return job.record if job is not None else known
            sides = await self._sides(recording, request.direction)
            self._tasks.require_open()
            reference = Reference(ReferenceType.RECORDING, recording.id, recording.customer_id)
            record = await self._journal.create(
                request.make(reference, language, model),
                EventType.TRANSCRIBE_CREATED,
                EventType.TRANSCRIBE_PROGRESSING,
                about=recording.id,
            )
            zero = TimeZero(recording.tm_start or recording.tm_create, 0.0)
            decoding = RecordingDecoding(record, sides, zero, self._journal)
            job = _Job(record, decoding, request.end_of_silence_ms or self._end_of_silence_ms)
            self._jobs[record.id] = job
            self._tasks.start(self._run_job(job), name=f"transcribe {record.id}")
        return record

    async def wait_done(self, transcribe_id: str) -> None:
        """Return when a transcribe does not go on (any more)."""
        job = self._jobs.get(transcribe_id)
        if job is not None:
            await job.done.wait()

    async def stop(self, transcribe_id: str) -> Transcribe | None:
        """End a transcribe with what it has; None when no such one goes on (any more)."""
        job = self._jobs.get(transcribe_id)
        if job is None:
            return None
        job.stop()
        await job.done.wait()
        return job.record

    async def _sides(self, recording: Recording, direction: Direction) -> list[RecordedSide]:
        """Return what is to be decoded; StateInvalid when a file is gone."""
        if recording.reference_type is ReferenceType.CONFBRIDGE:
            if direction is Direction.OUT:
                raise InvalidArgument("direction", "a conference's recording is one mix; expected in or both")
            parts = {Direction.IN: ""}
        else:
            parts = {part: part.value for part in direction.parts}
        sides = []
        for part, name in parts.items():
            path = self._file(recording, name)
            if path is None:
                raise StateInvalid(f"the recording {recording.id} has no file any more: it cannot be transcribed")
            is_party = recording.reference_type is ReferenceType.CALL and part is Direction.IN
            sides.append(RecordedSide(path, part, await self._party_of(recording) if is_party else None))
        return sides

    async def _party_of(self, recording: Recording) -> Speaker:
        call = await self._find_call(recording.reference_id)
        return Speaker(recording.reference_id) if call is None else speaker_of(call)

    async def _run_job(self, job: _Job) -> None:
        with structlog.contextvars.bound_contextvars(transcribe_id=job.record.id, recording_id=job.record.reference_id):
            try:
                await self._decode(job)
            finally:
                await self._conclude(job)
                del self._jobs[job.record.id]
                job.done.set()
            await self._tell_done(job.record)

    async def _decode(self, job: _Job) -> None:
        if not await self._turns.take(job.stopped):
            return
        started = asyncio.get_running_loop().time()
        try:
            await job.decoding.decode(self._pool, end_of_silence_ms=job.end_of_silence_ms)
        except* CallscribeError as group:
            log.error("the transcribe ended with a failure", reason="; ".join(map(str, group.exceptions)))
        except* Exception:
            # The isolation boundary of a transcribe: others go on.
            log.exception("the transcribe broke")
        finally:
            self._turns.release()
            log.info(
                "recording transcribed",
                sound_seconds=round(job.decoding.seconds, 1),
                seconds=round(asyncio.get_running_loop().time() - started, 1),
                transcripts=job.decoding.transcripts,
            )

    async def _conclude(self, job: _Job) -> None:
        job.record = replace(job.record, status=TranscribeStatus.DONE, tm_update=now())
        await self._journal.change(job.record, EventType.TRANSCRIBE_DONE, about=job.record.reference_id)

    async def _tell_done(self, transcribe: Transcribe) -> None:
        try:
            await self.on_done(transcribe)
        except CallscribeError as error:
            log.error("what follows a transcribe failed", transcribe_id=transcribe.id, reason=error.message)
        except Exception:
            # The isolation boundary of what follows: other transcribes go on.
            log.exception("what follows a transcribe broke", transcribe_id=transcribe.id)

    async def _end_all(self) -> None:
        """At the program's end: no more is read, what was read is stored, within a time-out."""
        jobs = list(self._jobs.values())
        for job in jobs:
            job.stop()
        with suppress(TimeoutError):
            async with asyncio.timeout(END_SECONDS):
                await asyncio.gather(*(job.done.wait() for job in jobs))
