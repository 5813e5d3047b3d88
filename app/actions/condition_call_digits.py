"""The action `condition_call_digits`."""

from pydantic import Field

from app.flow.action import ActionContext, ActionOptions, Jump, LegState, Next, OnFailure, Outcome, action
from app.flow.option_types import ActionTarget
from app.flow.variables import DIGITS


class ConditionCallDigitsOptions(ActionOptions):
    """What the digits must have: one of the two is enough."""

    length: int = Field(0, ge=0, le=1000, description="How many digits are enough; 0 = their number does not matter")
    key: str = Field("", max_length=100, description="Digits that are enough where they stand in them; empty = none")
    false_target_id: ActionTarget = Field(description="The id or name of the action to go on with where it is false")


@action(
    "condition_call_digits",
    options=ConditionCallDigitsOptions,
    needs=LegState.ALIVE,
    on_failure=OnFailure.END,
    example={"length": 4, "false_target_id": "again"},
    fails="the false target, which came out of a variable, is no action of this flow",
)
async def condition_call_digits(context: ActionContext, options: ConditionCallDigitsOptions) -> Outcome:
    """Go on with the next action where the party has pressed enough digits, or `key`, else with `false_target_id`.

    It looks at the variable `voipbin.call.digits` and leaves it as it is.
    """
    digits = context.variables.get(DIGITS)
    is_enough = 0 < options.length <= len(digits)
    has_key = bool(options.key) and options.key in digits
    return Next() if is_enough or has_key else Jump(options.false_target_id)
