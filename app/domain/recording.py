"""A recording as data (contract 4.4)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.domain.ids import ZERO_ID
from app.domain.transcribe import ReferenceType

RECORDING_FORMATS = {"wav": "audio/wav", "mp3": "audio/mpeg", "ogg": "audio/ogg"}
"""The formats of a recording's whole file, and their media types."""


class RecordingStatus(StrEnum):
    """Where a recording is in its life."""

    INITIATING = "initiating"
    RECORDING = "recording"
    STOPPING = "stopping"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class RecordingRequest:
    """What was asked for. Zeros and "" mean no such end; `duration` and `end_of_silence` in seconds.

    `end_of_key` is none, any, or one of 0-9 * #; `beep_start` plays a tone to the party first.
    """

    format: str = "wav"
    end_of_silence: int = 0
    end_of_key: str = "none"
    duration: int = 0
    beep_start: bool = False
    on_end_flow_id: str = ZERO_ID
    activeflow_id: str = ZERO_ID


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording of a call (`in` and `out` apart) or of a conference (the mix).

    `filenames` lie in the recordings folder of the state folder: of a call `<id>_in.wav`, `<id>_out.wav` and
    `<id>.wav`, which has both (left = in, right = out). 8 kHz, 16 bit. With another `format` there is `<id>.mp3` or
    `<id>.ogg` too, which is what clients get as the whole.
    """

    id: str
    customer_id: str
    reference_type: ReferenceType
    reference_id: str
    status: RecordingStatus
    tm_create: datetime
    tm_update: datetime
    format: str = "wav"
    owner_type: str = ""
    owner_id: str = ZERO_ID
    activeflow_id: str = ZERO_ID
    on_end_flow_id: str = ZERO_ID
    filenames: tuple[str, ...] = ()
    tm_start: datetime | None = None
    tm_end: datetime | None = None
    tm_delete: datetime | None = None
