"""Recordings of real calls: each voice on its own side, at its true time, and transcribed by direction afterwards."""

import asyncio
import io
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio

from app.cli.caller import CallPlan, open_caller
from app.domain.audio import SAMPLE_RATE
from app.domain.timestamps import parse_timestamp
from app.settings import read_settings
from app.speech.model_library import ModelLibrary
from benchmarks.scores import normalise, word_error_rate
from tests.asterisk.calls.conftest import PROMPT
from tests.asterisk.calls.conversation import Conversation, hold, voiced_span, write_script
from tests.asterisk.calls.direct import decode_directly
from tests.asterisk.calls.instance import Instance, open_instance
from tests.speech_files import english_files, read_samples

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

ROOM_ID = "6f2f5b1e-52a5-4f0e-9c0b-7d9f3c1a2b44"

FLOWS: dict[str, Any] = {
    "recorded": {
        "name": "records, transcribes and speaks",
        "numbers": ["7201"],
        "language": "en-US",
        "actions": [
            {"type": "answer"},
            {"type": "transcribe_start"},
            {"type": "recording_start", "option": {"on_end_flow_id": "after"}},
            {"type": "talk", "option": {"text": PROMPT}},
            {"type": "sleep", "option": {"duration": 600_000}},
        ],
    },
    "after": {"name": "follows", "language": "en-US", "actions": [{"type": "sleep", "option": {"duration": 10}}]},
    "message": {
        "name": "a message after the tone",
        "numbers": ["7202"],
        "language": "en-US",
        "actions": [
            {"type": "answer"},
            {"type": "recording_start", "option": {"beep_start": True, "end_of_silence": 2}},
            {"type": "sleep", "option": {"duration": 600_000}},
        ],
    },
    "silent": {
        "name": "answers and waits",
        "numbers": ["7203"],
        "language": "en-US",
        "actions": [{"type": "answer"}, {"type": "sleep", "option": {"duration": 600_000}}],
    },
    "room": {
        "name": "joins a room",
        "numbers": ["7205"],
        "language": "en-US",
        "actions": [
            {"type": "answer"},
            {"type": "conference_join", "option": {"conference_id": ROOM_ID}},
        ],
    },
    "stopped": {
        "name": "records a piece",
        "numbers": ["7204"],
        "language": "en-US",
        "actions": [
            {"type": "answer"},
            {"type": "recording_start"},
            {"type": "sleep", "option": {"duration": 1000}},
            {"type": "recording_stop"},
            {"type": "recording_start", "option": {"duration": 1}},
            {"type": "sleep", "option": {"duration": 600_000}},
        ],
    },
}

NO_ID = "00000000-0000-0000-0000-000000000000"
PIECE = SAMPLE_RATE // 2

Sound = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


@dataclass(frozen=True)
class Recorded:
    """A call that was recorded: the conversation, the recording's row and its two channels."""

    conversation: Conversation
    row: dict[str, Any]
    left: Sound
    right: Sound

    def in_recording(self, moment: float) -> float:
        """Seconds after the recording's begin, of a moment that counts from the script's first sample."""
        began = self.conversation.began - parse_timestamp(self.row["tm_start"])
        return moment + began.total_seconds()


def read_sound(path: Path | io.BytesIO) -> Sound:
    with wave.open(str(path) if isinstance(path, Path) else path) as file:
        assert (file.getframerate(), file.getsampwidth()) == (SAMPLE_RATE, 2)
        pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float64)
        return pcm.reshape(-1, file.getnchannels())


def find_in(sound: Sound, part: Sound) -> tuple[float, float]:
    """Where `part` is in `sound`, in seconds, and how alike it is there (1 = the same)."""
    size = 1 << (len(sound) + len(part)).bit_length()
    product = np.fft.irfft(np.fft.rfft(sound, size) * np.conj(np.fft.rfft(part, size)), size)[: len(sound)]
    at = int(np.argmax(product))
    there = sound[at : at + len(part)]
    alike = product[at] / np.sqrt((there**2).sum() * (part[: len(there)] ** 2).sum())
    return at / SAMPLE_RATE, float(alike)


