"""Transcribes of recordings: answered at once, decoded by direction with true times, one at a time, stoppable."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.cli.wav_file import write_wav
from app.domain.audio import SAMPLE_RATE, pcm_seconds
from app.domain.call import Call
from app.domain.events import Event, EventType
from app.domain.ids import new_id
from app.domain.recording import Recording, RecordingStatus
from app.domain.timestamps import now
from app.domain.transcribe import Direction, ReferenceType, Transcribe, TranscribeStatus
from app.domain.transcript import Speaker, Transcript
from app.errors import InvalidArgument, StateInvalid
from app.speech.installed_model import InstalledModel
from app.speech.recognition_pool import open_recognition_pool
from app.speech.recognizer import Recognition, RecognitionFailed, RecognizedWord, Recognizer
from app.transcribe.recording_job import RecordingTranscribes
from app.transcribe.request import TranscribeRequest
from tests.speech_files import librivox_files, read_samples

MODEL = InstalledModel("scripted", "model", Path("/nowhere"), "en-US")
SPEECH = read_samples(librivox_files()[1][0])
SPEECH_SECONDS = pcm_seconds(SPEECH)


def quiet(seconds: float) -> bytes:
    return bytes(2 * int(seconds * SAMPLE_RATE))


class CountingRecognizer:
    """Says how many seconds it heard."""

    def __init__(self, engine: "CountingEngine") -> None:
        self.accepted_seconds = 0.0
        self.heard = 0.0
        self.engine = engine

    def accept(self, pcm: bytes) -> None:
        assert self.engine.gate.wait(20)
        if self.engine.is_failing:
            raise RecognitionFailed("scripted to fail")
        self.heard += pcm_seconds(pcm)
        self.accepted_seconds += pcm_seconds(pcm)

    def interim(self) -> str:
        raise AssertionError("a recording needs no interims")

    def prepare(self) -> None:
        pass

    def finish(self) -> Recognition:
        heard, self.heard = self.heard, 0.0
        return Recognition(f"{heard:.1f}", (RecognizedWord("word", 0.3, heard, 0.5),), 0.5)

    def reset(self) -> None:
        self.heard = 0.0

    def close(self) -> None:
        pass


class CountingEngine:
    pause_lead_ms: int | None = 80

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.is_failing = False

    def create_recognizer(self) -> Recognizer:
        return CountingRecognizer(self)

    def close(self) -> None:
        pass


class Models:
    def resolve(self, tag: str) -> InstalledModel:
        return MODEL


class Notes:
    """A journal and its rows in memory."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.transcribes: dict[str, Transcribe] = {}
        self.transcripts: list[Transcript] = []

    async def create(self, item: Any, *types: EventType, about: str = "") -> Any:
        self.told += [each.value for each in types]
        if isinstance(item, Transcript):
            self.transcripts.append(item)
        else:
            self.transcribes[item.id] = item
        return item

    async def change(self, item: Any, *types: EventType, about: str = "") -> None:
        await self.create(item, *types)

    async def commit(self, write: Any) -> tuple[Event, ...]:
        raise AssertionError

    async def tell(self, event: Event) -> None:
        raise AssertionError("speech of a recording is not told")

    async def find_of(self, reference_id: str, language: str) -> Transcribe | None:
        await asyncio.sleep(0)
        for each in self.transcribes.values():
            if (each.reference_id, each.language) == (reference_id, language):
                return each
        return None


class Stage:
    def __init__(self, folder: Path, engine: CountingEngine) -> None:
        self.folder = folder
        self.engine = engine
        self.notes = Notes()
        self.done: list[Transcribe] = []
        self.jobs: RecordingTranscribes

    def record(self, **sides: bytes) -> Recording:
        """A recording with these parts: `in` as `in_`, the mix as `mix`."""
        moment = now() - timedelta(hours=1)
        kind = ReferenceType.CONFBRIDGE if "mix" in sides else ReferenceType.CALL
        recording = Recording(
            new_id(), new_id(), kind, new_id(), RecordingStatus.ENDED, moment, moment, tm_start=moment
        )
        for part, pcm in sides.items():
            name = {"in_": "in", "mix": ""}.get(part, part)
            write_wav(self.folder / f"{recording.id}{name}.wav", pcm)
        return recording

    def file(self, recording: Recording, part: str, /) -> Path | None:
        path = self.folder / f"{recording.id}{part}.wav"
        return path if path.exists() else None

    async def wait_done(self, count: int = 1) -> None:
        async with asyncio.timeout(20):
            while len(self.done) < count:
                await asyncio.sleep(0.005)

    async def note_done(self, transcribe: Transcribe) -> None:
        self.done.append(transcribe)


