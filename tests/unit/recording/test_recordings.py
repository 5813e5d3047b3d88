"""Recordings of a scripted call and room: checks, every end, events in order, complete files, nothing left behind."""

import asyncio
import time
import wave
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from app.call.digits import Digits
from app.domain.audio import FRAME_SAMPLES, FRAME_SECONDS, SAMPLE_RATE, Frame
from app.domain.call import Address, Call, CallDirection, CallStatus
from app.domain.conference import Conference, ConferenceStatus, ConferenceType
from app.domain.events import EventType
from app.domain.ids import ZERO_ID, new_id
from app.domain.recording import Recording, RecordingRequest, RecordingStatus
from app.domain.timestamps import now
from app.domain.transcribe import ReferenceType
from app.errors import InvalidArgument, LegGone, RecordingAlreadyActive, StateInvalid, Unavailable
from app.media import recorder as recorder_module
from app.recording import recording_session, sources
from app.recording.recording_files import list_left, repair
from app.recording.recordings import Recordings
from app.recording.sources import TapParts
from tests.speech_files import frames_of, librivox_files, read_samples

Sink = Callable[[Sequence[Frame]], None]


class ScriptedJournal:
    """Keeps what is told, in order."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []
        self.rows: dict[str, Recording] = {}

    async def create(self, item: Recording, *types: EventType, about: str = "") -> Recording:
        await self.change(item, *types, about=about)
        return item

    async def change(self, item: Recording, *types: EventType, about: str = "") -> None:
        self.rows[item.id] = item
        self.told += [(each.value, item) for each in types]

    @property
    def types(self) -> list[str]:
        return [type_ for type_, _ in self.told]


class ScriptedTap:
    def __init__(self) -> None:
        self.stream = self
        self.counts = type("Counts", (), {"lost": 0})
        self.is_closed = False

    async def drain(self) -> None:
        await asyncio.sleep(0)

    async def close(self) -> None:
        self.is_closed = True


class Owner:
    """What calls and rooms share: closers, and the recording that they show."""

    def __init__(self) -> None:
        self.closers: list[Any] = []
        self.noted: list[str] = []

    @contextmanager
    def attach(self, closer: Any) -> Iterator[None]:
        self.closers.append(closer)
        try:
            yield
        finally:
            self.closers.remove(closer)

    async def note_recording(self, recording_id: str) -> None:
        self.noted.append(recording_id)


class ScriptedCall(Owner):
    def __init__(self, status: CallStatus = CallStatus.PROGRESSING) -> None:
        super().__init__()
        moment = now()
        self.record = Call(new_id(), new_id(), CallDirection.INCOMING, status, Address(), Address(), moment, moment)
        self.channel_id = "channel"
        self.is_gone = False
        self.played: list[str] = []
        self.digits = Digits()
        self.ledger = self

    async def play(self, media: Sequence[str]) -> None:
        self.played += media

    def watch_digits(self) -> Any:
        return self.digits.watch()

    async def end(self) -> None:
        self.is_gone = True
        for closer in list(self.closers):
            await closer()


class ScriptedRoom(Owner):
    bridge_id = "bridge"

    def __init__(self) -> None:
        super().__init__()
        self.ended = asyncio.Event()
        moment = now()
        self.record = Conference(
            new_id(), new_id(), ConferenceType.CONFERENCE, ConferenceStatus.PROGRESSING, "room", moment, moment
        )

    async def wait_room_ended(self) -> None:
        await self.ended.wait()


class Stage:
    """A register of recordings over scripted taps; `sinks` by direction, "mix" for a room."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = ScriptedJournal()
        self.sinks: dict[str, Sink] = {}
        self.taps: list[ScriptedTap] = []
        self.tap_error: Exception | None = None
        self.reserved: dict[str, int] = {}
        self.free_pairs = 10
        self.ended: list[Recording] = []
        self.recordings = Recordings(
            TapParts(cast(Any, None), cast(Any, None), "127.0.0.1"),
            cast(Any, self.journal),
            folder,
            beep=lambda: "tone:beep",
            reserve_ports=self.reserve,
            release_ports=self.release,
            on_end=self.note_end,
        )

    def reserve(self, key: str, pairs: int) -> bool:
        if pairs > self.free_pairs:
            return False
        self.reserved[key] = pairs
        return True

    def release(self, key: str) -> None:
        self.reserved.pop(key, None)

    async def note_end(self, recording: Recording) -> None:
        self.ended.append(recording)

    @asynccontextmanager
    async def open_tap(self, *_: Any, sink: Sink, direction: str = "mix", **__: Any) -> AsyncIterator[ScriptedTap]:
        if self.tap_error is not None:
            raise self.tap_error
        self.sinks[str(direction)] = sink
        tap = ScriptedTap()
        self.taps.append(tap)
        yield tap

    def say(self, direction: str, seconds: float, value: int = 5) -> None:
        """Give a side sound from now on, faster than it is spoken."""
        begin = time.monotonic()
        sound = np.full(FRAME_SAMPLES, value, "<i2").tobytes()
        frames = [Frame(sound, begin + index * FRAME_SECONDS) for index in range(round(seconds / FRAME_SECONDS))]
        self.sinks[direction](frames)

    def sound(self, name: str) -> Any:
        with wave.open(str(self.folder / name)) as file:
            pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2")
            return pcm.reshape(-1, file.getnchannels())

    async def told(self, type_: str) -> None:
        async with asyncio.timeout(10):
            while type_ not in self.journal.types:
                await asyncio.sleep(0.005)


