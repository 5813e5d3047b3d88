"""Transcribes in the store."""

from datetime import datetime

from sqlalchemy import ColumnElement, select

from app.domain.transcribe import ReferenceType, Transcribe, TranscribeStatus
from app.store.resource_table import MAX_PAGE_SIZE, ResourceTable
from app.store.schema import TRANSCRIBES


class Transcribes(ResourceTable[Transcribe]):
    """All transcribes, done ones too."""

    table = TRANSCRIBES
    kind = Transcribe
    word = "transcribe"

    async def list(
        self,
        customer_id: str,
        *,
        page_size: int = MAX_PAGE_SIZE,
        before: datetime | None = None,
        reference_type: ReferenceType | None = None,
        reference_id: str | None = None,
    ) -> tuple[Transcribe, ...]:
        """Return one page, newest first, made before `before`, of the reference that is given."""
        where: tuple[ColumnElement[bool], ...] = (TRANSCRIBES.c.customer_id == customer_id,)
        if reference_type is not None:
            where += (TRANSCRIBES.c.reference_type == reference_type,)
        if reference_id is not None:
            where += (TRANSCRIBES.c.reference_id == reference_id,)
        return await self._page(*where, page_size=page_size, before=before)

    async def list_progressing(self) -> tuple[Transcribe, ...]:
        """Return the transcribes of all customers that still listen, oldest first."""
        progressing = TRANSCRIBES.c.status == TranscribeStatus.PROGRESSING
        return await self._all(select(TRANSCRIBES).where(progressing).order_by(TRANSCRIBES.c.tm_create))

    async def find_of(self, reference_id: str, language: str) -> Transcribe | None:
        """Return the newest transcribe of this reference in this language that is not deleted, done ones too."""
        columns = TRANSCRIBES.c
        of_it = select(TRANSCRIBES).where(
            columns.reference_id == reference_id, columns.language == language, columns.tm_delete.is_(None)
        )
        return await self._first(of_it.order_by(columns.tm_create.desc()))
