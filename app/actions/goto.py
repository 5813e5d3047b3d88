"""The action `goto`."""

from pydantic import Field

from app.flow.action import ActionContext, ActionOptions, Jump, Next, OnFailure, Outcome, action
from app.flow.option_types import ActionTarget


class GotoOptions(ActionOptions):
    """Where to, and how often."""

    target_id: ActionTarget = Field(description="The id or name of the action to go on with")
    loop_count: int = Field(
        0, description="How many times it jumps; after that, or at 0 or less, the flow just goes on"
    )


@action(
    "goto",
    options=GotoOptions,
    needs=None,
    on_failure=OnFailure.END,
    example={"target_id": "menu", "loop_count": 2},
    fails="the target, which came out of a variable, is no action of this flow",
)
async def goto(context: ActionContext, options: GotoOptions) -> Outcome:
    """Go on with another action, `loop_count` times in this activeflow; after that it falls through."""
    if context.jumps[context.action.id] >= options.loop_count:
        return Next()
    context.jumps[context.action.id] += 1
    return Jump(options.target_id)
