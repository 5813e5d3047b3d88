"""Recordings in the store; their files lie in the state folder."""

from sqlalchemy import select

from app.domain.recording import Recording, RecordingStatus
from app.store.resource_table import ResourceTable
from app.store.schema import RECORDINGS


class Recordings(ResourceTable[Recording]):
    """All recordings, ended ones too."""

    table = RECORDINGS
    kind = Recording
    word = "recording"

    async def list_live(self) -> tuple[Recording, ...]:
        """Return the recordings of all customers that have not ended, oldest first."""
        live = RECORDINGS.c.status != RecordingStatus.ENDED
        return await self._all(select(RECORDINGS).where(live).order_by(RECORDINGS.c.tm_create))
