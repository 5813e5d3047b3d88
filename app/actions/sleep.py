"""The action `sleep`."""

from asyncio import sleep as wait

from pydantic import Field

from app.flow.action import NEVER, ActionContext, ActionOptions, LegState, Next, Outcome, action

MAX_DURATION_MS = 24 * 3600 * 1000


class SleepOptions(ActionOptions):
    """How long."""

    duration: int = Field(ge=0, le=MAX_DURATION_MS, description="How long the flow waits, in milliseconds")


@action(
    "sleep",
    options=SleepOptions,
    needs=LegState.ALIVE,
    is_blocking=True,
    example={"duration": 30000},
    fails=NEVER,
)
async def sleep(context: ActionContext, options: SleepOptions) -> Outcome:
    """Wait; the call goes on in silence, and what runs beside the flow (transcribes) goes on too."""
    await wait(options.duration / 1000)
    return Next()
