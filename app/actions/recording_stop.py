"""The action `recording_stop`."""

from app.flow.action import NEVER, ActionContext, LegState, Next, NoOptions, Outcome, action


@action(
    "recording_stop",
    options=NoOptions,
    needs=LegState.ALIVE,
    fails=NEVER,
)
async def recording_stop(context: ActionContext, options: NoOptions) -> Outcome:
    """Stop the recording of the call, whoever started it; the flow goes on when its files are complete.

    Where nothing is recorded the flow just goes on.
    """
    if context.ports.recordings is not None:
        await context.ports.recordings.stop(context.call.record.id)
    return Next()
