"""A flow as JSON (contract 5)."""

from app.domain.flow import StoredFlow
from app.domain.timestamps import format_timestamp
from app.wire.action import ActionBody, action_body
from app.wire.forms import Body, Id, Timestamp, timestamp_or_never


class FlowBody(Body):
    """A flow: a list of actions."""

    id: Id
    customer_id: Id
    type: str = "flow"
    name: str
    detail: str
    actions: tuple[ActionBody, ...]
    direct_hash: str
    on_complete_flow_id: Id
    tm_create: Timestamp
    tm_update: Timestamp
    tm_delete: Timestamp


def flow_body(flow: StoredFlow) -> FlowBody:
    """Return the JSON body of a flow."""
    return FlowBody(
        id=flow.id,
        customer_id=flow.customer_id,
        name=flow.name,
        detail=flow.detail,
        actions=tuple(action_body(action) for action in flow.actions),
        direct_hash=flow.direct_hash,
        on_complete_flow_id=flow.on_complete_flow_id,
        tm_create=format_timestamp(flow.tm_create),
        tm_update=format_timestamp(flow.tm_update),
        tm_delete=timestamp_or_never(flow.tm_delete),
    )
