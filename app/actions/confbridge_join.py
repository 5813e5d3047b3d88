"""The action `confbridge_join`."""

from pydantic import Field

from app.flow.action import ActionContext, ActionFailed, ActionOptions, LegState, Next, Outcome, action


class ConfbridgeJoinOptions(ActionOptions):
    """Which room."""

    confbridge_id: str = Field(min_length=1, max_length=255, description="The id of the conference whose room it is")


@action(
    "confbridge_join",
    options=ConfbridgeJoinOptions,
    needs=LegState.ALIVE,
    is_blocking=True,
    example={"confbridge_id": "8b3f0a6e-2f64-4d8e-9a77-3d1c5c0a7f11"},
    fails="there is no such conference of yours, or it has ended",
)
async def confbridge_join(context: ActionContext, options: ConfbridgeJoinOptions) -> Outcome:
    """Join the room of a conference at once, without its pre-flow; answers the call by itself.

    The flow goes on when the caller has left: sent out, or the conference has ended.
    """
    conferences = context.ports.conferences
    if conferences is None:
        raise ActionFailed("there are no conferences here")
    await conferences.join(context.call.record.id, options.confbridge_id, activeflow_id=context.activeflow_id)
    context.call.digits.drop_all()
    return Next()
