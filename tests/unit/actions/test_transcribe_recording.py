from dataclasses import replace
from typing import Any

import pytest

from app.domain.ids import new_id
from app.domain.timestamps import now
from app.domain.transcribe import Direction, ReferenceType, Transcribe, TranscribeStatus
from app.errors import Unavailable
from app.flow.activeflow import create_activeflow
from app.flow.executor import Executor
from app.flow.ports import TranscribedRecording
from tests.unit.flow.doubles import CUSTOMER_ID, REGISTRY, ScriptedCall, Stage, build

TELL = {"type": "talk", "option": {"text": "${voipbin.transcribe.text}"}}


class ScriptedRecordingTranscribes:
    """Every recording says its own id."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.error: Exception | None = None

    async def transcribe(self, customer_id: str, recording_id: str, **asked: Any) -> TranscribedRecording:
        if self.error is not None:
            raise self.error
        self.asked.append((recording_id, asked))
        moment = now()
        transcribe = Transcribe(
            id=new_id(),
            customer_id=customer_id,
            reference_type=ReferenceType.RECORDING,
            reference_id=recording_id,
            status=TranscribeStatus.DONE,
            language=asked["language"],
            direction=asked["direction"],
            engine="vosk",
            model="m",
            tm_create=moment,
            tm_update=moment,
        )
        return TranscribedRecording(transcribe, f"words of {recording_id}")


def open_stage(*recording_ids: str, live: str = "") -> tuple[Stage, ScriptedRecordingTranscribes]:
    call = ScriptedCall()
    call.record = replace(call.record, recording_ids=recording_ids, recording_id=live or call.record.recording_id)
    stage, port = Stage(call), ScriptedRecordingTranscribes()
    stage.ports = replace(stage.ports, recording_transcribes=port)
    return stage, port


async def test_the_recordings_of_the_call_in_turn_but_the_one_that_goes_on() -> None:
    stage, port = open_stage("r1", "r2", "r3", live="r3")
    option = {"language": "ko-KR", "direction": "in", "provider": "gcp"}
    await stage.run({"type": "transcribe_recording", "option": option}, TELL)
    assert [each for each, _ in port.asked] == ["r1", "r2"]
    asked = port.asked[0][1]
    assert (asked["language"], asked["direction"], asked["provider"]) == ("ko-KR", Direction.IN, "gcp")
    assert ("play", "sound:http://app/en-US/words of r1\nwords of r2") in stage.call.done


async def test_the_flows_language_by_default() -> None:
    stage, port = open_stage("r1")
    await stage.run({"type": "transcribe_recording"})
    assert port.asked[0][1]["language"] == "en-US"


@pytest.mark.parametrize("error", [None, Unavailable("too long")])
async def test_a_failure_is_survived(error: Exception | None) -> None:
    stage, port = open_stage(*(["r1"] if error else []))
    port.error = error
    await stage.run({"type": "transcribe_recording"}, {"type": "talk", "option": {"text": "on"}})
    assert ("play", "sound:http://app/en-US/on") in stage.call.done


async def test_in_a_flow_that_follows_a_recording_it_is_that_one() -> None:
    stage, port = open_stage()
    flow = build({"type": "transcribe_recording"})
    activeflow = create_activeflow(flow, stage.call.record)
    executor = Executor(REGISTRY, stage.ports)
    await executor.run(activeflow, flow, None, on_step=stage.on_step, inherited={"voipbin.recording.id": "r9"})
    assert [each for each, _ in port.asked] == ["r9"]
    assert activeflow.customer_id == CUSTOMER_ID
