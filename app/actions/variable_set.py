"""The action `variable_set`."""

from typing import Annotated

from pydantic import AfterValidator, Field

from app.flow.action import ActionContext, ActionOptions, Next, Outcome, action
from app.flow.option_types import VariableKeyMark
from app.flow.variables import MAX_VALUE_BYTES


def _fits(text: str) -> str:
    if len(text.encode("utf-8", "replace")) > MAX_VALUE_BYTES:
        raise ValueError(f"at most {MAX_VALUE_BYTES} bytes")
    return text


class VariableSetOptions(ActionOptions):
    """Which variable, and what it holds."""

    key: Annotated[str, VariableKeyMark()] = Field(min_length=1, description="The variable's name, without ${}")
    value: Annotated[str, AfterValidator(_fits)] = Field(
        description=f"Its value, {MAX_VALUE_BYTES} bytes at most; ${{name}} in it is replaced first"
    )


@action(
    "variable_set",
    options=VariableSetOptions,
    needs=None,
    example={"key": "greeting", "value": "Hello ${voipbin.call.source.name}"},
    fails="the flow has 100 variables of its own already, the value is longer than 32 KB, or all of them "
    "together than 64 KB; the variable stays as it was",
)
async def variable_set(context: ActionContext, options: VariableSetOptions) -> Outcome:
    """Set a variable of this activeflow to the value as it is now; other actions read it as ${key}."""
    context.variables.set(options.key, options.value)
    return Next()
