"""What the API and flows ask of recordings, fulfilled."""

import asyncio
from pathlib import Path

from app.call.live_calls import LiveCalls
from app.domain.recording import Recording, RecordingRequest
from app.domain.transcribe import Direction
from app.errors import NotFound, Unavailable
from app.flow.ports import TranscribedRecording
from app.recording.recordings import Recordings
from app.store.store import Store
from app.transcribe.recording_job import RecordingTranscribes
from app.transcribe.request import TranscribeRequest

MOST_TRANSCRIBE_SECONDS = 4 * 3600.0
"""How long a flow waits for the transcript of one recording: recordings are decoded one after the other."""


class ApiRecordings:
    """Recordings for the API."""

    def __init__(self, recordings: Recordings, store: Store) -> None:
        self._recordings = recordings
        self._store = store

    async def delete(self, customer_id: str, recording_id: str) -> Recording:
        """Delete a recording and its files; StateInvalid while it goes on."""
        stored = await self._store.recordings.get(customer_id, recording_id)
        if stored is None or stored.tm_delete is not None:
            raise NotFound("recording", recording_id)
        return await self._recordings.delete(stored)

    def file(self, recording: Recording, part: str) -> Path | None:
        """Return the file of `part` ("" = both sides, "in", "out"); None when there is none (yet)."""
        return self._recordings.file(recording, part)


class FlowRecordingTranscribes:
    """Transcribes recordings for flows (RecordingTranscribeControl)."""

    def __init__(self, transcribes: RecordingTranscribes, store: Store) -> None:
        self._transcribes = transcribes
        self._store = store

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
        """Transcribe an ended recording; returns when that is done, with the whole text."""
        recording = await self._store.recordings.get(customer_id, recording_id)
        if recording is None or recording.tm_delete is not None:
            raise NotFound("recording", recording_id)
        request = TranscribeRequest(
            language=language,
            direction=direction,
            provider=provider,
            on_end_flow_id=on_end_flow_id,
            activeflow_id=activeflow_id,
        )
        started = await self._transcribes.start(recording, request)
        try:
            async with asyncio.timeout(MOST_TRANSCRIBE_SECONDS):
                await self._transcribes.wait_done(started.id)
        except TimeoutError:
            raise Unavailable(
                f"the recording {recording_id} was not transcribed within {MOST_TRANSCRIBE_SECONDS:g} s"
            ) from None
        rows = await self._store.transcripts.list_of(started.id)
        done = await self._store.transcribes.get(customer_id, started.id) or started
        return TranscribedRecording(done, "\n".join(row.message for row in rows))


class FlowRecordings:
    """Starts and ends recordings for flows."""

    def __init__(self, recordings: Recordings, live_calls: LiveCalls) -> None:
        self._recordings = recordings
        self._live_calls = live_calls

    async def start(self, call_id: str, request: RecordingRequest) -> Recording:
        """Record a live call; returns when both directions are heard."""
        call = self._live_calls.require(call_id)
        return await self._recordings.start_call(call, request)

    async def wait_end(self, recording_id: str) -> None:
        """Return when a recording has ended."""
        await self._recordings.wait_end(recording_id)

    async def stop(self, call_id: str) -> object:
        """End the call's recording; one that has ended is no error."""
        recording = self._recordings.find_of(call_id)
        return await self._recordings.stop(recording.id) if recording is not None else None
