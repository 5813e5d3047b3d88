"""A conference and its members as data (contract 4.1, 4.2)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from app.domain.ids import ZERO_ID


class ConferenceType(StrEnum):
    """`conference` stays with nobody in it; `connect` ends when the other party leaves; `queue` is a queue's."""

    CONFERENCE = "conference"
    CONNECT = "connect"
    QUEUE = "queue"


class ConferenceStatus(StrEnum):
    """Where a conference is in its life."""

    STARTING = "starting"
    PROGRESSING = "progressing"
    TERMINATING = "terminating"
    TERMINATED = "terminated"


@dataclass(frozen=True, slots=True)
class Conference:
    """A room that calls join. `timeout` in seconds from its making, 0 = none. Change it with `dataclasses.replace`."""

    id: str
    customer_id: str
    type: ConferenceType
    status: ConferenceStatus
    name: str
    tm_create: datetime
    tm_update: datetime
    detail: str = ""
    data: Mapping[str, object] = field(default_factory=dict)
    timeout: int = 0
    pre_flow_id: str = ZERO_ID
    post_flow_id: str = ZERO_ID
    conferencecall_ids: tuple[str, ...] = ()
    recording_id: str = ZERO_ID
    recording_ids: tuple[str, ...] = ()
    transcribe_id: str = ZERO_ID
    transcribe_ids: tuple[str, ...] = ()
    direct_hash: str = ""
    tm_end: datetime | None = None
    tm_delete: datetime | None = None


class ConferencecallStatus(StrEnum):
    """Where a member is on its way through a conference."""

    JOINING = "joining"
    JOINED = "joined"
    LEAVING = "leaving"
    LEAVED = "leaved"


@dataclass(frozen=True, slots=True)
class Conferencecall:
    """One call's stay in a conference; `reference_id` is the call."""

    id: str
    customer_id: str
    conference_id: str
    reference_id: str
    status: ConferencecallStatus
    tm_create: datetime
    tm_update: datetime
    activeflow_id: str = ZERO_ID
    reference_type: str = "call"
    tm_delete: datetime | None = None
