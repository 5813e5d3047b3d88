"""What is heard of calls: recordings, transcribes, the sound itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from aiohttp import web

from app.domain.recording import Recording
from app.domain.transcribe import Direction, ReferenceType, Transcribe


class RecordingPort(Protocol):
    """Finished recordings."""

    async def delete(self, customer_id: str, recording_id: str) -> Recording:
        """Delete a recording and its files; StateInvalid while it goes on."""
        ...

    def file(self, recording: Recording, part: str) -> Path | None:
        """Return the file of `part` ("" = both sides, "in", "out"); None when there is none."""
        ...


class TranscribePort(Protocol):
    """The live transcribes."""

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
        """Start to transcribe a live call, a conference or an ended recording of this customer.

        `language` is a canonical tag. Raises NotFound, StateInvalid, TranscribeAlreadyProgressing,
        LanguageNotInstalled, InvalidArgument or Unavailable. A recording that has a transcribe in this language: that.
        """
        ...

    async def stop(self, transcribe_id: str) -> Transcribe:
        """End a progressing transcribe, its last words flushed, and return it as stored; idempotent."""
        ...

    async def delete(self, transcribe_id: str) -> Transcribe:
        """Stop it where it listens, then delete it and its transcripts, with an event for each."""
        ...


class MediaStreamPort(Protocol):
    """The sound of a call or a conference over a WebSocket, both ways."""

    async def serve(self, request: web.Request, reference_type: ReferenceType, reference_id: str) -> web.StreamResponse:
        """Serve until either side ends. `?encapsulation=` rtp, sln or audiosocket; InvalidArgument, StateInvalid."""
        ...

    async def close(self) -> None:
        """End all streams; called when the server begins to close."""
        ...


@dataclass(frozen=True, slots=True)
class OfferedLanguage:
    """A language that can be transcribed, or could be after an installation."""

    code: str
    engine: str
    model: str
    is_installed: bool
