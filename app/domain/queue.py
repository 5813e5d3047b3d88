"""Queues, where callers wait for an agent, and the callers' stays in them (contract 5)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.domain.ids import ZERO_ID


class RoutingMethod(StrEnum):
    """Which of the free agents is rung: any (`random`), or the one who has been free for longest (`longest_idle`)."""

    RANDOM = "random"
    LONGEST_IDLE = "longest_idle"


@dataclass(frozen=True, slots=True)
class Queue:
    """Callers wait here for an agent who has one of the tags; without tags every agent of the customer serves.

    `wait_timeout` and `service_timeout` in milliseconds, 0 = none. Change it with `dataclasses.replace`.
    """

    id: str
    customer_id: str
    name: str
    tm_create: datetime
    tm_update: datetime
    detail: str = ""
    routing_method: RoutingMethod = RoutingMethod.RANDOM
    tag_ids: tuple[str, ...] = ()
    wait_flow_id: str = ZERO_ID
    wait_timeout: int = 0
    service_timeout: int = 0
    tm_delete: datetime | None = None


class QueuecallStatus(StrEnum):
    """Where a caller is on its way through a queue."""

    INITIATING = "initiating"
    WAITING = "waiting"
    CONNECTING = "connecting"
    KICKING = "kicking"
    SERVICE = "service"
    DONE = "done"
    ABANDONED = "abandoned"

    @property
    def is_over(self) -> bool:
        """Whether the stay has ended."""
        return self in {QueuecallStatus.DONE, QueuecallStatus.ABANDONED}


@dataclass(frozen=True, slots=True)
class Queuecall:
    """One call's stay in a queue; `reference_id` is the call. Time-outs and durations in milliseconds."""

    id: str
    customer_id: str
    queue_id: str
    reference_id: str
    status: QueuecallStatus
    tm_create: datetime
    tm_update: datetime
    reference_type: str = "call"
    activeflow_id: str = ZERO_ID
    service_agent_id: str = ZERO_ID
    """The agent who is rung or talks with the caller; the last one who was."""
    timeout_wait: int = 0
    timeout_service: int = 0
    duration_waiting: int = 0
    duration_service: int = 0
    tm_service: datetime | None = None
    tm_end: datetime | None = None
    tm_delete: datetime | None = None
