"""What the API and flows ask of recordings, fulfilled."""

from pathlib import Path

from app.call.live_calls import LiveCalls
from app.domain.recording import Recording, RecordingRequest
from app.errors import NotFound
from app.recording.recordings import Recordings
from app.store.store import Store


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


class FlowRecordings:
    """Starts and ends recordings for flows."""

    def __init__(self, recordings: Recordings, live_calls: LiveCalls) -> None:
        self._recordings = recordings
        self._live_calls = live_calls

    async def start(self, call_id: str, request: RecordingRequest) -> Recording:
        """Record a live call; returns when both directions are heard."""
        call = self._live_calls.find(call_id)
        if call is None:
            raise NotFound("call", call_id)
        return await self._recordings.start_call(call, request)

    async def stop(self, call_id: str) -> object:
        """End the call's recording; one that has ended is no error."""
        recording = self._recordings.find_of(call_id)
        return await self._recordings.stop(recording.id) if recording is not None else None
