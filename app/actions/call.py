"""The action `call`."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue, model_validator

from app.domain.ids import ZERO_ID
from app.flow.action import ActionContext, ActionFailed, ActionOptions, Next, OnFailure, Outcome, action
from app.flow.address_form import AddressField
from app.flow.option_types import FlowReference, NestedActionsMark
from app.flow.ports import FlowCallOrder

MAX_ACTIONS = 1000


class CallOptions(ActionOptions):
    """Who is called, and what the calls do."""

    destinations: tuple[AddressField, ...] = Field(
        min_length=1, max_length=50, description="Who is called, each in a call of its own"
    )
    source: AddressField | None = Field(
        None, description="The address that the called parties see; empty = that of this flow's caller"
    )
    flow_id: FlowReference = Field(ZERO_ID, description="The flow (UUID or file name) that each new call runs")
    actions: Annotated[list[dict[str, JsonValue]], Field(max_length=MAX_ACTIONS), NestedActionsMark()] = Field(
        [], description="The actions that each new call runs where there is no flow_id"
    )
    chained: bool = Field(False, description="Whether the new calls are hung up when this call ends")
    early_execution: bool = Field(False, description="Whether the new calls' flow begins before they are answered")
    anonymous: Literal["", "yes", "no", "auto"] = Field("", description='"yes" = the called parties see no number')

    @model_validator(mode="after")
    def _has_flow(self) -> "CallOptions":
        if self.flow_id == ZERO_ID and not self.actions:
            raise ValueError("a flow_id, or actions")
        return self


@action(
    "call",
    options=CallOptions,
    needs=None,
    on_failure=OnFailure.END,
    example={
        "source": {"type": "tel", "target": "+821100000001"},
        "destinations": [{"type": "extension", "target_name": "1001"}],
        "actions": [{"type": "talk", "option": {"text": "Somebody is at the door", "language": "en-US"}}],
    },
    fails="not a single destination can be called, there is no source in a flow without a call, the flow of "
    "flow_id is not there, or one of the actions is wrong after the substitution",
)
async def call(context: ActionContext, options: CallOptions) -> Outcome:
    """Make calls that are independent of this one, each with a flow of its own; this flow goes on at once.

    `${name}` in `actions` is replaced by the variables of this flow, now. Where not a single call can be made, the flow
    ends.
    """
    placing = context.ports.placing
    if placing is None:
        raise ActionFailed("this flow runs where no calls can be made")
    order = FlowCallOrder(
        customer_id=context.customer_id,
        call_id=ZERO_ID if context.live_call is None else context.live_call.record.id,
        source=options.source,
        destinations=options.destinations,
        flow_id=options.flow_id,
        actions=options.actions,
        language=context.flow_language,
        anonymous=options.anonymous,
        is_early=options.early_execution,
        is_chained=options.chained,
    )
    await placing.place(order)
    return Next()
