"""The action `variable_set`."""

from typing import Annotated

from pydantic import Field

from app.flow.action import ActionContext, ActionOptions, Next, Outcome, action
from app.flow.option_types import VariableKeyMark


class VariableSetOptions(ActionOptions):
    """Which variable, and what it holds."""

    key: Annotated[str, VariableKeyMark()] = Field(min_length=1, description="The variable's name, without ${}")
    value: str = Field(description="Its value; ${name} in it is replaced first")


@action(
    "variable_set",
    options=VariableSetOptions,
    needs=None,
    example={"key": "greeting", "value": "Hello ${voipbin.call.source.name}"},
)
async def variable_set(context: ActionContext, options: VariableSetOptions) -> Outcome:
    """Set a variable of this activeflow to the value as it is now; other actions read it as ${key}."""
    context.variables.set(options.key, options.value)
    return Next()
