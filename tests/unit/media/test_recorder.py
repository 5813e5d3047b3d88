"""Recordings: every frame lies where it was heard, both sides are as long, and any end of the process leaves a WAV."""

import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.audio import FRAME_BYTES, FRAME_SAMPLES, FRAME_SECONDS, SAMPLE_RATE, SILENT_FRAME, Frame
from app.media import recorder as recorder_module
from app.media.recorder import Recorder, RecorderSide
from app.media.recording_track import TOLERANCE_MS, RecordingTrack
from app.media.wav_stereo import write_stereo
from app.media.wav_writer import HEADER_BYTES, create_wav, repair_wav, wav_header

ZERO = 1000.0


Sound = np.ndarray[tuple[int, ...], np.dtype[np.int16]]


def samples_of(path: Path) -> Sound:
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getsampwidth()) == (SAMPLE_RATE, 2)
        sound = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return sound.reshape(-1, file.getnchannels())


def numbered(index: int, captured_at: float) -> Frame:
    """A frame all of whose samples are `index`, above zero."""
    return Frame(np.full(FRAME_SAMPLES, index, "<i2").tobytes(), captured_at)


def steady(count: int, first: float = ZERO, value: int = 1) -> list[Frame]:
    return [numbered(value, first + index * FRAME_SECONDS) for index in range(count)]


def lay(track: RecordingTrack, frames: list[Frame]) -> Sound:
    sound = b""
    for frame in frames:
        silence, pcm = track.place(frame)
        sound += bytes(2 * silence) + pcm
    assert len(sound) == 2 * track.samples
    return np.frombuffer(sound, "<i2")


def test_frames_in_a_row_follow_each_other() -> None:
    assert lay(RecordingTrack(ZERO), steady(50)).tolist() == [1] * 50 * FRAME_SAMPLES


def test_a_little_jitter_moves_nothing() -> None:
    frames = [numbered(1, ZERO + index * FRAME_SECONDS + (index % 3) * 0.004) for index in range(50)]
    assert lay(RecordingTrack(ZERO), frames).tolist() == [1] * 50 * FRAME_SAMPLES


def test_a_gap_becomes_silence() -> None:
    sound = lay(RecordingTrack(ZERO), [*steady(2), *steady(2, ZERO + 1.0, 2)])
    assert sound[:320].tolist() == [1] * 320
    assert not sound[320:8000].any()
    assert sound[8000:].tolist() == [2] * 320


def test_what_was_heard_before_the_begin_is_left_out() -> None:
    sound = lay(RecordingTrack(ZERO), [*steady(3, ZERO - 0.05, 7), *steady(2, ZERO + 0.01, 8)])
    assert sound.tolist() == [7] * 80 + [8] * 320


def test_a_frame_that_comes_twice_is_there_once() -> None:
    frames = steady(3)
    assert lay(RecordingTrack(ZERO), [*frames, *frames, *steady(1, ZERO + 0.06, 9)]).tolist() == [1] * 480 + [9] * 160


@given(
    drift=st.floats(-0.001, 0.001),
    lost=st.sets(st.integers(0, 2999)),
    silent=st.sets(st.integers(0, 2999)),
)
@settings(max_examples=30, deadline=None)
def test_every_frame_lies_where_it_was_heard(drift: float, lost: set[int], silent: set[int]) -> None:
    """A clock that drifts by up to one in a thousand (real ones: one in twenty thousand), losses, silence."""
    track = RecordingTrack(ZERO)
    for index in range(3000):
        if index in lost:
            continue
        moment = ZERO + index * FRAME_SECONDS * (1 + drift)
        frame = Frame(SILENT_FRAME, moment) if index in silent else numbered(index + 1, moment)
        before = track.samples
        silence, pcm = track.place(frame)
        start = before + silence + (FRAME_BYTES - len(pcm)) // -2
        assert abs(start / SAMPLE_RATE - (moment - ZERO)) <= (TOLERANCE_MS + 0.1) / 1000
        assert track.samples == before + silence + len(pcm) // 2


@given(st.lists(st.floats(-5, 30), max_size=40))
def test_any_times_are_survived(moments: list[float]) -> None:
    track = RecordingTrack(ZERO)
    for moment in moments:
        before = track.samples
        placed = track.place(numbered(1, ZERO + moment))
        assert placed.silence_samples >= 0
        assert len(placed.pcm) % 2 == 0
        assert track.samples >= before


def test_both_sides_begin_and_end_together(tmp_path: Path) -> None:
    one, other = RecorderSide(tmp_path / "in.wav"), RecorderSide(tmp_path / "out.wav")
    recorder = Recorder(one, other)
    one.push(steady(50, ZERO - 0.2))
    recorder.open(ZERO)
    recorder.write()
    other.push(steady(10, ZERO + 0.5, 2))
    recorder.write()
    one.push(steady(10, ZERO + 0.8, 1))
    assert recorder.finish(0) == SAMPLE_RATE
    recorder.close()
    left, right = samples_of(one.path)[:, 0], samples_of(other.path)[:, 0]
    assert len(left) == len(right) == SAMPLE_RATE
    assert left[:6400].all()
    assert np.flatnonzero(right).tolist() == list(range(4000, 5600))


