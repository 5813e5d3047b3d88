"""The action `fetch_flow`."""

from pydantic import Field

from app.domain.ids import ZERO_ID
from app.errors import InvalidArgument, NotFound
from app.flow.action import ActionContext, ActionFailed, ActionOptions, OnFailure, Outcome, Push, action
from app.flow.option_types import FlowReference


class FetchFlowOptions(ActionOptions):
    """Which flow."""

    flow_id: FlowReference = Field(min_length=1, description="The flow (UUID or file name) whose actions are run")


@action(
    "fetch_flow",
    options=FetchFlowOptions,
    needs=None,
    on_failure=OnFailure.END,
    example={"flow_id": "opening-hours"},
)
async def fetch_flow(context: ActionContext, options: FetchFlowOptions) -> Outcome:
    """Run the actions of another flow of the same customer, then go on; a flow that is not there ends this one."""
    flows = context.ports.reach.flows
    if flows is None:
        raise ActionFailed("this flow runs where there are no other flows")
    if options.flow_id == ZERO_ID:
        raise InvalidArgument("option.flow_id", "is empty; expected a flow")
    flow = await flows.find(context.customer_id, options.flow_id)
    if flow is None:
        raise NotFound("flow", options.flow_id)
    return Push(flow.actions, flow.id)
