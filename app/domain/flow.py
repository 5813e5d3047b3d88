"""A flow as data: a list of actions, and one execution of it (contract 8)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from app.domain.ids import ZERO_ID


@dataclass(frozen=True, slots=True)
class Action:
    """One step. `next_id` = ZERO_ID means the following one; `option` is what its author wrote, not yet expanded."""

    id: str
    type: str
    option: Mapping[str, object] = field(default_factory=dict)
    next_id: str = ZERO_ID


@dataclass(frozen=True, slots=True)
class Flow:
    """A checked flow. `name_key` is its identity: the file's name without `.json`."""

    id: str
    name_key: str
    name: str
    actions: tuple[Action, ...]
    detail: str = ""
    numbers: tuple[str, ...] = ()
    language: str = ""


class ActiveflowStatus(StrEnum):
    """Whether an execution goes on."""

    RUNNING = "running"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Activeflow:
    """One execution of a flow for a call; the cursor is `current_action`, persisted at every step."""

    id: str
    customer_id: str
    flow_id: str
    status: ActiveflowStatus
    reference_type: str
    reference_id: str
    tm_create: datetime
    tm_update: datetime
    current_action: Action | None = None
    executed_actions: tuple[Action, ...] = ()
    tm_delete: datetime | None = None
