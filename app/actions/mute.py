"""The action `mute`."""

from typing import Literal

from pydantic import Field

from app.domain.call import MuteDirection
from app.flow.action import ActionContext, ActionOptions, LegState, Next, Outcome, action


class MuteOptions(ActionOptions):
    """What is muted."""

    direction: Literal["in", "out", "both"] = Field(
        "both", description='"in" = what the party says is not heard, "out" = it hears nothing, "both" = either'
    )
    is_on: bool = Field(True, description="false = no longer muted in that direction")


@action(
    "mute",
    options=MuteOptions,
    needs=LegState.ANSWERED,
    example={"direction": "in", "is_on": True},
    fails="Asterisk does not mute the call",
)
async def mute(context: ActionContext, options: MuteOptions) -> Outcome:
    """Mute the party, or take that back; it stays so until then, also in what the flow does next."""
    await context.call.mute(MuteDirection(options.direction), is_on=options.is_on)
    return Next()
