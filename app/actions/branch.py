"""The action `branch`."""

from typing import Annotated

from pydantic import Field

from app.flow.action import ActionContext, ActionFailed, ActionOptions, Jump, OnFailure, Outcome, action
from app.flow.option_types import TargetMark
from app.flow.variable_name import VariableName, name_variable
from app.flow.variables import DIGITS

MAX_TARGETS = 1000


class BranchOptions(ActionOptions):
    """Which variable decides, and where its values lead."""

    variable: VariableName = Field(DIGITS, description="The variable that decides: its name, or ${name}")
    default_target_id: Annotated[str, TargetMark()] = Field(
        "", description="The id or name of the action for every other value; empty = the flow ends there"
    )
    target_ids: Annotated[
        dict[str, Annotated[str, Field(min_length=1)]], Field(max_length=MAX_TARGETS), TargetMark()
    ] = Field({}, description="The id or name of an action for each value")


@action(
    "branch",
    options=BranchOptions,
    needs=None,
    on_failure=OnFailure.END,
    is_final=True,
    example={"target_ids": {"1": "sales", "2": "support"}, "default_target_id": "menu"},
    fails="the variable has a value without a target and there is no default_target_id, or the target, which "
    "came out of a variable, is no action of this flow",
)
async def branch(context: ActionContext, options: BranchOptions) -> Outcome:
    """Go on with the action that belongs to a variable's value; the variable is cleared, so it decides once.

    Without `variable` what the party pressed decides: `voipbin.call.digits`.
    """
    name = name_variable(context, options.variable) or DIGITS
    value = context.variables.get(name)
    context.variables.clear(name)
    if name == DIGITS and context.live_call is not None:
        context.live_call.digits.drop_shown()
    target = options.target_ids.get(value) or options.default_target_id
    if not target:
        raise ActionFailed(f"target_ids has no target for the value of {name}, and there is no default_target_id")
    return Jump(target)
