"""The action `fetch_flow`."""

from pydantic import Field

from app.errors import NotFound
from app.flow.action import ActionContext, ActionFailed, ActionOptions, OnFailure, Outcome, Push, action
from app.flow.option_types import RequiredFlow


class FetchFlowOptions(ActionOptions):
    """Which flow."""

    flow_id: RequiredFlow = Field(description="The flow (UUID or file name) whose actions are run")


@action(
    "fetch_flow",
    options=FetchFlowOptions,
    needs=None,
    on_failure=OnFailure.END,
    example={"flow_id": "opening-hours"},
    fails="there is no such flow of yours, or this would be one stack of actions too many (a flow that fetches itself)",
)
async def fetch_flow(context: ActionContext, options: FetchFlowOptions) -> Outcome:
    """Run the actions of another flow of the same customer, then go on; a flow that is not there ends this one."""
    flows = context.ports.reach.flows
    if flows is None:
        raise ActionFailed("this flow runs where there are no other flows")
    flow = await flows.find(context.customer_id, options.flow_id)
    if flow is None:
        raise NotFound("flow", options.flow_id)
    return Push(flow.actions, flow.id)
