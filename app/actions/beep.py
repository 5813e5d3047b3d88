"""The action `beep`."""

from app.domain.call import PlayOutcome
from app.flow.action import ActionContext, ActionFailed, LegState, Next, NoOptions, Outcome, action


@action(
    "beep",
    options=NoOptions,
    needs=LegState.ALIVE,
    is_blocking=True,
    fails="Asterisk cannot play the tone",
)
async def beep(context: ActionContext, options: NoOptions) -> Outcome:
    """Play a short tone to the party; it does not answer the call."""
    if await context.call.play([context.ports.prompts.beep()]) is PlayOutcome.FAILED:
        raise ActionFailed("Asterisk could not play the beep")
    return Next()
