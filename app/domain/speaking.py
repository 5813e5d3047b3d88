"""A speaking as data: a voice in a live call that says what it is sent, over whatever runs (contract 5)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class SpeakingStatus(StrEnum):
    """Where a speaking is in its life."""

    ACTIVE = "active"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Speaking:
    """One voice in a call; it lives no longer than the call."""

    id: str
    customer_id: str
    reference_type: str
    reference_id: str
    language: str
    status: SpeakingStatus
    tm_create: datetime
    tm_update: datetime
    provider: str = ""
    voice_id: str = ""
    direction: str = "out"
    tm_delete: datetime | None = None
