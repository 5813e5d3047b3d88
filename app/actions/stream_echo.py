"""The action `stream_echo`."""

from app.actions.echo import EchoOptions, echo_call
from app.flow.action import ActionContext, LegState, Outcome, action


@action(
    "stream_echo",
    options=EchoOptions,
    needs=LegState.ANSWERED,
    is_blocking=True,
    example={"duration": 30000},
    fails="the call's sound cannot be had (no free port)",
)
async def stream_echo(context: ActionContext, options: EchoOptions) -> Outcome:
    """Let the party hear itself until the time is up: the same as `echo`, because calls here have one stream, sound."""
    return await echo_call(context, options)
