"""The few forms that all JSON bodies share: ids, timestamps, lengths of time, and the sentinel for "not yet"."""

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from app.domain.ids import ZERO_ID
from app.domain.timestamps import NEVER, format_timestamp

_MILLISECOND = timedelta(milliseconds=1)


class Body(BaseModel):
    """A JSON body that we send; its fields are in the order of the contract."""

    model_config = ConfigDict(frozen=True, serialize_by_alias=True)


Id = Annotated[str, Field(description="UUID; zeros where there is none", examples=[ZERO_ID])]
Timestamp = Annotated[str, Field(description="UTC, `YYYY-MM-DD HH:MM:SS.ffffff`", examples=[NEVER])]


def _is_unset(value: object) -> bool:
    return value is None


UnsetTimestamp = Annotated[Timestamp | None, Field(exclude_if=_is_unset)]
"""A timestamp whose key is absent until it happened, as calls have it (contract 0.2)."""


def timestamp_or_never(moment: datetime | None) -> str:
    """Return the timestamp, or the sentinel of year 9999 when it has not happened."""
    return NEVER if moment is None else format_timestamp(moment)


def timestamp_or_unset(moment: datetime | None) -> str | None:
    """Return the timestamp, or None when it has not happened."""
    return None if moment is None else format_timestamp(moment)


def milliseconds(length: timedelta) -> int:
    """Return whole milliseconds, rounded down; what lies before the start counts as zero, as in `tm_transcript`."""
    return max(0, length // _MILLISECOND)
