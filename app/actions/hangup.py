"""The action `hangup`."""

from typing import Literal

from pydantic import Field

from app.domain.call import HangupReason
from app.flow.action import NEVER, ActionContext, ActionOptions, LegState, OnFailure, Outcome, Stop, action
from app.logs import get_log

log = get_log("actions")

Reason = Literal["normal", "busy", "noanswer", "dialout", "failed", "cancel", "timeout", "amd"]


class HangupOptions(ActionOptions):
    """Why the call ends."""

    reason: Reason = Field("normal", description="The reason that the call shows")
    reference_id: str = Field("", description="The id of another call whose reason is taken instead, once it has one")


@action(
    "hangup",
    options=HangupOptions,
    needs=LegState.ALIVE,
    on_failure=OnFailure.END,
    is_final=True,
    example={"reason": "normal"},
    fails=NEVER,
)
async def hangup(context: ActionContext, options: HangupOptions) -> Outcome:
    """End the call, and the flow with it.

    A `reference_id` of an unknown call, or of one that still lives, leaves `reason` as it is.
    """
    if not options.reference_id:
        return Stop(options.reason)
    other = await context.ports.calls.find_call(context.customer_id, options.reference_id)
    if other is None or other.hangup_reason is HangupReason.NONE:
        log.info("hangup keeps its reason, the call of reference_id has none", action_id=context.action.id)
        return Stop(options.reason)
    return Stop(other.hangup_reason.value)
