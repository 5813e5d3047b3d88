"""Transcribing a recording: how much faster than real time, and whether as well as decoding the files directly.

`.venv/bin/python -m benchmarks.recording [--minutes 10] [--language en-US] [--live 2]
[--end-of-silence-ms 800]`: a call of two people is put
together from the spoken files (they take turns, 1.2 s between two utterances), written as a recording's two files, and
transcribed as POST /transcribes does it. `--live N` pushes N live feeds in real time through the same pool meanwhile
and shows how long their finals take, beside the same without the recording. Prints a table and one JSON line.
"""

import argparse
import asyncio
import json
import resource
import statistics
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from app.cli.wav_file import write_wav
from app.domain.audio import SAMPLE_RATE, pcm_seconds
from app.domain.call import Call
from app.domain.events import Event, EventType
from app.domain.ids import new_id
from app.domain.recording import Recording, RecordingStatus
from app.domain.timestamps import now
from app.domain.transcribe import Direction, ReferenceType, Transcribe
from app.domain.transcript import Transcript
from app.settings import read_settings
from app.speech.feed_events import FeedEvent, Final
from app.speech.model_library import ModelLibrary
from app.speech.recognition_pool import RecognitionPool, open_recognition_pool
from app.transcribe.recording_job import RecordingTranscribes
from app.transcribe.request import TranscribeRequest
from benchmarks.scores import character_error_rate, word_error_rate
from tests.asterisk.calls.direct import decode_directly
from tests.speech_files import SpokenFile, english_files, frames_of, korean_files, read_samples

GAP_SECONDS = 1.2
LIVE_SECONDS = 40.0


async def find_no_call(_call_id: str) -> Call | None:
    """There is no call behind the recording."""
    return None


@dataclass(frozen=True)
class Said:
    """One spoken file in the call: whose it is, and from when to when."""

    path: Path
    text: str
    direction: Direction
    start: float
    end: float


class Notes:
    """Keeps the transcripts in memory; nothing of the store is measured."""

    def __init__(self) -> None:
        self.transcripts: list[Transcript] = []
        self.done = asyncio.Event()

    async def create(self, item: Any, *types: EventType, about: str = "") -> Any:
        """Keep a transcript."""
        if isinstance(item, Transcript):
            self.transcripts.append(item)
        return item

    async def change(self, item: Any, *types: EventType, about: str = "") -> None:
        """Note the end."""
        if isinstance(item, Transcribe):
            self.done.set()

    async def commit(self, write: Any) -> tuple[Event, ...]:
        """Nothing is committed."""
        return ()

    async def tell(self, event: Event) -> None:
        """Nothing is told."""
        return

    async def find_of(self, reference_id: str, language: str) -> Transcribe | None:
        """There is no other."""
        return None


def hold_call(files: list[SpokenFile], seconds: float) -> tuple[dict[Direction, bytes], list[Said]]:
    """Two people who take turns for so long."""
    sides = {Direction.IN: bytearray(), Direction.OUT: bytearray()}
    said = []
    turn = 0
    while pcm_seconds(bytes(sides[Direction.IN])) < seconds:
        path, text = files[turn % len(files)]
        pcm = read_samples(path)
        speaking = (Direction.IN, Direction.OUT)[turn % 2]
        at = pcm_seconds(bytes(sides[speaking]))
        said.append(Said(path, text, speaking, at, at + pcm_seconds(pcm)))
        gap = bytes(int(GAP_SECONDS * SAMPLE_RATE) * 2)
        for direction in sides:
            sides[direction] += (pcm if direction is speaking else bytes(len(pcm))) + gap
        turn += 1
    return {direction: bytes(side) for direction, side in sides.items()}, said


async def speak_live(pool: RecognitionPool, language: str, files: list[SpokenFile], delays: list[float]) -> None:
    """Push speech in real time until cancelled; note how long after the end of the speech each final comes."""

    def note(event: FeedEvent) -> None:
        if isinstance(event, Final):
            delays.append(time.monotonic() - event.ended_at)

    while True:
        async with pool.open_feed(language, note) as feed:
            for path, _ in files:
                begin = time.monotonic()
                for frame in frames_of(read_samples(path) + bytes(SAMPLE_RATE * 2), begin):
                    await asyncio.sleep(max(0.0, frame.captured_at + 0.02 - time.monotonic()))
                    feed.push([frame])


