from dataclasses import replace

import pytest

from app.domain.ids import ZERO_ID, new_id
from app.domain.recording import Recording, RecordingRequest, RecordingStatus
from app.domain.timestamps import now
from app.domain.transcribe import ReferenceType
from app.errors import RecordingAlreadyActive
from app.flow.flow_ids import to_flow_id
from tests.unit.flow.doubles import CUSTOMER_ID, Stage, check, types

ANSWER = {"type": "answer"}


class ScriptedRecordings:
    """Records one call at a time."""

    def __init__(self) -> None:
        self.asked: list[RecordingRequest] = []
        self.live: list[Recording] = []
        self.stopped: list[str] = []
        self.waited: list[str] = []

    async def start(self, call_id: str, request: RecordingRequest) -> Recording:
        if self.live:
            raise RecordingAlreadyActive("the call is being recorded already")
        self.asked.append(request)
        moment = now()
        recording = Recording(
            new_id(),
            CUSTOMER_ID,
            ReferenceType.CALL,
            call_id,
            RecordingStatus.RECORDING,
            moment,
            moment,
            filenames=("a_in.wav", "a_out.wav", "a.wav"),
        )
        self.live.append(recording)
        return recording

    async def wait_end(self, recording_id: str) -> None:
        self.waited.append(recording_id)

    async def stop(self, call_id: str) -> object:
        self.stopped.append(call_id)
        self.live.clear()
        return None


class RecordingStage(Stage):
    def __init__(self) -> None:
        super().__init__()
        self.recordings = ScriptedRecordings()
        self.ports = replace(self.ports, recordings=self.recordings)


async def test_recording_start_passes_its_options_and_sets_variables() -> None:
    stage = RecordingStage()
    option = {
        "format": "wav",
        "end_of_silence": "${s}",
        "end_of_key": "#",
        "duration": 120,
        "beep_start": True,
        "on_end_flow_id": "after",
    }
    names = ("id", "reference_type", "reference_id", "format", "recording_name", "filenames")
    show = {"type": "talk", "option": {"text": " ".join(f"${{voipbin.recording.{name}}}" for name in names)}}
    ended = await stage.run(
        ANSWER,
        {"type": "variable_set", "option": {"key": "s", "value": "7"}},
        {"type": "recording_start", "option": option},
        show,
    )
    assert types(ended) == ["answer", "variable_set", "recording_start", "talk"]
    [asked] = stage.recordings.asked
    assert asked == RecordingRequest("wav", 7, "#", 120, True, to_flow_id("after"), ended.id)
    [recording] = stage.recordings.live
    text = f"{recording.id} call {stage.call.record.id} wav call_{recording.id} a_in.wav,a_out.wav,a.wav"
    assert stage.call.done[1] == ("play", f"sound:http://app/en-US/{text}")


@pytest.mark.parametrize("option", [{}, {"format": "", "end_of_key": "", "on_end_flow_id": "", "duration": 0}])
async def test_recording_start_defaults(option: dict[str, object]) -> None:
    stage = RecordingStage()
    ended = await stage.run(ANSWER, {"type": "recording_start", "option": option})
    assert stage.recordings.asked == [RecordingRequest("wav", 0, "none", 0, False, ZERO_ID, ended.id)]


@pytest.mark.parametrize(
    ("option", "place"),
    [
        ({"format": "flac"}, "format"),
        ({"end_of_key": "x"}, "end_of_key"),
        ({"end_of_key": "12"}, "end_of_key"),
        ({"duration": -1}, "duration"),
        ({"duration": 86_401}, "duration"),
        ({"end_of_silence": -1}, "end_of_silence"),
        ({"beep_start": "loud"}, "beep_start"),
    ],
)
def test_recording_start_refuses(option: dict[str, object], place: str) -> None:
    checked = check({"language": "en-US", "actions": [ANSWER, {"type": "recording_start", "option": option}]})
    assert checked.flow is None
    assert place in str(checked.findings[0])


async def test_recording_start_needs_an_answered_call() -> None:
    stage = RecordingStage()
    ended = await stage.run({"type": "recording_start"}, ANSWER)
    assert types(ended) == ["recording_start", "answer"]
    assert stage.recordings.asked == []


async def test_recording_start_twice_goes_on() -> None:
    stage = RecordingStage()
    ended = await stage.run(ANSWER, {"type": "recording_start"}, {"type": "recording_start"}, {"type": "beep"})
    assert types(ended)[-1] == "beep"
    assert len(stage.recordings.asked) == 1


async def test_recording_start_where_nothing_can_be_recorded() -> None:
    stage = Stage()
    ended = await stage.run(ANSWER, {"type": "recording_start"}, {"type": "recording_stop"}, {"type": "beep"})
    assert types(ended) == ["answer", "recording_start", "recording_stop", "beep"]


async def test_recording_stop_ends_the_calls_recording() -> None:
    stage = RecordingStage()
    await stage.run(ANSWER, {"type": "recording_start"}, {"type": "recording_stop"}, {"type": "recording_start"})
    assert stage.recordings.stopped == [stage.call.record.id]
    assert len(stage.recordings.asked) == 2


async def test_recording_start_can_wait_for_its_end() -> None:
    stage = RecordingStage()
    await stage.run(ANSWER, {"type": "recording_start"})
    assert stage.recordings.waited == []
    stage.recordings.live.clear()
    await stage.run(ANSWER, {"type": "recording_start", "option": {"wait": True, "format": "ogg"}})
    assert stage.recordings.waited == [stage.recordings.live[0].id]
    assert stage.recordings.asked[-1].format == "ogg"
