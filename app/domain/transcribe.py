"""A transcribe as data: the resource that listens to a call (contract 4.5), and one that could not be begun."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.domain.ids import ZERO_ID


class Direction(StrEnum):
    """Which side is meant: `in` = what the leg's party says, `out` = what it hears; `both` only in requests."""

    IN = "in"
    OUT = "out"
    BOTH = "both"

    @property
    def parts(self) -> "tuple[Direction, ...]":
        """The single directions that this one stands for."""
        return (Direction.IN, Direction.OUT) if self is Direction.BOTH else (self,)


class TranscribeStatus(StrEnum):
    """`progressing` while it listens, `done` once its last transcript is stored."""

    PROGRESSING = "progressing"
    DONE = "done"


class ReferenceType(StrEnum):
    """What a transcribe listens to."""

    CALL = "call"
    CONFBRIDGE = "confbridge"
    RECORDING = "recording"


@dataclass(frozen=True, slots=True)
class Transcribe:
    """One transcribe. `language` is a canonical BCP 47 tag; `engine` and `model` say what decodes it."""

    id: str
    customer_id: str
    reference_type: ReferenceType
    reference_id: str
    status: TranscribeStatus
    language: str
    direction: Direction
    engine: str
    model: str
    tm_create: datetime
    tm_update: datetime
    activeflow_id: str = ZERO_ID
    on_end_flow_id: str = ZERO_ID
    provider: str = ""
    tm_delete: datetime | None = None


@dataclass(frozen=True, slots=True)
class TranscribeRefusal:
    """A transcribe of a flow, or the hearing of one member of a conference, that could not be begun: no text of it.

    `reason` is the code of the error (RECOGNITION_OVERLOADED, LANGUAGE_NOT_INSTALLED ...), `message` says it in words.
    `transcribe_id` is the conference's transcribe, which goes on without that member; ZERO_ID for a call.
    """

    id: str
    customer_id: str
    reference_type: ReferenceType
    reference_id: str
    language: str
    direction: Direction
    reason: str
    message: str
    tm_create: datetime
    activeflow_id: str = ZERO_ID
    transcribe_id: str = ZERO_ID
    conferencecall_id: str = ZERO_ID
    is_retried: bool = False
    """Whether Callscribe tries again by itself."""
