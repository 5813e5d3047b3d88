"""The action `message_send`."""

import asyncio
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field

from app.domain.call import Address
from app.domain.texts import check_lines
from app.errors import CallscribeError
from app.flow.action import ActionContext, ActionFailed, ActionOptions, Next, OnFailure, Outcome, action
from app.flow.address_form import AddressField, is_tel
from app.logs import get_log

log = get_log("actions")

MAX_TEXT = 1600
SMS_URL = "CALLSCRIBE_SMS_URL"


class MessageSendOptions(ActionOptions):
    """The message."""

    destinations: tuple[AddressField, ...] = Field(
        min_length=1, max_length=50, description="Who gets it: extensions (their telephones show it) and tel numbers"
    )
    source: AddressField | None = Field(
        None, description="Who sends it: the address that is shown; empty = the number that was called"
    )
    text: Annotated[str, AfterValidator(check_lines)] = Field(
        min_length=1, max_length=MAX_TEXT, description="The text, 1600 characters at most"
    )


def _name_setting(option: Mapping[str, object]) -> str:
    """Only numbers need a provider."""
    destinations = option.get("destinations")
    for each in destinations if isinstance(destinations, list) else ():
        if isinstance(each, Mapping) and (each.get("type") == "tel" or is_tel(str(each.get("target")))):
            return SMS_URL
    return ""


@action(
    "message_send",
    options=MessageSendOptions,
    needs=None,
    on_failure=OnFailure.END,
    needs_setting=_name_setting,
    example={
        "source": {"type": "extension", "target_name": "1000"},
        "destinations": [{"type": "extension", "target_name": "1001"}],
        "text": "${voipbin.call.source.target} has called",
    },
    fails="not a single destination gets the message: no such extension, no telephone registered there, or the "
    "provider of CALLSCRIBE_SMS_URL takes none",
)
async def message_send(context: ActionContext, options: MessageSendOptions) -> Outcome:
    """Send a short text: to an extension's registered telephones by SIP MESSAGE, to a number through an SMS provider.

    The provider is that of CALLSCRIBE_SMS_URL; a flow with a number among the destinations is refused without it. Who
    cannot be reached is left out; where nobody can, the flow ends. That a telephone has shown it is not known.
    """
    messages = context.ports.reach.messages
    if messages is None:
        raise ActionFailed("this flow runs where no messages can be sent")
    source = options.source or _called_number(context)
    outcomes = await asyncio.gather(
        *(messages.send(context.customer_id, source, each, options.text) for each in options.destinations),
        return_exceptions=True,
    )
    failures = [each for each in outcomes if isinstance(each, BaseException)]
    for failure in failures:
        if not isinstance(failure, CallscribeError):
            raise failure
        log.warning("a message could not be sent", action_id=context.action.id, reason=failure.message)
    if len(failures) == len(outcomes):
        raise failures[0]
    return Next()


def _called_number(context: ActionContext) -> Address:
    return Address() if context.live_call is None else context.live_call.record.destination
