"""The action `condition_variable`."""

import re
from decimal import Decimal
from typing import Literal

from pydantic import Field

from app.flow.action import ActionContext, ActionOptions, Jump, Next, OnFailure, Outcome, action
from app.flow.comparison import Condition, compare
from app.flow.option_types import ActionTarget
from app.flow.variable_name import VariableName, name_variable
from app.flow.variables import MAX_VALUE_BYTES

_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?", re.ASCII)


class ConditionVariableOptions(ActionOptions):
    """What is compared with what."""

    condition: Condition = Field(description="How the variable (left) is compared with the value (right)")
    variable: VariableName = Field(description="The variable: its name, or ${name}")
    value_type: Literal["string", "number", "length"] = Field(
        "string", description="As what it is compared: a text, a number, or by how many characters it has"
    )
    value_string: str = Field("", max_length=MAX_VALUE_BYTES, description='The value where value_type is "string"')
    value_number: int | float = Field(0, allow_inf_nan=False, description='The value where value_type is "number"')
    value_length: int = Field(0, ge=0, le=MAX_VALUE_BYTES, description='The value where value_type is "length"')
    false_target_id: ActionTarget = Field(description="The id or name of the action to go on with where it is false")


@action(
    "condition_variable",
    options=ConditionVariableOptions,
    needs=None,
    on_failure=OnFailure.END,
    example={
        "condition": "==",
        "variable": "voipbin.call.source.target",
        "value_type": "string",
        "value_string": "+821012345678",
        "false_target_id": "strangers",
    },
    fails="the false target, which came out of a variable, is no action of this flow",
)
async def condition_variable(context: ActionContext, options: ConditionVariableOptions) -> Outcome:
    """Go on with the next action where a variable compares as told, else with `false_target_id`.

    A variable that holds no number is never true as a number. Texts are compared character by character (Unicode).
    """
    value = context.variables.get(name_variable(context, options.variable))
    return Next() if _holds(value, options) else Jump(options.false_target_id)


def _holds(value: str, options: ConditionVariableOptions) -> bool:
    match options.value_type:
        case "string":
            return compare(value, options.condition, options.value_string)
        case "length":
            return compare(len(value), options.condition, options.value_length)
        case "number":
            number = _NUMBER.fullmatch(value.strip())
            # Decimal: a telephone number has more digits than a float keeps.
            return number is not None and compare(
                Decimal(number[0]), options.condition, Decimal(str(options.value_number))
            )