async def page_rows(instance: Instance, transcribe_id: str) -> list[dict[str, Any]]:
    page = await instance.get("/transcripts", transcribe_id=transcribe_id, page_size="100")
    return sorted(page["result"], key=lambda row: int(row["offset_ms"]))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def recording() -> AsyncIterator[Instance]:
    async with open_instance(FLOWS) as instance:
        yield instance


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def recorded(recording: Instance, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    script = write_script(english_files()[1::7][:3], tmp_path_factory.mktemp("speech") / "recorded.wav")
    conversation = await hold(recording, "7201", script, "recorded")
    [recording_id] = conversation.call["recording_ids"]
    row = await recording.get(f"/recordings/{recording_id}")
    both = read_sound(recording.home / "recordings" / f"{recording_id}.wav")
    return Recorded(conversation, row, both[:, 0], both[:, 1])


async def test_the_recording_is_complete_when_the_call_has_ended(recording: Instance, recorded: Recorded) -> None:
    row = recorded.row
    assert row["status"] == "ended"
    assert (row["reference_type"], row["reference_id"]) == ("call", recorded.conversation.call["id"])
    types = [
        event["type"]
        for event in recording.events
        if event["data"]["id"] in {row["id"], recorded.conversation.call["id"]} and event["type"] != "call_updated"
    ]
    assert types.index("recording_started") < types.index("recording_finished") < types.index("call_hangup")
    assert types[-1] == "call_hangup"
    seconds = (parse_timestamp(row["tm_end"]) - parse_timestamp(row["tm_start"])).total_seconds()
    assert len(recorded.left) / SAMPLE_RATE == pytest.approx(seconds, abs=0.001)
    folder = recording.home / "recordings"
    for part, channel in (("in", recorded.left), ("out", recorded.right)):
        assert (read_sound(folder / f"{row['id']}_{part}.wav")[:, 0] == channel).all()


async def test_the_callers_voice_is_left_at_its_time(recorded: Recorded) -> None:
    """In pieces of half a second: a machine that is busy makes Asterisk put a frame of silence between two of them."""
    lags: list[float] = []
    for said in recorded.conversation.script.said:
        voice = np.frombuffer(read_samples(said.path), "<i2").astype(np.float64)
        begin = recorded.in_recording(said.start - voiced_span(read_samples(said.path))[1])
        assert find_in(recorded.right, voice)[1] < 0.3, "the other side does not have it"
        for start in range(0, len(voice) - PIECE, PIECE):
            piece = voice[start : start + PIECE]
            first = round((begin - 0.5) * SAMPLE_RATE) + start
            at, alike = find_in(recorded.left[max(0, first) : first + PIECE + SAMPLE_RATE], piece)
            if alike > 0.9:
                lags.append(at - 0.5 + min(0, first) / -SAMPLE_RATE)
    pieces = sum(len(read_samples(said.path)) // 2 // PIECE for said in recorded.conversation.script.said)
    print(f"{len(lags)} of {pieces} pieces, off by {min(lags):.3f} to {max(lags):.3f} s")
    assert len(lags) >= 0.7 * pieces
    assert np.abs(np.median(lags)) < 0.15


async def test_the_recording_is_transcribed_by_direction(recording: Instance, recorded: Recorded) -> None:
    asked = {"reference_type": "recording", "reference_id": recorded.row["id"], "language": "en-US"}
    code, transcribe = await recording.post("/transcribes", asked)
    assert code == 200, transcribe
    assert (transcribe["status"], transcribe["reference_type"]) == ("progressing", "recording")
    await recording.wait_for(
        lambda it: any(data["id"] == transcribe["id"] for data in it.of_type("transcribe_done")), 60, "transcribe_done"
    )
    code, again = await recording.post("/transcribes", asked)
    assert (code, again["id"], again["status"]) == (200, transcribe["id"], "done")
    rows = await page_rows(recording, transcribe["id"])
    told = [row for row in recording.of_type("transcript_created") if row["transcribe_id"] == transcribe["id"]]
    assert {row["id"] for row in told} == {row["id"] for row in rows}

    said = recorded.conversation.script.said
    model = ModelLibrary(read_settings().install_dir).resolve("en-US")
    direct = await asyncio.to_thread(decode_directly, model, [each.path for each in said])
    references = [normalise(" ".join(each.text for each in said))]
    heard = {
        way: normalise(" ".join(row["message"] for row in rows if row["direction"] == way)) for way in ("in", "out")
    }
    by_recording = word_error_rate(references, [heard["in"]])
    by_engine = word_error_rate(references, [normalise(" ".join(direct[each.path] for each in said))])
    print(f"word error rate of the recording {by_recording:.3f}, of the engine alone {by_engine:.3f}")
    assert by_recording <= by_engine + 0.04
    assert word_error_rate([normalise(PROMPT)], [heard["out"]]) <= 0.25, heard["out"]

    # What was transcribed live tells when each side spoke: the recording says the same of both sides.
    live = recorded.conversation
    for way in ("in", "out"):
        first = min(live.direction(way), key=lambda row: int(row["offset_ms"]))
        expected = recorded.in_recording(live.moment(first))
        at = min(row["offset_ms"] for row in rows if row["direction"] == way) / 1000
        print(f"{way}: live {expected:.3f} s, recording {at:.3f} s")
        assert abs(at - expected) < 0.15


async def test_the_flow_that_follows_runs(recording: Instance, recorded: Recorded) -> None:
    def has_followed(instance: Instance) -> bool:
        followed = (data for data in instance.of_type("activeflow_created") if data["reference_type"] == "recording")
        return any(data["reference_id"] == recorded.row["id"] for data in followed)

    await recording.wait_for(has_followed, 5, "the on_end flow")


async def test_a_message_ends_with_silence_after_the_tone(recording: Instance, tmp_path: Path) -> None:
    spoken = english_files()[0]
    script = write_script([spoken], tmp_path / "message.wav", lead_seconds=1.0)
    plan = CallPlan(recording.sip_uri("7202"), say=script.wav, user="message", stay_seconds=20)
    async with calling(recording, plan) as call:
        row = await finished(recording, call["id"], 20)
        current = await recording.get(f"/calls/{call['id']}")
        assert current["status"] == "progressing"
        assert current["recording_id"] == NO_ID
        assert current["recording_ids"] == [row["id"]]
    length = (parse_timestamp(row["tm_end"]) - parse_timestamp(row["tm_start"])).total_seconds()
    assert 2 < length < script.said[-1].end + 2 + 2
    left = read_sound(recording.home / "recordings" / f"{row['id']}_in.wav")[:, 0]
    voice = np.frombuffer(read_samples(spoken[0]), "<i2").astype(np.float64)
    # In pieces, as above.
    assert np.median([find_in(left, voice[at : at + PIECE])[1] for at in range(0, len(voice) - PIECE, PIECE)]) > 0.9
    out = read_sound(recording.home / "recordings" / f"{row['id']}_out.wav")[:, 0]
    assert np.abs(out).max() < 200, "the tone is not recorded"


async def test_the_api_starts_and_ends_recordings(recording: Instance) -> None:
    plan = CallPlan(recording.sip_uri("7203"), say=english_files()[0][0], user="by-api", stay_seconds=30)
    async with calling(recording, plan) as call:
        path = f"/calls/{call['id']}"
        for wrong in ({"format": "flac"}, {"duration": -1}, {"end_of_key": "x"}, {"end_of_silence": "long"}):
            code, body = await recording.post(f"{path}/recording_start", wrong)
            assert (code, body["error"]["details"][0]["field"]) == (400, next(iter(wrong))), body
        code, body = await recording.post(f"{path}/recording_stop")
        assert (code, body["error"]["reason"]) == (409, "RECORDING_NOT_ACTIVE")
        code, body = await recording.post(f"{path}/recording_start", {"format": "wav", "on_end_flow_id": ""})
        assert code == 200, body
        first = body["recording_id"]
        assert first != NO_ID
        row = await recording.get(f"/recordings/{first}")
        assert row["status"] == "recording"
        asked = {"reference_type": "recording", "reference_id": first, "language": "en-US"}
        code, body = await recording.post("/transcribes", asked)
        assert (code, body["error"]["reason"]) == (409, "STATE_INVALID")
        code, body = await recording.post(f"{path}/recording_start", {})
        assert (code, body["error"]["reason"]) == (409, "RECORDING_ALREADY_ACTIVE")
        code, body = await recording.delete(f"/recordings/{first}")
        assert code == 409, body
        code, body = await recording.post(f"{path}/recording_stop")
        assert (code, body["recording_id"], body["recording_ids"]) == (200, NO_ID, [first]), body
        assert (await recording.get(f"/recordings/{first}"))["status"] == "ended"
        async with recording.session.get(f"{recording.api}/recordingfiles/{first}") as reply:
            assert reply.status == 200
            assert read_sound(io.BytesIO(await reply.read())).shape[1] == 2
        code, body = await recording.delete(f"/recordings/{first}")
        assert code == 200, body
        assert not list((recording.home / "recordings").glob(f"{first}*"))


async def test_a_flow_records_pieces(recording: Instance) -> None:
    plan = CallPlan(recording.sip_uri("7204"), say=english_files()[0][0], user="pieces", stay_seconds=30)
    async with calling(recording, plan) as call:

        def pieces(instance: Instance) -> list[dict[str, Any]]:
            return [data for data in instance.of_type("recording_finished") if data["reference_id"] == call["id"]]

        await recording.wait_for(lambda it: len(pieces(it)) == 2, 10, "two recordings")
        first, second = pieces(recording)
    lengths = [len(read_sound(recording.home / "recordings" / f"{row['id']}.wav")) for row in (first, second)]
    assert lengths[0] == pytest.approx(SAMPLE_RATE, abs=SAMPLE_RATE / 2)  # stopped by the flow when it has its turn
    assert lengths[1] == SAMPLE_RATE


async def test_a_conference_is_recorded_as_a_mix(recording: Instance) -> None:
    one, other = english_files()[1], english_files()[4]
    code, room = await recording.post("/conferences", {"id": ROOM_ID, "name": "room", "type": "conference"})
    assert code == 200, room
    path = f"/conferences/{ROOM_ID}"
    code, body = await recording.post(f"{path}/recording_stop")
    assert (code, body["error"]["reason"]) == (409, "RECORDING_NOT_ACTIVE")
    code, body = await recording.post(f"{path}/recording_start", {})
    assert code == 200, body
    recording_id = body["recording_id"]
    assert recording_id != NO_ID, "an empty room can be recorded"
    plans = [
        CallPlan(recording.sip_uri("7205"), say=path, user=f"member{n}", delay_seconds=delay, stay_seconds=0.5)
        for n, (path, delay) in enumerate(((one[0], 2.0), (other[0], 4.0)))
    ]
    await asyncio.gather(*(talk(plan) for plan in plans))
    code, body = await recording.post(f"{path}/recording_stop")
    assert (code, body["recording_id"], body["recording_ids"]) == (200, NO_ID, [recording_id]), body
    row = await recording.get(f"/recordings/{recording_id}")
    assert (row["reference_type"], row["reference_id"], row["status"]) == ("confbridge", ROOM_ID, "ended")
    mix = read_sound(recording.home / "recordings" / f"{recording_id}.wav")
    assert mix.shape[1] == 1
    seconds = (parse_timestamp(row["tm_end"]) - parse_timestamp(row["tm_start"])).total_seconds()
    assert len(mix) / SAMPLE_RATE == pytest.approx(seconds, abs=0.001)
    for path_, _ in (one, other):
        voice = np.frombuffer(read_samples(path_), "<i2").astype(np.float64)
        found = [find_in(mix[:, 0], voice[at : at + PIECE])[1] for at in range(0, len(voice) - PIECE, PIECE)]
        print(f"{path_.name}: pieces alike {sorted(round(each, 2) for each in found)}")
        assert np.percentile(found, 80) > 0.6, "the voice is in the mix, with the other one over parts of it"
    asked = {"reference_type": "recording", "reference_id": recording_id, "language": "en-US"}
    code, transcribe = await recording.post("/transcribes", asked)
    assert code == 200, transcribe
    await recording.wait_for(
        lambda it: any(data["id"] == transcribe["id"] for data in it.of_type("transcribe_done")), 60, "transcribe_done"
    )
    rows = await page_rows(recording, transcribe["id"])
    assert rows
    assert {each["direction"] for each in rows} == {"in"}
    code, body = await recording.delete(path)
    assert code == 200, body


async def talk(plan: CallPlan) -> None:
    async with open_caller(plan) as caller:
        await caller.finish()


async def test_nothing_is_left(recording: Instance, recorded: Recorded) -> None:
    residue = await recording.residue()
    assert residue == {"channels": [], "bridges": [], "calls": 0, "transcribes": 0}
    assert "error" not in [line.split("[")[1].split("]")[0].strip() for line in await log_lines(recording)]


async def log_lines(instance: Instance) -> list[str]:
    return [line for line in (await instance.log_text()).splitlines() if " [" in line and "part=recording" in line]


async def finished(instance: Instance, call_id: str, seconds: float) -> dict[str, Any]:
    """Wait for the end of the call's recording."""

    def found(instance: Instance) -> list[dict[str, Any]]:
        return [data for data in instance.of_type("recording_finished") if data["reference_id"] == call_id]

    await instance.wait_for(found, seconds, "recording_finished")
    return found(instance)[0]


@asynccontextmanager
async def calling(instance: Instance, plan: CallPlan) -> AsyncIterator[dict[str, Any]]:
    """Within this context the caller is in a call, which is answered; it is hung up after it."""

    def answered(instance: Instance) -> list[dict[str, Any]]:
        return [data for data in instance.of_type("call_progressing") if data["source"]["target"] == plan.user]

    def ended(instance: Instance) -> bool:
        return any(data["source"]["target"] == plan.user for data in instance.of_type("call_hangup"))

    async with open_caller(plan):
        await instance.wait_for(answered, 8, "call_progressing")
        yield answered(instance)[0]
    await instance.wait_for(ended, 8, "call_hangup")