@pytest.fixture
async def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    made = Stage(tmp_path / "recordings")
    monkeypatch.setattr(sources, "open_tap", made.open_tap)
    monkeypatch.setattr(sources, "open_bridge_tap", made.open_tap)
    monkeypatch.setattr(recording_session, "WRITE_SECONDS", 0.02)
    running = asyncio.create_task(made.recordings.run())
    while not made.recordings._tasks.is_open:
        await asyncio.sleep(0.001)
    yield made
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert not made.reserved
    assert len(made.recordings) == 0


def call_of(status: CallStatus = CallStatus.PROGRESSING) -> Any:
    return ScriptedCall(status)


async def test_a_recording_from_start_to_stop(stage: Stage) -> None:
    call = call_of()
    started = await stage.recordings.start_call(call, RecordingRequest(on_end_flow_id="f"))
    assert started.status is RecordingStatus.RECORDING
    assert started.tm_start is not None
    assert stage.recordings.find_of(call.record.id) == started
    assert stage.recordings.owns(f"callscribe-snoop-{started.id}-in")
    assert stage.reserved == {started.id: 2}
    stage.say("in", 1.0, 5)
    stage.say("out", 0.5, 7)
    stopped = await stage.recordings.stop(started.id)
    assert stopped is not None
    assert stopped.status is RecordingStatus.ENDED
    assert stage.journal.types == ["recording_started", "recording_finished"]
    assert stage.journal.told[1][1] == stopped == stage.journal.rows[started.id]
    assert call.noted == [started.id, ZERO_ID]
    assert all(tap.is_closed for tap in stage.taps)
    assert stopped.filenames == (f"{started.id}_in.wav", f"{started.id}_out.wav", f"{started.id}.wav")
    one, other, both = (stage.sound(name) for name in stopped.filenames)
    assert len(one) == len(other) == len(both) >= SAMPLE_RATE
    assert stopped.tm_end is not None
    assert (stopped.tm_end - started.tm_start).total_seconds() == pytest.approx(len(both) / SAMPLE_RATE)
    assert (both[:, :1] == one).all()
    assert (both[:, 1:] == other).all()
    assert set(one[200:8000, 0]) == {5}
    assert set(other[200:3800, 0]) == {7}
    assert stage.recordings.find_of(call.record.id) is None
    assert stage.recordings.file(stopped, "in") == stage.folder / f"{started.id}_in.wav"
    assert await stage.recordings.stop(started.id) is None
    while not stage.ended:
        await asyncio.sleep(0.001)
    assert stage.ended == [stopped]


async def test_what_cannot_be_recorded(stage: Stage) -> None:
    wrong: list[tuple[str, Any]] = [
        ("format", "flac"),
        ("end_of_key", "x"),
        ("end_of_key", "12"),
        ("duration", -1),
        ("duration", 86_401),
        ("end_of_silence", -1),
    ]
    for field, value in wrong:
        with pytest.raises(InvalidArgument, match=field):
            await stage.recordings.start_call(call_of(), replace(RecordingRequest(), **{field: value}))
    for status in CallStatus:
        if status is not CallStatus.PROGRESSING:
            with pytest.raises(StateInvalid, match=status.value):
                await stage.recordings.start_call(call_of(status), RecordingRequest())
    assert not stage.journal.rows


async def test_one_recording_at_a_time(stage: Stage) -> None:
    call = call_of()
    outcomes = await asyncio.gather(
        *(stage.recordings.start_call(call, RecordingRequest(format="")) for _ in range(3)), return_exceptions=True
    )
    [first] = [each for each in outcomes if isinstance(each, Recording)]
    assert sum(isinstance(each, RecordingAlreadyActive) for each in outcomes) == 2
    assert first.format == "wav"
    await stage.recordings.stop(first.id)
    again = await stage.recordings.start_call(call, RecordingRequest())
    assert again.id != first.id
    await stage.recordings.stop(again.id)


