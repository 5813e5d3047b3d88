"""The action `echo`."""

from pydantic import Field

from app.flow.action import ActionContext, ActionFailed, ActionOptions, LegState, Next, Outcome, action

MAX_DURATION_MS = 24 * 3600 * 1000


class EchoOptions(ActionOptions):
    """How long."""

    duration: int = Field(
        180_000, ge=0, le=MAX_DURATION_MS, description="How long the party hears itself, in milliseconds"
    )


async def echo_call(context: ActionContext, options: EchoOptions) -> Outcome:
    """Let the party hear itself until the time is up."""
    if context.ports.sounds is None:
        raise ActionFailed("this flow runs where no sound can be had")
    await context.ports.sounds.echo(context.call.record.id, seconds=options.duration / 1000)
    return Next()


@action(
    "echo",
    options=EchoOptions,
    needs=LegState.ANSWERED,
    is_blocking=True,
    example={"duration": 30000},
    fails="the call's sound cannot be had (no free port)",
)
async def echo(context: ActionContext, options: EchoOptions) -> Outcome:
    """Let the party hear itself until the time is up; to try a line, a headset, a delay.

    What it hears comes back the way that all sound takes here, so its transcripts of direction `out` say it again.
    """
    return await echo_call(context, options)