def test_a_duration_cuts_exactly(tmp_path: Path) -> None:
    side = RecorderSide(tmp_path / "in.wav")
    recorder = Recorder(side)
    recorder.open(ZERO)
    side.push(steady(60))
    assert recorder.finish(SAMPLE_RATE, is_most=True) == SAMPLE_RATE
    recorder.close()
    assert len(samples_of(side.path)) == SAMPLE_RATE


def test_silence_at_the_end_is_there_too(tmp_path: Path) -> None:
    side = RecorderSide(tmp_path / "mix.wav")
    recorder = Recorder(side)
    recorder.open(ZERO)
    assert recorder.finish(12_345) == 12_345
    recorder.close()
    assert len(samples_of(side.path)) == 12_345


def test_a_disk_that_hangs_costs_sound_not_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_module, "_MOST_FRAMES", 10)
    side = RecorderSide(tmp_path / "in.wav")
    recorder = Recorder(side)
    recorder.open(ZERO)
    for frame in steady(25):
        side.push([frame])
    assert recorder.overflow_frames == 15
    recorder.write()
    side.push(steady(1, ZERO + 0.5))
    recorder.finish(0)
    recorder.close()
    sound = samples_of(side.path)[:, 0]
    assert np.flatnonzero(sound).tolist() == [*range(1600), *range(4000, 4160)]


def test_the_frames_that_are_written_are_heard_in_order(tmp_path: Path) -> None:
    heard: list[Frame] = []
    side = RecorderSide(tmp_path / "in.wav", heard.extend)
    recorder = Recorder(side)
    recorder.open(ZERO)
    frames = steady(20)
    for frame in frames:
        side.push([frame])
        recorder.write()
    recorder.close()
    assert heard == frames


def test_a_file_is_right_after_every_write(tmp_path: Path) -> None:
    writer = create_wav(tmp_path / "a.wav")
    for count in range(1, 4):
        writer.write(b"\1\0" * 160)
        assert len(samples_of(writer.path)) == 160 * count
    writer.write_silence(100_000)
    assert len(samples_of(writer.path)) == 100_480
    writer.cut(480)
    writer.write(b"\2\0")
    writer.close()
    assert samples_of(writer.path)[:, 0].tolist() == [1] * 480 + [2]


@given(cut=st.integers(0, 700), stale=st.integers(0, 300), channels=st.sampled_from([1, 2]))
@settings(max_examples=40, deadline=None)
def test_a_file_that_a_dead_process_left_is_repaired(
    tmp_path_factory: pytest.TempPathFactory, cut: int, stale: int, channels: int
) -> None:
    path = tmp_path_factory.mktemp("r") / "a.wav"
    whole = wav_header(2 * stale, channels) + b"\3\0" * 330
    path.write_bytes(whole[:cut])
    repair_wav(path)
    sound = samples_of(path)
    assert len(sound) == max(0, min(cut, len(whole)) - HEADER_BYTES) // (2 * sound.shape[1])
    assert (sound == 3).all()
    assert not repair_wav(path), "once is enough"


def test_a_file_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"something else" * 10)
    assert not repair_wav(path)
    assert path.read_bytes() == b"something else" * 10


@given(one=st.lists(st.integers(-32768, 32767), max_size=300), other=st.lists(st.integers(-32768, 32767), max_size=300))
@settings(max_examples=30, deadline=None)
def test_stereo_has_in_left_and_out_right(
    tmp_path_factory: pytest.TempPathFactory, one: list[int], other: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("s")
    for name, sound in (("in", one), ("out", other)):
        writer = create_wav(folder / f"{name}.wav")
        writer.write(np.array(sound, "<i2").tobytes())
        writer.close()
    write_stereo(folder / "in.wav", folder / "out.wav", folder / "both.wav")
    both = samples_of(folder / "both.wav")
    length = max(len(one), len(other))
    assert both.shape == (length, 2)
    assert both[:, 0].tolist() == one + [0] * (length - len(one))
    assert both[:, 1].tolist() == other + [0] * (length - len(other))
    assert sorted(path.name for path in folder.iterdir()) == ["both.wav", "in.wav", "out.wav"]


def test_stereo_of_files_longer_than_a_block(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    sides = [rng.integers(-1000, 1000, 200_001).astype("<i2") for _ in range(2)]
    for name, sound in zip(("in", "out"), sides, strict=True):
        writer = create_wav(tmp_path / f"{name}.wav")
        writer.write(sound.tobytes())
        writer.close()
    write_stereo(tmp_path / "in.wav", tmp_path / "out.wav", tmp_path / "both.wav")
    assert (samples_of(tmp_path / "both.wav") == np.column_stack(sides)).all()
