"""The action `amd`."""

from typing import Literal

from pydantic import Field

from app.domain.call import AnsweredBy, HangupReason
from app.flow.action import ActionContext, ActionFailed, ActionOptions, LegState, Next, Outcome, Stop, action
from app.flow.ports import SoundControl

ANSWERED_BY = "voipbin.call.amd"


class AmdOptions(ActionOptions):
    """What is done where a machine has answered."""

    machine_handle: Literal["continue", "hangup"] = Field(
        "continue", description='"hangup" = a call that a machine has answered ends, with the reason amd'
    )
    is_async: bool = Field(False, alias="async", description="Whether the flow goes on while it listens")


@action(
    "amd",
    options=AmdOptions,
    needs=LegState.ANSWERED,
    is_blocking=True,
    example={"machine_handle": "hangup", "async": False},
    fails="the call's sound cannot be had (no free port)",
)
async def amd(context: ActionContext, options: AmdOptions) -> Outcome:
    """Find out whether a human or an answering machine has answered; put it first in the flow of an outgoing call.

    It listens to the first seconds: a greeting of more than 2.5 s or a beep is a machine, a short greeting and then
    silence is a human; nothing within 4 s is unsure. Sets the variable `voipbin.call.amd` to human, machine or unsure.
    """
    sounds = context.ports.sounds
    if sounds is None:
        raise ActionFailed("this flow runs where no sound can be had")
    if options.is_async:
        context.background.start(_listen_aside(context, sounds, options), action_type=context.action.type)
        return Next()
    is_over = await _listen(context, sounds, options)
    return Stop(HangupReason.AMD) if is_over else Next()


async def _listen(context: ActionContext, sounds: SoundControl, options: AmdOptions) -> bool:
    """Set the variable; tell whether the call is to end."""
    context.variables.set_system({ANSWERED_BY: ""})
    answered_by = await sounds.detect_answer(context.call.record.id)
    context.variables.set_system({ANSWERED_BY: answered_by.value})
    return answered_by is AnsweredBy.MACHINE and options.machine_handle == "hangup"


async def _listen_aside(context: ActionContext, sounds: SoundControl, options: AmdOptions) -> None:
    if await _listen(context, sounds, options):
        await context.call.hang_up(HangupReason.AMD)
