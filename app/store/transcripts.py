"""Transcripts in the store: what was said, with its words."""

from datetime import datetime

from sqlalchemy import RowMapping, select

from app.domain.transcript import Transcript
from app.store.resource_table import MAX_PAGE_SIZE, ResourceTable, Row
from app.store.schema import TRANSCRIPTS

_COLUMNS = {"offset": "offset_us", "duration": "duration_us"}
"""Fields whose columns say their unit."""


class Transcripts(ResourceTable[Transcript]):
    """All final utterances. They are listed by their transcribe."""

    table = TRANSCRIPTS
    kind = Transcript
    word = "transcript"
    owner = "transcribe_id"

    def to_row(self, item: Transcript) -> Row:
        """Return the columns of a transcript."""
        fields = {column: field for field, column in _COLUMNS.items()}
        names = (column.name for column in TRANSCRIPTS.columns)
        return {name: getattr(item, fields.get(name, name)) for name in names}

    def from_row(self, row: RowMapping) -> Transcript:
        """Return the transcript that the columns stand for."""
        fields = dict(row)
        return Transcript(**{field: fields.pop(column) for field, column in _COLUMNS.items()}, **fields)

    async def list(
        self, transcribe_id: str, *, page_size: int = MAX_PAGE_SIZE, before: datetime | None = None
    ) -> tuple[Transcript, ...]:
        """Return one page of the transcripts of a transcribe, newest first, made before `before`."""
        return await self._page(TRANSCRIPTS.c.transcribe_id == transcribe_id, page_size=page_size, before=before)

    async def list_of(self, transcribe_id: str) -> tuple[Transcript, ...]:
        """Return all transcripts of a transcribe in the order in which they were said."""
        columns = TRANSCRIPTS.c
        of_it = select(TRANSCRIPTS).where(columns.transcribe_id == transcribe_id, columns.tm_delete.is_(None))
        return await self._all(of_it.order_by(columns.offset_us, columns.tm_create))
