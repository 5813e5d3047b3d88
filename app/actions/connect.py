"""The action `connect`."""

from typing import Literal

from pydantic import Field

from app.domain.ids import ZERO_ID
from app.flow.action import ActionContext, ActionFailed, ActionOptions, LegState, Next, OnFailure, Outcome, Stop, action
from app.flow.address_form import AddressField


class ConnectOptions(ActionOptions):
    """With whom the caller is connected."""

    destinations: tuple[AddressField, ...] = Field(
        min_length=1,
        max_length=50,
        description="Who is rung, all at once; the first that answers talks with the caller",
    )
    source: AddressField | None = Field(
        None, description="The address that the called parties see; empty = the caller's"
    )
    early_media: bool = Field(
        False,
        description="Whether the caller hears what the called party's side plays before the answer (announcements, "
        "its own ring tone); else, and until such a sound comes, the caller hears ringing",
    )
    relay_reason: bool = Field(
        False, description="Whether the caller is hung up when the other party hangs up, with that party's reason"
    )
    anonymous: Literal["", "yes", "no", "auto"] = Field("", description='"yes" = the called parties see no number')


@action(
    "connect",
    options=ConnectOptions,
    needs=LegState.ALIVE,
    is_blocking=True,
    on_failure=OnFailure.NEXT,
    example={"destinations": [{"type": "extension", "target_name": "1001"}]},
    fails="no destination can be reached at all (no such extension, agent or conference of yours, no trunk for "
    "a number); that one is rung and nobody answers is no failure",
)
async def connect(context: ActionContext, options: ConnectOptions) -> Outcome:
    """Connect the caller with the first of the destinations that answers; goes on when that party has left.

    Nobody answers: the flow goes on too. `voipbin.connect.status` is then why (busy, noanswer, failed ...), else
    `answered`; `voipbin.connect.reason` is why the other party's call ended, or why nobody answered, and
    `voipbin.connect.call_id` is the other party's call, the zero id where nobody answered.
    """
    connects = context.ports.connects
    if connects is None:
        raise ActionFailed("calls cannot be connected here")
    result = await connects.connect(
        context.call.record.id,
        options.source,
        options.destinations,
        anonymous=options.anonymous,
        is_early_media=options.early_media,
    )
    context.call.digits.drop_all()  # they were for the other party
    context.variables.set_system(
        {
            "voipbin.connect.status": "answered" if result.is_answered else result.reason,
            "voipbin.connect.reason": result.reason,
            "voipbin.connect.call_id": result.call_id or ZERO_ID,
        }
    )
    if options.relay_reason:
        return Stop(result.reason or "normal")
    return Next()
