"""The action `transcribe_stop`."""

from app.flow.action import NEVER, ActionContext, LegState, Next, NoOptions, Outcome, action


@action(
    "transcribe_stop",
    options=NoOptions,
    needs=LegState.ALIVE,
    fails=NEVER,
)
async def transcribe_stop(context: ActionContext, options: NoOptions) -> Outcome:
    """Stop the transcribes that this flow has started; one that the API started goes on.

    The flow goes on when their last transcripts are stored.
    """
    while context.transcribe_ids:
        await context.ports.transcribes.stop(context.transcribe_ids.pop())
    return Next()
