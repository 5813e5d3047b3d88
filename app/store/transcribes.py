"""Transcribes in the store."""

from datetime import datetime

from sqlalchemy import ColumnElement, RowMapping, select

from app.domain.transcribe import Direction, ReferenceType, Transcribe, TranscribeStatus
from app.store.resource_table import MAX_PAGE_SIZE, ResourceTable, Row
from app.store.schema import TRANSCRIBES


class Transcribes(ResourceTable[Transcribe]):
    """All transcribes, done ones too."""

    table = TRANSCRIBES
    word = "transcribe"

    def to_row(self, item: Transcribe) -> Row:
        """Return the columns of a transcribe."""
        return {
            "id": item.id,
            "customer_id": item.customer_id,
            "reference_type": item.reference_type.value,
            "reference_id": item.reference_id,
            "status": item.status.value,
            "language": item.language,
            "direction": item.direction.value,
            "engine": item.engine,
            "model": item.model,
            "activeflow_id": item.activeflow_id,
            "on_end_flow_id": item.on_end_flow_id,
            "provider": item.provider,
            "tm_create": item.tm_create,
            "tm_update": item.tm_update,
            "tm_delete": item.tm_delete,
        }

    def from_row(self, row: RowMapping) -> Transcribe:
        """Return the transcribe that the columns stand for."""
        return Transcribe(
            **{
                **row,
                "reference_type": ReferenceType(row["reference_type"]),
                "status": TranscribeStatus(row["status"]),
                "direction": Direction(row["direction"]),
            }
        )

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
            where += (TRANSCRIBES.c.reference_type == reference_type.value,)
        if reference_id is not None:
            where += (TRANSCRIBES.c.reference_id == reference_id,)
        return await self._page(*where, page_size=page_size, before=before)

    async def list_progressing(self) -> tuple[Transcribe, ...]:
        """Return the transcribes of all customers that still listen, oldest first."""
        progressing = TRANSCRIBES.c.status == TranscribeStatus.PROGRESSING.value
        return await self._all(select(TRANSCRIBES).where(progressing).order_by(TRANSCRIBES.c.tm_create))
