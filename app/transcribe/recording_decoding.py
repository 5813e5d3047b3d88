"""One recording being transcribed: its files through the recognizers, faster than it was spoken, in little memory."""

import asyncio
import wave
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from app.domain.audio import FRAME_BYTES, FRAME_SAMPLES, FRAME_SECONDS, SAMPLE_RATE, Frame
from app.domain.transcribe import Direction, Transcribe
from app.domain.transcript import Speaker
from app.errors import Unavailable
from app.speech.feed import Feed
from app.speech.recognition_pool import RecognitionPool
from app.transcribe.lane import Lane
from app.transcribe.ports import Telling
from app.transcribe.time_zero import TimeZero

PIECE_SECONDS = 1.0
ROOM_SECONDS = 3.0
"""So much undecoded sound may wait before more is read: enough that no thread runs dry, far below the feed's bound."""
_PIECE_FRAMES = int(PIECE_SECONDS / FRAME_SECONDS)


@dataclass(frozen=True, slots=True)
class RecordedSide:
    """A mono file of 8 kHz and the direction that its transcripts get; `speaker` where it is known who is heard."""

    path: Path
    direction: Direction
    speaker: Speaker | None = None


class _Reader:
    """Reads a file piece by piece as frames whose times count from its first sample. Blocks."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = wave.open(str(path), "rb")  # noqa: SIM115 - closed by the side's owner
        except (OSError, wave.Error, EOFError) as error:
            raise Unavailable(f"the recording's file {path.name} cannot be read: {error}") from error
        self.samples = self._file.getnframes()
        self.position = 0

    def read(self) -> list[Frame]:
        """Return the next frames, the last one filled up with silence; none at the end."""
        pcm = self._file.readframes(_PIECE_FRAMES * FRAME_SAMPLES)
        pcm += bytes(-len(pcm) % FRAME_BYTES)
        first = self.position // FRAME_SAMPLES
        self.position += len(pcm) // 2
        return [
            Frame(pcm[start : start + FRAME_BYTES], (first + index) * FRAME_SECONDS)
            for index, start in enumerate(range(0, len(pcm), FRAME_BYTES))
        ]

    def close(self) -> None:
        """Close the file."""
        self._file.close()


@dataclass(frozen=True, slots=True)
class _OpenSide:
    reader: _Reader
    lane: Lane
    feed: Feed


class RecordingDecoding:
    """Decodes all sides of one recording side by side; `decode` returns when the last transcript is stored.

    One direction may run ahead of another: their speakers mostly take turns, and so no thread waits.
    """

    def __init__(self, record: Transcribe, sides: Sequence[RecordedSide], zero: TimeZero, journal: Telling) -> None:
        """`zero` is the recording's begin, 0.0 on the clock of its frames."""
        self._record = record
        self._sides = sides
        self._zero = zero
        self._journal = journal
        self._stopped = asyncio.Event()
        self._open: list[_OpenSide] = []

    @property
    def progress(self) -> float:
        """How much has been read: 0 to 1."""
        whole = sum(side.reader.samples for side in self._open)
        return min(1.0, sum(side.reader.position for side in self._open) / whole) if whole else 0.0

    @property
    def seconds(self) -> float:
        """How much sound has been read, all sides together."""
        return sum(side.reader.position for side in self._open) / SAMPLE_RATE

    @property
    def transcripts(self) -> int:
        """How many transcripts were stored."""
        return sum(side.lane.transcripts for side in self._open)

    def stop(self) -> None:
        """Read no more; what was read is decoded and stored."""
        self._stopped.set()

    async def decode(self, pool: RecognitionPool, *, end_of_silence_ms: int) -> None:
        """Decode all sides. Raises Unavailable (a file, a recognizer) and what opening a feed raises."""
        async with AsyncExitStack() as stack:
            for side in self._sides:
                reader = await asyncio.to_thread(_Reader, side.path)
                stack.callback(reader.close)
                lane = self._make_lane(side)
                feed = await stack.enter_async_context(
                    pool.open_feed(
                        self._record.language,
                        lane.note,
                        end_of_silence_ms=end_of_silence_ms,
                        has_interims=False,
                        is_patient=True,
                    )
                )
                self._open.append(_OpenSide(reader, lane, feed))
            async with asyncio.TaskGroup() as tasks:
                for one in self._open:
                    tasks.create_task(one.lane.run())
                    tasks.create_task(self._feed(one))
        for one in self._open:
            if one.lane.failure is not None:
                raise Unavailable(f"the recognizer failed: {one.lane.failure}")

    def _make_lane(self, side: RecordedSide) -> Lane:
        return Lane(
            self._record,
            side.direction,
            self._zero,
            self._journal,
            find_speaker=lambda: side.speaker,
            is_live=False,
        )

    async def _feed(self, side: _OpenSide) -> None:
        def push_piece() -> bool:
            frames = side.reader.read()
            side.feed.push(frames)
            return bool(frames)

        while not self._stopped.is_set() and side.lane.failure is None:
            await side.feed.wait_room(ROOM_SECONDS)
            # On a thread: judging a second of sound takes a millisecond or two.
            if not await asyncio.to_thread(push_piece):
                break
        await side.feed.finish()
        side.lane.end()
