"""The action `stop`."""

from app.flow.action import NEVER, ActionContext, NoOptions, OnFailure, Outcome, Stop, action


@action(
    "stop",
    options=NoOptions,
    needs=None,
    on_failure=OnFailure.END,
    is_final=True,
    fails=NEVER,
)
async def stop(context: ActionContext, options: NoOptions) -> Outcome:
    """End the flow; its call is hung up with the reason normal."""
    return Stop()