async def transcribe(
    pool: RecognitionPool, models: ModelLibrary, language: str, sides: dict[Direction, bytes], end_of_silence_ms: int
) -> tuple[float, list[Transcript]]:
    """Transcribe a recording of these two sides; seconds and what came out."""
    with tempfile.TemporaryDirectory() as folder:
        for direction, pcm in sides.items():
            write_wav(Path(folder) / f"{direction}.wav", pcm)
        notes = Notes()
        jobs = RecordingTranscribes(
            journal=notes,
            transcribes=notes,
            models=models,
            pool=pool,
            file=lambda _, part: Path(folder) / f"{part}.wav",
            find_call=find_no_call,
        )
        running = asyncio.create_task(jobs.run())
        await asyncio.sleep(0)
        moment = now() - timedelta(hours=1)
        recording = Recording(
            new_id(), new_id(), ReferenceType.CALL, new_id(), RecordingStatus.ENDED, moment, moment, tm_start=moment
        )
        begin = time.monotonic()
        await jobs.start(recording, TranscribeRequest(language, end_of_silence_ms=end_of_silence_ms or None))
        await notes.done.wait()
        seconds = time.monotonic() - begin
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return seconds, notes.transcripts


def heard_of(said: Said, transcripts: list[Transcript]) -> str:
    """What was recognised of it: the transcripts of that side whose middle lies in it."""
    own = [
        each
        for each in sorted(transcripts, key=lambda each: each.offset)
        if each.direction is said.direction
        and said.start - 0.6 <= (each.offset + each.duration / 2).total_seconds() <= said.end + 0.6
    ]
    return " ".join(each.message for each in own)


async def run(minutes: float, language: str, live: int, end_of_silence_ms: int) -> None:
    models = ModelLibrary(read_settings().install_dir)
    files = korean_files() if language.startswith("ko") else english_files()
    error_rate = character_error_rate if language.startswith("ko") else word_error_rate
    sides, said = hold_call(files, minutes * 60)
    length = pcm_seconds(sides[Direction.IN])
    result: dict[str, Any] = {"language": language, "call_seconds": round(length)}
    async with open_recognition_pool(models) as pool:
        model = await pool.warm(language)
        alone: list[float] = []
        busy: list[float] = []
        if live:
            with suppress(TimeoutError):
                async with asyncio.timeout(LIVE_SECONDS):
                    await asyncio.gather(*(speak_live(pool, language, files[n:], alone) for n in range(live)))
        talking = [asyncio.create_task(speak_live(pool, language, files[n:], busy)) for n in range(live)]
        cpu = time.process_time()
        seconds, transcripts = await transcribe(pool, models, language, sides, end_of_silence_ms)
        cpu = time.process_time() - cpu
        for task in talking:
            task.cancel()
        await asyncio.gather(*talking, return_exceptions=True)
    direct = await asyncio.to_thread(decode_directly, model, [each.path for each in said])
    references = [each.text for each in said]
    result |= {
        "engine": str(model.engine),
        "seconds": round(seconds, 1),
        "times_real_time": round(length / seconds, 1),
        "cpu_seconds": round(cpu, 1),
        "transcripts": len(transcripts),
        "gaps": pool.counts.gaps,
        "error_rate": round(error_rate(references, [heard_of(each, transcripts) for each in said]), 4),
        "error_rate_direct": round(error_rate(references, [direct[each.path] for each in said]), 4),
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    if live:
        result |= {
            "live_feeds": live,
            "live_final_ms_alone": round(1000 * statistics.median(alone)),
            "live_final_ms_beside": round(1000 * statistics.median(busy)) if busy else None,
            "live_final_p95_ms_alone": round(1000 * sorted(alone)[int(len(alone) * 0.95)]),
            "live_final_p95_ms_beside": round(1000 * sorted(busy)[int(len(busy) * 0.95)]) if busy else None,
        }
    for name, value in result.items():
        print(f"{name:<26} {value}")
    print(json.dumps(result))


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--language", default="en-US")
    parser.add_argument("--live", type=int, default=0)
    parser.add_argument("--end-of-silence-ms", type=int, default=0)
    args = parser.parse_args()
    asyncio.run(run(args.minutes, args.language, args.live, args.end_of_silence_ms))


if __name__ == "__main__":
    main()
