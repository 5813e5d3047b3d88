"""One recording while it goes on: from the tone and the first packet to the last sample in its files."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Executor
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import ParamSpec, TypeVar

import structlog

from app.call.session_life import SessionLife
from app.call.tap import QUIET_SECONDS, Tap
from app.domain.audio import SAMPLE_RATE, Frame
from app.domain.events import EventType
from app.domain.ids import ZERO_ID
from app.domain.recording import Recording, RecordingRequest, RecordingStatus
from app.domain.timestamps import now
from app.errors import Unavailable
from app.journal.journal import Journal
from app.logs import get_log
from app.media.encoder import encode
from app.media.recorder import Recorder, RecorderSide
from app.media.wav_stereo import write_stereo
from app.recording.recording_files import BOTH, IN, OUT, encoded_name, file_name
from app.recording.silence_watch import SilenceWatch
from app.recording.sources import Source

log = get_log("recording")

OPEN_SECONDS = 10.0
WRITE_SECONDS = 0.5
"""How often what was heard goes to the disk: so much is lost when the process is killed."""
NO_KEY, ANY_KEY = "none", "any"

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RecordingParts:
    """What all recordings use. `disk` runs what blocks; `beep` tells the tone's media URI when it is needed."""

    journal: Journal
    folder: Path
    disk: Executor
    beep: Callable[[], str]


