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
    """A checked flow. `name_key` is a file's identity: its name without `.json`; of a stored flow it is the id."""

    id: str
    name_key: str
    name: str
    actions: tuple[Action, ...]
    detail: str = ""
    numbers: tuple[str, ...] = ()
    language: str = ""
    on_complete_flow_id: str = ZERO_ID


@dataclass(frozen=True, slots=True)
class StoredFlow:
    """A flow that was made over the API, or, `is_temporary`, one that came with a call's inline actions.

    `actions` are as the client wrote them but with ids. Temporary flows run once and are never listed.
    """

    id: str
    customer_id: str
    name: str
    actions: tuple[Action, ...]
    tm_create: datetime
    tm_update: datetime
    detail: str = ""
    direct_hash: str = ""
    on_complete_flow_id: str = ZERO_ID
    is_temporary: bool = False
    tm_delete: datetime | None = None

    @property
    def flow(self) -> Flow:
        """The flow as the executor runs it."""
        return Flow(
            self.id, self.id, self.name, self.actions, self.detail, on_complete_flow_id=self.on_complete_flow_id
        )


class ActiveflowStatus(StrEnum):
    """Whether an execution goes on."""

    RUNNING = "running"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Activeflow:
    """One execution of a flow; the cursor is `current_action`, persisted at every step.

    `reference_type` is call, api, transcribe, recording or activeflow. `complete_count` is how many flows were
    chained before this one by on_complete and on_end (contract 8, at most 5).
    """

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
    reference_activeflow_id: str = ZERO_ID
    on_complete_flow_id: str = ZERO_ID
    complete_count: int = 0
    webhook_uri: str = ""
    webhook_method: str = ""
    tm_delete: datetime | None = None
