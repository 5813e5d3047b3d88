"""Transcribes for the API, and the languages that they can be in."""

from __future__ import annotations

from collections.abc import Sequence

from app.api.ports import OfferedLanguage
from app.call.conferences import Conferences
from app.call.live_calls import LiveCalls
from app.domain.ids import ZERO_ID
from app.domain.transcribe import Direction, ReferenceType, Transcribe
from app.errors import (
    NotFound,
    StateInvalid,
)
from app.speech.model_library import ModelLibrary
from app.store.store import Store
from app.transcribe.recording_job import RecordingTranscribes
from app.transcribe.request import TranscribeRequest
from app.transcribe.transcribes import Transcribes


class ApiTranscribes:
    """Transcribes for the API."""

    def __init__(
        self,
        *,
        transcribes: Transcribes,
        recording_transcribes: RecordingTranscribes,
        live_calls: LiveCalls,
        conferences: Conferences,
        store: Store,
    ) -> None:
        self._transcribes = transcribes
        self._recording_transcribes = recording_transcribes
        self._live_calls = live_calls
        self._conferences = conferences
        self._store = store

    async def start(
        self,
        *,
        customer_id: str,
        reference_type: ReferenceType,
        reference_id: str,
        language: str,
        direction: Direction,
        on_end_flow_id: str,
        provider: str,
        end_of_silence_ms: int | None,
    ) -> Transcribe:
        """Start to transcribe a live call, a conference or an ended recording of this customer."""
        request = TranscribeRequest(
            language=language,
            direction=direction,
            provider=provider,
            on_end_flow_id=on_end_flow_id or ZERO_ID,
            end_of_silence_ms=end_of_silence_ms,
        )
        if reference_type is ReferenceType.RECORDING:
            return await self._start_recording(customer_id, reference_id, request)
        if reference_type is ReferenceType.CONFBRIDGE:
            return await self._start_conference(customer_id, reference_id, request)
        call = self._live_calls.find(reference_id)
        if call is None or call.record.customer_id != customer_id:
            stored = await self._store.calls.get(customer_id, reference_id)
            if stored is None:
                raise NotFound("call", reference_id)
            raise StateInvalid(
                f"the call is {stored.status}; only a call that is progressing can be transcribed",
                status=str(stored.status),
            )
        return await self._transcribes.start(call, request)

    async def stop(self, transcribe_id: str) -> Transcribe:
        """End a transcribe after its last words; the record as it is stored then."""
        stopped = await self._transcribes.stop(transcribe_id) or await self._recording_transcribes.stop(transcribe_id)
        if stopped is not None:
            return stopped
        stored = await self._store.transcribes.get_by_id(transcribe_id)
        if stored is None:
            raise NotFound("transcribe", transcribe_id)
        return stored

    async def delete(self, transcribe_id: str) -> Transcribe:
        """Stop it where it listens, then delete it and its transcripts."""
        await self._recording_transcribes.stop(transcribe_id)
        return await self._transcribes.delete(transcribe_id)

    async def _start_recording(self, customer_id: str, recording_id: str, request: TranscribeRequest) -> Transcribe:
        recording = await self._store.recordings.get(customer_id, recording_id)
        if recording is None or recording.tm_delete is not None:
            raise NotFound("recording", recording_id)
        return await self._recording_transcribes.start(recording, request)

    async def _start_conference(self, customer_id: str, conference_id: str, request: TranscribeRequest) -> Transcribe:
        stored = await self._store.conferences.get(customer_id, conference_id)
        if stored is None or stored.tm_delete is not None:
            raise NotFound("conference", conference_id)
        conference = await self._conferences.find(conference_id)
        if conference is None:
            raise StateInvalid(f"the conference is {stored.status}", status=str(stored.status))
        return await self._transcribes.start_conference(conference, request)


def offer_languages(library: ModelLibrary) -> Sequence[OfferedLanguage]:
    """The rows of `GET /v1.0/languages`."""
    return [
        OfferedLanguage(row.code, row.engine, row.model, is_installed=row.is_installed) for row in library.languages()
    ]
