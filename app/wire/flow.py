"""A flow as JSON (contract 5)."""

from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import Field

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


class FlowWarningBody(Body):
    """What is most likely not as the author of a flow wants it; it refuses nothing."""

    field: str = Field(description="The place in the body that was sent", examples=["actions.2.option.text"])
    path: str = Field(description="The place as a JSON path", examples=["$.actions[2].option.text"])
    severity: Literal["warning"] = "warning"
    message: str = Field(description="What was found, and what was expected")


class SavedFlowBody(FlowBody):
    """A flow as it was saved, and what its check found beside errors. `warnings` are in no other answer."""

    warnings: tuple[FlowWarningBody, ...] = Field(
        description="What the check of the `actions` that were sent found: unreachable actions, loops that only the "
        "end of the call ends, variables that nothing sets, languages without a model, words that no model knows"
    )


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


def saved_flow_body(flow: StoredFlow, warnings: Sequence[Mapping[str, object]]) -> SavedFlowBody:
    """Return the JSON body of a flow that was just saved, with the warnings as the API tells findings."""
    told = tuple(FlowWarningBody.model_validate(each) for each in warnings)
    return SavedFlowBody(**dict(flow_body(flow)), warnings=told)