async def find_no_call(_call_id: str) -> Call | None:
    """There is no call behind the recording."""
    return None


@asynccontextmanager
async def open_stage(folder: Path) -> AsyncIterator[Stage]:
    engine = CountingEngine()
    stage = Stage(folder, engine)
    async with open_recognition_pool(Models(), load=lambda *_: engine, threads=2) as pool:
        stage.jobs = RecordingTranscribes(
            journal=stage.notes,
            transcribes=stage.notes,
            models=Models(),  # type: ignore[arg-type]
            pool=pool,
            file=stage.file,
            find_call=find_no_call,
            on_done=stage.note_done,
        )
        running = asyncio.create_task(stage.jobs.run())
        await asyncio.sleep(0)
        try:
            yield stage
        finally:
            engine.gate.set()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            assert len(stage.jobs) == 0


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with open_stage(tmp_path) as opened:
        yield opened


async def test_both_directions_with_their_times(stage: Stage) -> None:
    lead = 2.0
    recording = stage.record(
        in_=quiet(lead) + SPEECH + quiet(9), out=quiet(lead + SPEECH_SECONDS + 2) + SPEECH + quiet(3)
    )
    answer = await stage.jobs.start(recording, TranscribeRequest("en-us", on_end_flow_id="f", activeflow_id="a"))
    assert answer.status is TranscribeStatus.PROGRESSING
    assert (answer.language, answer.reference_type, answer.reference_id) == (
        "en-US",
        ReferenceType.RECORDING,
        recording.id,
    )
    assert (answer.engine, answer.model, answer.on_end_flow_id, answer.activeflow_id) == ("scripted", "model", "f", "a")
    await stage.wait_done()
    [done] = stage.done
    assert done.status is TranscribeStatus.DONE
    assert stage.notes.transcribes[answer.id] == done
    assert stage.notes.told[:2] == ["transcribe_created", "transcribe_progressing"]
    assert stage.notes.told[-1] == "transcribe_done"
    assert set(stage.notes.told[2:-1]) == {"transcript_created"}
    heard = {
        direction: [row for row in stage.notes.transcripts if row.direction is direction] for direction in Direction
    }
    for direction, begin in ((Direction.IN, lead), (Direction.OUT, lead + SPEECH_SECONDS + 2)):
        rows = sorted(heard[direction], key=lambda row: row.offset)
        assert rows
        assert begin - 0.4 <= rows[0].offset.total_seconds() <= begin + 1.0
        assert rows[-1].offset + rows[-1].duration <= timedelta(seconds=begin + SPEECH_SECONDS + 2)
    assert {row.speaker for row in heard[Direction.IN]} == {Speaker(recording.reference_id)}
    assert {row.speaker for row in heard[Direction.OUT]} == {None}


@pytest.mark.parametrize("direction", [Direction.IN, Direction.OUT])
async def test_one_direction_only(stage: Stage, direction: Direction) -> None:
    recording = stage.record(in_=SPEECH + quiet(2), out=SPEECH + quiet(2))
    await stage.jobs.start(recording, TranscribeRequest("en-US", direction))
    await stage.wait_done()
    assert {row.direction for row in stage.notes.transcripts} == {direction}


async def test_the_mix_of_a_conference_is_in(stage: Stage) -> None:
    recording = stage.record(mix=SPEECH + quiet(2))
    with pytest.raises(InvalidArgument, match="direction"):
        await stage.jobs.start(recording, TranscribeRequest("en-US", Direction.OUT))
    await stage.jobs.start(recording, TranscribeRequest("en-US"))
    await stage.wait_done()
    assert {(row.direction, row.speaker) for row in stage.notes.transcripts} == {(Direction.IN, None)}


async def test_a_second_request_gets_the_first_transcribe(stage: Stage) -> None:
    recording = stage.record(in_=SPEECH, out=SPEECH)
    answers = await asyncio.gather(*(stage.jobs.start(recording, TranscribeRequest("en-US")) for _ in range(3)))
    assert len({each.id for each in answers}) == 1
    await stage.wait_done()
    again = await stage.jobs.start(recording, TranscribeRequest("en-US", Direction.IN))
    assert again == stage.done[0]
    other = await stage.jobs.start(recording, TranscribeRequest("ko-KR"))
    assert other.id != again.id
    await stage.wait_done(2)


