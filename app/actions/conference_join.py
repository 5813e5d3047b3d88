"""The action `conference_join`."""

from pydantic import Field

from app.domain.flow import Action
from app.domain.ids import ZERO_ID, new_id
from app.flow.action import ActionContext, ActionFailed, ActionOptions, LegState, OnFailure, Outcome, Push, action

JOIN = "confbridge_join"


class ConferenceJoinOptions(ActionOptions):
    """Which conference."""

    conference_id: str = Field(min_length=1, max_length=255, description="The id of the conference, or its name")


@action(
    "conference_join",
    options=ConferenceJoinOptions,
    needs=LegState.ALIVE,
    on_failure=OnFailure.END,
    example={"conference_id": "8b3f0a6e-2f64-4d8e-9a77-3d1c5c0a7f11"},
    fails="there is no conference of yours with this id, or it has ended",
)
async def conference_join(context: ActionContext, options: ConferenceJoinOptions) -> Outcome:
    """Run the conference's pre-flow, then join it; the flow goes on when the caller has left.

    A name that no open conference of yours has becomes a conference that stays. An id of one that is missing or over
    ends the flow.
    """
    conferences = context.ports.conferences
    if conferences is None:
        raise ActionFailed("there are no conferences here")
    before = await conferences.find_pre_flow(context.customer_id, options.conference_id)
    join = Action(id=new_id(), type=JOIN, option={"confbridge_id": options.conference_id})
    # The names in a pre-flow are its own; without one there are none to look up.
    flow_id = before.flow_id if before.flow_id != ZERO_ID else context.activeflow_id
    return Push((*before.actions, join), flow_id)
