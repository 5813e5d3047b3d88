"""Transcripts in the store: what was said, with its words."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping

from app.domain.transcribe import Direction
from app.domain.transcript import Transcript, Word
from app.store.resource_table import MAX_PAGE_SIZE, ResourceTable, Row
from app.store.schema import TRANSCRIPTS

_MICROSECOND = timedelta(microseconds=1)


class Transcripts(ResourceTable[Transcript]):
    """All final utterances. They are listed by their transcribe."""

    table = TRANSCRIPTS
    word = "transcript"
    owner = "transcribe_id"

    def to_row(self, item: Transcript) -> Row:
        """Return the columns of a transcript; words as `[word, start_us, end_us, confidence]`."""
        return {
            "id": item.id,
            "customer_id": item.customer_id,
            "transcribe_id": item.transcribe_id,
            "direction": item.direction.value,
            "message": item.message,
            "offset_us": item.offset,
            "duration_us": item.duration,
            "engine": item.engine,
            "model": item.model,
            "confidence": item.confidence,
            "words": None if item.words is None else [_word_to_json(word) for word in item.words],
            "tm_create": item.tm_create,
            "tm_delete": item.tm_delete,
        }

    def from_row(self, row: RowMapping) -> Transcript:
        """Return the transcript that the columns stand for."""
        words = row["words"]
        return Transcript(
            id=row["id"],
            customer_id=row["customer_id"],
            transcribe_id=row["transcribe_id"],
            direction=Direction(row["direction"]),
            message=row["message"],
            offset=row["offset_us"],
            duration=row["duration_us"],
            engine=row["engine"],
            model=row["model"],
            confidence=row["confidence"],
            words=None if words is None else tuple(_word_from_json(word) for word in words),
            tm_create=row["tm_create"],
            tm_delete=row["tm_delete"],
        )

    async def list(
        self, transcribe_id: str, *, page_size: int = MAX_PAGE_SIZE, before: datetime | None = None
    ) -> tuple[Transcript, ...]:
        """Return one page of the transcripts of a transcribe, newest first, made before `before`."""
        return await self._page(TRANSCRIPTS.c.transcribe_id == transcribe_id, page_size=page_size, before=before)


def _word_to_json(word: Word) -> Sequence[Any]:
    return [word.word, word.start // _MICROSECOND, word.end // _MICROSECOND, word.confidence]


def _word_from_json(stored: Sequence[Any]) -> Word:
    text, start_us, end_us, confidence = stored
    return Word(text, timedelta(microseconds=start_us), timedelta(microseconds=end_us), confidence)
