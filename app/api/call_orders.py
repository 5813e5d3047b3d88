"""What the bodies of POST /v1.0/calls and /v1.0/groupcalls share (contract 3.3, 3.7)."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from app.api.addresses import AddressField
from app.api.flow_fields import ActionsField, VariablesField, check_flow_reference
from app.api.keys import CONTEXT, IDENTITY
from app.api.ports import CallOrder
from app.api.request_body import OptionalBodyId, RequestBody
from app.domain.ids import ZERO_ID

MOST_DESTINATIONS = 50


def _check_anonymous(value: str) -> str:
    if value not in ("", "yes", "no", "auto"):
        raise PydanticCustomError("INVALID_ANONYMOUS_VALUE", "expected yes, no or auto")
    return value


Anonymous = Annotated[
    str,
    AfterValidator(_check_anonymous),
    Field(
        description="yes = the called party does not see who calls",
        json_schema_extra={"enum": ["", "yes", "no", "auto"]},
    ),
]


class DialOrder(RequestBody):
    """Who calls whom, and what runs when somebody answers. `flow_id` counts where `actions` are given too."""

    source: AddressField
    destinations: Annotated[tuple[AddressField, ...], Field(min_length=1, max_length=MOST_DESTINATIONS)]
    flow_id: OptionalBodyId = ZERO_ID
    actions: ActionsField = None
    variables: VariablesField = Field(default_factory=dict)


async def make_order(
    request: web.Request, asked: DialOrder, *, anonymous: str = "", is_early: bool = False
) -> CallOrder:
    """Return the order that a checked body gives; InvalidArgument (flow_id, actions...)."""
    context, identity = request.app[CONTEXT], request[IDENTITY]
    await check_flow_reference(context, identity.customer_id, asked.flow_id, "flow_id")
    takes_actions = asked.flow_id == ZERO_ID and asked.actions is not None
    return CallOrder(
        customer_id=identity.customer_id,
        source=asked.source,
        destinations=asked.destinations,
        flow_id=asked.flow_id,
        actions=context.flows.check(asked.actions, "actions") if takes_actions else (),
        anonymous=anonymous,
        variables=asked.variables,
        owner_id=identity.agent_id or ZERO_ID,
        is_early=is_early,
    )
