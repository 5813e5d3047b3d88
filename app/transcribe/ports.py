"""What transcribing needs from the store."""

from typing import Protocol

from app.domain.transcribe import Transcribe
from app.domain.transcript import Transcript


class TranscribeRows(Protocol):
    """Rows of transcribes."""

    async def insert(self, item: Transcribe, /) -> Transcribe:
        """Store a new transcribe; as it is stored (its `tm_create` is its place in lists, so it is unique)."""

    async def update(self, item: Transcribe, /) -> None:
        """Replace the stored transcribe of the same id."""


class TranscriptRows(Protocol):
    """Rows of transcripts."""

    async def insert(self, item: Transcript, /) -> Transcript:
        """Store a new transcript, durably, before anyone hears of it; as it is stored."""