class RecordingSession:
    """Runs as one task: opens the media path, writes until something ends it, completes the files, tells of it.

    What fails ends this recording and nothing else; a disk that is full ends it with what was written.
    """

    def __init__(
        self,
        record: Recording,
        source: Source,
        request: RecordingRequest,
        parts: RecordingParts,
        *,
        on_free: Callable[[], None],
    ) -> None:
        """`on_free` is called when the source may be recorded anew, before anybody hears of the end."""
        self.record = record
        self.source = source
        self._request = request
        self._parts = parts
        self._on_free = on_free
        self._loop = asyncio.get_running_loop()
        self.life = SessionLife[Recording]("recording", log)
        self._silent = asyncio.Event()
        self._zero = 0.0  # the first sample's moment: on the clock of the frames, and on the wall
        self._started = record.tm_create
        self._sides = {
            part: RecorderSide(parts.folder / file_name(record.id, part), self._listener_of(part))
            for part in source.parts
        }
        self._recorder = Recorder(*self._sides.values())

    @property
    def has_begun(self) -> bool:
        """Whether it was ever told of: a recording that could not be opened was not."""
        return self.record.tm_start is not None

    async def run(self) -> None:
        """Live: open, write, complete, close. It is over when its files are complete and its end is told."""
        with (
            structlog.contextvars.bound_contextvars(recording_id=self.record.id, reference_id=self.source.reference_id),
            self.life.live(too_late=f"the recording could not be opened within {OPEN_SECONDS:g} s"),
        ):
            await self._live()

    async def _live(self) -> None:
        async with AsyncExitStack() as stack:
            stack.enter_context(self.source.attach(self.life.finish))
            self.record = await self._parts.journal.create(self.record, about=self.record.reference_id)
            try:
                taps = await self._open(stack)
            except BaseException:
                await self._forget()
                raise
            stack.callback(self._recorder.close)
            digits = stack.enter_context(self.source.watch_digits()) if self._has_key else None
            why = "cancelled"
            try:
                await self._begin()
                why = await self._listen(digits)
            finally:
                await self._conclude(taps, why)

    @property
    def _has_key(self) -> bool:
        return self._request.end_of_key not in {"", NO_KEY}

    async def _open(self, stack: AsyncExitStack) -> list[Tap]:
        if self._request.beep_start:
            await self.source.beep(self._parts.beep())
        async with asyncio.timeout(OPEN_SECONDS):
            taps = await self.source.open_taps(stack, self.record.id, self._sides)
            # One moment for all files; what the taps heard before it is left out.
            self._zero, self._started = time.monotonic(), now()
            try:
                await self._on_disk(self._recorder.open, self._zero)
            except OSError as error:
                self._recorder.close()
                raise Unavailable(f"the files of the recording cannot be made: {error}") from error
        self.record = replace(self.record, status=RecordingStatus.RECORDING, tm_start=self._started, tm_update=now())
        return taps

    async def _forget(self) -> None:
        """Nothing was recorded, and nobody was told: the row goes."""
        self._on_free()
        moment = now()
        self.record = replace(
            self.record, status=RecordingStatus.ENDED, tm_start=None, tm_end=moment, tm_update=moment, tm_delete=moment
        )
        await self._parts.journal.change(self.record)

    async def _begin(self) -> None:
        await self.source.note_recording(self.record.id)
        await self._parts.journal.change(self.record, EventType.RECORDING_STARTED)
        log.info("recording started", format=self.record.format, sides=len(self._sides))
        self.life.be_ready(self.record)

    async def _listen(self, digits: AsyncIterator[str] | None) -> str:
        """Write until something ends the recording; return what."""
        ends = {"stop": self.life.ending.wait(), "failure": self._write(), "lost": self.source.wait_lost()}
        if self._request.duration:
            ends["duration"] = asyncio.sleep(self._request.duration)
        if self._request.end_of_silence:
            ends["silence"] = self._silent.wait()
        if digits is not None:
            ends["key"] = self._await_key(digits)
        tasks = {asyncio.ensure_future(end): name for name, end in ends.items()}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return tasks[done.pop()]

    async def _write(self) -> None:
        """Bring what was heard to the disk, again and again; returns when that fails."""
        while True:
            await asyncio.sleep(WRITE_SECONDS)
            try:
                await self._on_disk(self._recorder.write)
            except OSError as error:
                log.error("the recording ends: its files cannot be written", reason=str(error))
                return

    async def _await_key(self, digits: AsyncIterator[str]) -> None:
        async for digit in digits:
            if self._request.end_of_key in {ANY_KEY, digit}:
                return

    async def _conclude(self, taps: list[Tap], why: str) -> None:
        """Bring in what is on its way, complete the files, tell the end; also when this task is cancelled."""
        journal = self._parts.journal
        ended_at = time.monotonic()
        self.record = replace(self.record, status=RecordingStatus.STOPPING, tm_update=now())
        await journal.change(self.record)
        if self.source.is_gone:
            await asyncio.gather(*(tap.drain() for tap in taps))
        else:
            await asyncio.sleep(QUIET_SECONDS)  # what was said until now is still in Asterisk's hands
        await asyncio.gather(*(tap.stream.close() for tap in taps))
        is_full = why == "duration"
        seconds = await self._complete(self._request.duration if is_full else ended_at - self._zero, is_most=is_full)
        self.record = replace(
            self.record,
            status=RecordingStatus.ENDED,
            tm_end=self._started + timedelta(seconds=seconds),
            tm_update=now(),
        )
        self._on_free()
        await self.source.note_recording(ZERO_ID)
        await journal.change(self.record, EventType.RECORDING_FINISHED)
        log.info(
            "recording finished",
            why=why,
            seconds=round(seconds, 2),
            lost_packets=sum(tap.stream.counts.lost for tap in taps),
            overflow_frames=self._recorder.overflow_frames,
        )

    async def _complete(self, seconds: float, *, is_most: bool) -> float:
        """Finish the files, at least or at most `seconds` long; return their length, of what could be written."""
        recorder = self._recorder
        try:
            samples = await self._on_disk(recorder.finish, round(seconds * SAMPLE_RATE), is_most=is_most)
            if BOTH not in self._sides:
                # Not on the threads that write: a day's sound takes half a minute.
                folder, own = self._parts.folder, self.record.id
                await asyncio.to_thread(write_stereo, *(folder / file_name(own, part) for part in (IN, OUT, BOTH)))
            await self._encode()
        except OSError as error:
            log.error("the recording's files are not complete", reason=str(error))
            samples = max(side.samples for side in recorder.sides)
        return samples / SAMPLE_RATE

    async def _encode(self) -> None:
        """Make the whole in the format that was asked for, beside the WAV files."""
        folder, own, kind = self._parts.folder, self.record.id, self.record.format
        if kind != "wav":
            await asyncio.to_thread(encode, folder / file_name(own, BOTH), folder / encoded_name(own, kind), kind)

    async def _on_disk(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run what blocks, to its end even when this task is cancelled: no file is closed under who writes it."""
        future = self._loop.run_in_executor(self._parts.disk, lambda: work(*args, **kwargs))
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            await asyncio.wait([future])
            raise

    def _listener_of(self, part: str) -> Callable[[Sequence[Frame]], None] | None:
        if part != IN or not self._request.end_of_silence:
            return None

        def end() -> None:
            self._loop.call_soon_threadsafe(self._silent.set)

        return SilenceWatch(self._request.end_of_silence, end).push
