"""An activeflow as JSON (contract 5)."""

from app.domain.flow import Activeflow, ActiveflowStatus
from app.domain.ids import ZERO_ID
from app.domain.timestamps import format_timestamp
from app.wire.action import ActionBody, action_body
from app.wire.forms import Body, Id, Timestamp, timestamp_or_never


class ActiveflowBody(Body):
    """One execution of a flow."""

    id: Id
    customer_id: Id
    flow_id: Id
    status: ActiveflowStatus
    reference_type: str
    reference_id: Id
    reference_activeflow_id: Id
    on_complete_flow_id: Id
    webhook_uri: str
    webhook_method: str
    current_action: ActionBody
    forward_action_id: Id = ZERO_ID
    executed_actions: tuple[ActionBody, ...]
    tm_create: Timestamp
    tm_update: Timestamp
    tm_delete: Timestamp


def activeflow_body(activeflow: Activeflow) -> ActiveflowBody:
    """Return the JSON body of an activeflow."""
    return ActiveflowBody(
        id=activeflow.id,
        customer_id=activeflow.customer_id,
        flow_id=activeflow.flow_id,
        status=activeflow.status,
        reference_type=activeflow.reference_type,
        reference_id=activeflow.reference_id,
        reference_activeflow_id=activeflow.reference_activeflow_id,
        on_complete_flow_id=activeflow.on_complete_flow_id,
        webhook_uri=activeflow.webhook_uri,
        webhook_method=activeflow.webhook_method,
        current_action=action_body(activeflow.current_action),
        executed_actions=tuple(action_body(action) for action in activeflow.executed_actions),
        tm_create=format_timestamp(activeflow.tm_create),
        tm_update=format_timestamp(activeflow.tm_update),
        tm_delete=timestamp_or_never(activeflow.tm_delete),
    )