async def test_what_cannot_be_transcribed(stage: Stage) -> None:
    recording = stage.record(in_=SPEECH, out=SPEECH)
    for status in RecordingStatus:
        if status is not RecordingStatus.ENDED:
            with pytest.raises(StateInvalid, match=status.value):
                await stage.jobs.start(replace(recording, status=status), TranscribeRequest("en-US"))
    with pytest.raises(InvalidArgument, match="language"):
        await stage.jobs.start(recording, TranscribeRequest("klingon!"))
    (stage.folder / f"{recording.id}out.wav").unlink()
    with pytest.raises(StateInvalid, match="no file"):
        await stage.jobs.start(recording, TranscribeRequest("en-US"))
    assert not stage.notes.told


async def test_memory_is_bounded_and_nothing_is_left_out(stage: Stage) -> None:
    """The recognizer stands still: only so much is read; then it goes on, and all of it is decoded."""
    stage.engine.gate.clear()
    recording = stage.record(in_=(SPEECH + quiet(1)) * 8, out=quiet(1))
    answer = await stage.jobs.start(recording, TranscribeRequest("en-US"))
    job = stage.jobs._jobs[answer.id]
    while job.decoding.seconds < 4:
        await asyncio.sleep(0.005)
    for _ in range(20):
        await asyncio.sleep(0.005)
    assert job.decoding.seconds < 25, "it waits for room"
    assert 0 < (stage.jobs.find_progress(answer.id) or 0) < 1
    stage.engine.gate.set()
    await stage.wait_done()
    heard = sum(row.duration.total_seconds() for row in stage.notes.transcripts)
    assert 8 * (SPEECH_SECONDS - 0.5) <= heard <= 8 * (SPEECH_SECONDS + 1)
    assert stage.jobs.find_progress(answer.id) is None


async def test_stop_stores_what_there_is(stage: Stage) -> None:
    stage.engine.gate.clear()
    recording = stage.record(in_=(SPEECH + quiet(1)) * 8, out=quiet(1))
    answer = await stage.jobs.start(recording, TranscribeRequest("en-US"))
    while stage.jobs._jobs[answer.id].decoding.seconds < 4:
        await asyncio.sleep(0.005)
    stopping = asyncio.create_task(stage.jobs.stop(answer.id))
    await asyncio.sleep(0)
    stage.engine.gate.set()
    stopped = await stopping
    assert stopped is not None
    assert stopped.status is TranscribeStatus.DONE
    assert 1 <= len(stage.notes.transcripts) < 8
    assert await stage.jobs.stop(answer.id) is None


async def test_one_recording_is_decoded_at_a_time(stage: Stage) -> None:
    stage.engine.gate.clear()
    first, second = (stage.record(in_=SPEECH + quiet(2), out=quiet(1)) for _ in range(2))
    one = await stage.jobs.start(first, TranscribeRequest("en-US"))
    other = await stage.jobs.start(second, TranscribeRequest("en-US"))
    while stage.jobs._jobs[one.id].decoding.seconds < 3:
        await asyncio.sleep(0.005)
    assert stage.jobs.find_progress(other.id) == 0
    stopped = await stage.jobs.stop(other.id)
    assert stopped is not None
    assert stopped.status is TranscribeStatus.DONE, "one that waits for its turn can be stopped"
    stage.engine.gate.set()
    await stage.wait_done(2)
    assert {row.transcribe_id for row in stage.notes.transcripts} == {one.id}


async def test_a_dead_recognizer_ends_the_transcribe(stage: Stage) -> None:
    stage.engine.is_failing = True
    recording = stage.record(in_=SPEECH + quiet(60), out=SPEECH)
    await stage.jobs.start(recording, TranscribeRequest("en-US"))
    await stage.wait_done()
    assert stage.done[0].status is TranscribeStatus.DONE
    stage.engine.is_failing = False
    await stage.jobs.start(stage.record(in_=SPEECH, out=SPEECH), TranscribeRequest("en-US"))
    await stage.wait_done(2)
    assert stage.notes.transcripts, "the next one goes on as if nothing had been"


async def test_a_file_that_is_none(stage: Stage) -> None:
    recording = stage.record(in_=SPEECH, out=SPEECH)
    (stage.folder / f"{recording.id}in.wav").write_bytes(b"nothing")
    await stage.jobs.start(recording, TranscribeRequest("en-US"))
    await stage.wait_done()
    assert stage.notes.transcripts == []


async def test_the_programs_end(tmp_path: Path) -> None:
    async with open_stage(tmp_path) as stage:
        recording = stage.record(in_=(SPEECH + quiet(1)) * 20, out=quiet(1))
        answer = await stage.jobs.start(recording, TranscribeRequest("en-US"))
    assert stage.notes.transcribes[answer.id].status is TranscribeStatus.DONE
