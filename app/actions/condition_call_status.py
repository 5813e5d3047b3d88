"""The action `condition_call_status`."""

from typing import Literal

from pydantic import Field

from app.flow.action import ActionContext, ActionOptions, Jump, LegState, Next, OnFailure, Outcome, action
from app.flow.option_types import ActionTarget

Status = Literal["dialing", "ringing", "progressing", "terminating", "canceling", "hangup"]


class ConditionCallStatusOptions(ActionOptions):
    """Which status."""

    status: Status = Field(description="The status that the call must have")
    false_target_id: ActionTarget = Field(description="The id or name of the action to go on with where it is false")


@action(
    "condition_call_status",
    options=ConditionCallStatusOptions,
    needs=LegState.ALIVE,
    on_failure=OnFailure.END,
    example={"status": "progressing", "false_target_id": "not-answered"},
    fails="the false target, which came out of a variable, is no action of this flow",
)
async def condition_call_status(context: ActionContext, options: ConditionCallStatusOptions) -> Outcome:
    """Go on with the next action where the call has this status now, else with `false_target_id`."""
    return Next() if context.call.record.status.value == options.status else Jump(options.false_target_id)
