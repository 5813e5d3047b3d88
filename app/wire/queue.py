"""Queues and the stays of calls in them as JSON (contract 5)."""

from app.domain.queue import Queue, Queuecall, QueuecallStatus, RoutingMethod
from app.domain.timestamps import format_timestamp
from app.wire.forms import Body, Id, Timestamp, timestamp_or_never


class QueueBody(Body):
    """A queue; time-outs in milliseconds, 0 = none."""

    id: Id
    customer_id: Id
    name: str
    detail: str
    routing_method: RoutingMethod
    tag_ids: tuple[Id, ...]
    wait_flow_id: Id
    wait_timeout: int
    service_timeout: int
    tm_create: Timestamp
    tm_update: Timestamp
    tm_delete: Timestamp


class QueuecallBody(Body):
    """A call's stay in a queue; time-outs and durations in milliseconds."""

    id: Id
    customer_id: Id
    queue_id: Id
    activeflow_id: Id
    reference_type: str
    reference_id: Id
    status: QueuecallStatus
    service_agent_id: Id
    timeout_wait: int
    timeout_service: int
    duration_waiting: int
    duration_service: int
    tm_create: Timestamp
    tm_service: Timestamp
    tm_update: Timestamp
    tm_end: Timestamp
    tm_delete: Timestamp


def queue_body(queue: Queue) -> QueueBody:
    """Return the JSON body of a queue."""
    return QueueBody(
        id=queue.id,
        customer_id=queue.customer_id,
        name=queue.name,
        detail=queue.detail,
        routing_method=queue.routing_method,
        tag_ids=queue.tag_ids,
        wait_flow_id=queue.wait_flow_id,
        wait_timeout=queue.wait_timeout,
        service_timeout=queue.service_timeout,
        tm_create=format_timestamp(queue.tm_create),
        tm_update=format_timestamp(queue.tm_update),
        tm_delete=timestamp_or_never(queue.tm_delete),
    )


def queuecall_body(stay: Queuecall) -> QueuecallBody:
    """Return the JSON body of a call's stay in a queue."""
    return QueuecallBody(
        id=stay.id,
        customer_id=stay.customer_id,
        queue_id=stay.queue_id,
        activeflow_id=stay.activeflow_id,
        reference_type=stay.reference_type,
        reference_id=stay.reference_id,
        status=stay.status,
        service_agent_id=stay.service_agent_id,
        timeout_wait=stay.timeout_wait,
        timeout_service=stay.timeout_service,
        duration_waiting=stay.duration_waiting,
        duration_service=stay.duration_service,
        tm_create=format_timestamp(stay.tm_create),
        tm_service=timestamp_or_never(stay.tm_service),
        tm_update=format_timestamp(stay.tm_update),
        tm_end=timestamp_or_never(stay.tm_end),
        tm_delete=timestamp_or_never(stay.tm_delete),
    )
