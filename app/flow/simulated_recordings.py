"""Recordings of a simulated call: nothing is recorded, and what would be is told."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from app.domain.ids import ZERO_ID, new_id
from app.domain.recording import Recording, RecordingRequest, RecordingStatus
from app.domain.timestamps import now
from app.domain.transcribe import Direction, ReferenceType, Transcribe, TranscribeStatus
from app.errors import LanguageNotInstalled, RecordingAlreadyActive
from app.flow.ports import TranscribedRecording
from app.flow.script import Script
from app.flow.simulated_call import SimulatedCall, Tell
from app.flow.speech_facts import SpeechFacts


def make_transcribe(
    kind: ReferenceType, reference_id: str, language: str, direction: Direction, speech: SpeechFacts | None
) -> Transcribe:
    """Return the record of a transcribe; LanguageNotInstalled as in earnest."""
    if speech is not None and speech.explain_missing(language):
        raise LanguageNotInstalled(language)
    moment = now()
    return Transcribe(
        id=new_id(),
        customer_id=ZERO_ID,
        reference_type=kind,
        reference_id=reference_id,
        status=TranscribeStatus.PROGRESSING,
        language=language,
        direction=direction,
        engine="",
        model="",
        tm_create=moment,
        tm_update=moment,
    )


class SimulatedRecordings:
    """Records nothing (RecordingControl)."""

    def __init__(self, call: SimulatedCall, script: Script, tell: Tell) -> None:
        self._call = call
        self._script = script
        self._tell = tell
        self._request = RecordingRequest()

    async def start(self, call_id: str, request: RecordingRequest) -> Recording:
        """Tell that the recording begins; RecordingAlreadyActive where one goes on."""
        if self._call.record.recording_id != ZERO_ID:
            raise RecordingAlreadyActive("the call is being recorded already")
        moment, recording_id = now(), new_id()
        self._request = request
        self._call.record = replace(
            self._call.record,
            recording_id=recording_id,
            recording_ids=(*self._call.record.recording_ids, recording_id),
        )
        if request.beep_start:
            self._tell("the caller hears tone:beep")
        self._tell(f"the call is recorded from now on ({request.format})")
        names = [f"{recording_id}{part}.wav" for part in ("_in", "_out", "")]
        if request.format != "wav":
            names.append(f"{recording_id}.{request.format}")
        return Recording(
            id=recording_id,
            customer_id=ZERO_ID,
            reference_type=ReferenceType.CALL,
            reference_id=call_id,
            status=RecordingStatus.RECORDING,
            tm_create=moment,
            tm_update=moment,
            format=request.format,
            filenames=tuple(names),
        )

    async def wait_end(self, recording_id: str) -> None:
        """Let the party say the next thing, then end by the first end that the request has; for ever without one."""
        request = self._request
        spoken = await self._call.say_next()
        ends = [float(request.duration)] if request.duration else []
        if request.end_of_silence:
            ends.append(spoken + request.end_of_silence)
        if request.end_of_key != "none" and self._call.digits.is_next(request.end_of_key):
            await self._call.digits.take()
        elif ends:
            await asyncio.sleep(max(0.0, min(ends) - spoken))
        else:
            await asyncio.get_running_loop().create_future()
        await self.stop(self._call.record.id)

    async def stop(self, call_id: str) -> None:
        """Tell that it ends, where one goes on."""
        if self._call.record.recording_id != ZERO_ID:
            self._call.record = replace(self._call.record, recording_id=ZERO_ID)
            self._tell("the recording has ended")
            if self._request.on_end_flow_id != ZERO_ID:
                self._tell(f"the flow {self._script.name_flow(self._request.on_end_flow_id)} would follow")


class SimulatedRecordingTranscribes:
    """Transcribes what the party has said (RecordingTranscribeControl)."""

    def __init__(self, call: SimulatedCall, speech: SpeechFacts | None, tell: Tell) -> None:
        self._call = call
        self._speech = speech
        self._tell = tell

    async def transcribe(
        self,
        customer_id: str,
        recording_id: str,
        *,
        language: str,
        direction: Direction,
        provider: str,
        on_end_flow_id: str,
        activeflow_id: str,
    ) -> TranscribedRecording:
        """Return what the party has said until now, or a text that stands for it."""
        made = make_transcribe(ReferenceType.RECORDING, recording_id, language, direction, self._speech)
        self._tell(f"the recording is transcribed: {language}, {direction.value}")
        wanted = {each.value for each in direction.parts}
        text = "\n".join(line.text for line in self._call.lines if line.speaker in wanted)
        return TranscribedRecording(made, text or "What was said in the recording.")