async def test_no_port_no_recording(stage: Stage) -> None:
    stage.free_pairs = 1
    with pytest.raises(Unavailable, match="CALLSCRIBE_RTP_PORTS"):
        await stage.recordings.start_call(call_of(), RecordingRequest())
    assert not stage.journal.rows


async def test_a_tap_that_fails_leaves_nothing(stage: Stage) -> None:
    call = call_of()
    stage.tap_error = LegGone("the party has hung up")
    with pytest.raises(LegGone):
        await stage.recordings.start_call(call, RecordingRequest())
    assert stage.journal.types == []
    assert [row.tm_delete is not None for row in stage.journal.rows.values()] == [True]
    assert call.noted == []
    stage.tap_error = None
    again = await stage.recordings.start_call(call, RecordingRequest())
    await stage.recordings.stop(again.id)
    assert stage.ended == [] or [each.id for each in stage.ended] == [again.id]


async def test_files_that_cannot_be_made(stage: Stage) -> None:
    stage.folder.rmdir()
    call = call_of()
    with pytest.raises(Unavailable, match="cannot be made"):
        await stage.recordings.start_call(call, RecordingRequest())
    assert call.noted == []
    stage.folder.mkdir()


async def test_the_call_ends(stage: Stage) -> None:
    call = call_of()
    started = await stage.recordings.start_call(call, RecordingRequest())
    stage.say("in", 0.3)
    await call.end()
    assert stage.journal.types == ["recording_started", "recording_finished"]
    assert stage.journal.rows[started.id].status is RecordingStatus.ENDED
    assert len(stage.sound(f"{started.id}.wav")) >= 0.3 * SAMPLE_RATE


async def test_duration_ends_it_exactly(stage: Stage) -> None:
    call = call_of()
    started = await stage.recordings.start_call(call, RecordingRequest(duration=1))
    stage.say("in", 3.0)
    await stage.told("recording_finished")
    assert len(stage.sound(f"{started.id}.wav")) == SAMPLE_RATE


async def test_silence_of_the_party_ends_it(stage: Stage) -> None:
    call = call_of()
    await stage.recordings.start_call(call, RecordingRequest(end_of_silence=2))
    begin = time.monotonic()
    speech = read_samples(librivox_files()[1][0])
    length = len(speech) / 2 / SAMPLE_RATE
    stage.sinks["in"](frames_of(speech + bytes(3 * SAMPLE_RATE), begin))  # 1.5 s of silence after it
    stage.sinks["out"](frames_of(bytes(20 * SAMPLE_RATE), begin))  # the other side's silence counts for nothing
    for _ in range(10):
        await asyncio.sleep(0.02)
    assert stage.journal.types == ["recording_started"]
    stage.sinks["in"](frames_of(bytes(4 * SAMPLE_RATE), begin + length + 1.5))
    await stage.told("recording_finished")


@pytest.mark.parametrize(("key", "digits", "is_ended"), [("any", "5", True), ("#", "12#", True), ("#", "12*", False)])
async def test_a_key_ends_it(stage: Stage, key: str, digits: str, is_ended: bool) -> None:
    call = call_of()
    started = await stage.recordings.start_call(call, RecordingRequest(end_of_key=key))
    for digit in digits:
        call.digits.note(digit)
    if is_ended:
        await stage.told("recording_finished")
    else:
        await asyncio.sleep(0.05)
        assert stage.journal.types == ["recording_started"]
        await stage.recordings.stop(started.id)


async def test_the_tone_comes_first(stage: Stage) -> None:
    call = call_of()
    started = await stage.recordings.start_call(call, RecordingRequest(beep_start=True))
    assert call.played == ["tone:beep"]
    await stage.recordings.stop(started.id)


async def test_a_full_disk_ends_the_recording_not_the_call(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    call = call_of()

    def fail(_: object) -> None:
        raise OSError(28, "No space left on device")

    started = await stage.recordings.start_call(call, RecordingRequest())
    monkeypatch.setattr(recorder_module.RecorderSide, "write", fail)
    await stage.told("recording_finished")
    assert stage.journal.rows[started.id].status is RecordingStatus.ENDED
    assert call.noted == [started.id, ZERO_ID]
    assert not call.is_gone


async def test_the_programs_end_completes_recordings(tmp_path: Path, stage: Stage) -> None:
    call = call_of()
    started = await stage.recordings.start_call(call, RecordingRequest())
    stage.say("in", 0.2)
    await stage.recordings._finish_all()
    assert stage.journal.rows[started.id].status is RecordingStatus.ENDED
    assert stage.recordings.file(stage.journal.rows[started.id], "") is not None


async def test_a_room_is_recorded_as_a_mix(stage: Stage) -> None:
    room = ScriptedRoom()
    asked = RecordingRequest(end_of_key="#", end_of_silence=1, beep_start=True)
    started = await stage.recordings.start_conference(room, asked)
    assert started.reference_type is ReferenceType.CONFBRIDGE
    assert started.filenames == (f"{started.id}.wav",)
    assert stage.reserved == {started.id: 1}
    with pytest.raises(RecordingAlreadyActive, match=f"the conference {room.record.id} is being recorded"):
        await stage.recordings.start_conference(room, asked)
    stage.say("mix", 0.5)
    await room.closers[0]()
    ended = stage.journal.rows[started.id]
    assert ended.status is RecordingStatus.ENDED
    assert stage.sound(started.filenames[0]).shape[1] == 1
    assert stage.recordings.file(ended, "in") is None
    assert room.noted == [started.id, ZERO_ID]


async def test_a_lost_room_ends_its_recording_instead_of_recording_silence(stage: Stage) -> None:
    room = ScriptedRoom()
    started = await stage.recordings.start_conference(room, RecordingRequest())
    stage.say("mix", 0.5)
    room.ended.set()
    await stage.told("recording_finished")
    assert stage.journal.rows[started.id].status is RecordingStatus.ENDED
    assert room.noted == [started.id, ZERO_ID]
    again = await stage.recordings.start_conference(ScriptedRoom(), RecordingRequest())
    await stage.recordings.stop(again.id)


async def test_delete_takes_the_files_too(stage: Stage) -> None:
    call = call_of()
    started = await stage.recordings.start_call(call, RecordingRequest())
    with pytest.raises(StateInvalid, match="recording"):
        await stage.recordings.delete(started)
    ended = await stage.recordings.stop(started.id)
    assert ended is not None
    deleted = await stage.recordings.delete(ended)
    assert deleted.tm_delete is not None
    assert stage.journal.types[-1] == "recording_deleted"
    assert list(stage.folder.iterdir()) == []
    assert stage.recordings.file(deleted, "in") is None


async def test_a_killed_process_leaves_files_that_the_next_start_completes(stage: Stage) -> None:
    call = call_of()
    started = await stage.recordings.start_call(call, RecordingRequest())
    stage.say("in", 0.4)
    stage.say("out", 0.2)
    while not all((stage.folder / name).stat().st_size > 3000 for name in started.filenames[:2]):
        await asyncio.sleep(0.005)
    copy = stage.folder.parent / "copy"
    copy.mkdir()
    for name in started.filenames[:2]:
        (copy / name).write_bytes((stage.folder / name).read_bytes()[:-1])  # torn in the middle of a sample
    (copy / f"{started.filenames[2]}.part").write_bytes(b"half a stereo file")
    assert repair(list_left(copy)) == 1
    assert sorted(path.name for path in copy.iterdir()) == sorted(started.filenames)
    with wave.open(str(copy / started.filenames[2])) as file:
        assert file.getnchannels() == 2
        assert file.getnframes() > 0.3 * SAMPLE_RATE
    assert repair(list_left(copy)) == 0
    await stage.recordings.stop(started.id)


@pytest.mark.parametrize("kind", ["mp3", "ogg"])
async def test_another_format_is_served_and_the_wav_files_stay(stage: Stage, kind: str) -> None:
    recording = await stage.recordings.start_call(call_of(), RecordingRequest(format=kind))
    waiting = asyncio.ensure_future(stage.recordings.wait_end(recording.id))
    stage.say("in", 1.0, 4000)
    ended = await stage.recordings.stop(recording.id)
    await asyncio.wait_for(waiting, 2)
    assert ended is not None
    assert (ended.format, ended.filenames[-1]) == (kind, f"{recording.id}.{kind}")
    served, sound = stage.recordings.file(ended, ""), stage.recordings.sound(ended, "")
    assert served is not None
    assert sound is not None
    assert (served.suffix, sound.suffix) == (f".{kind}", ".wav")
    assert served.stat().st_size > 100
    side = stage.recordings.file(ended, "in")
    assert side is not None
    assert side.suffix == ".wav"
    await stage.recordings.delete(ended)
    assert not list(stage.folder.iterdir())
