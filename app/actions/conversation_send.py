"""The action `conversation_send`."""

from typing import Annotated

from pydantic import AfterValidator, Field

from app.domain.texts import MAX_NAME, check_lines
from app.flow.action import ActionContext, ActionFailed, ActionOptions, Next, Outcome, action
from app.flow.crm_event import crm_event


class ConversationSendOptions(ActionOptions):
    """What is said in which conversation."""

    conversation_id: str = Field(min_length=1, max_length=MAX_NAME, description="The conversation's id there")
    text: Annotated[str, AfterValidator(check_lines)] = Field(min_length=1, description="What is said")
    sync: bool = Field(False, description="Whether the flow waits until it was taken")


@action(
    "conversation_send",
    options=ConversationSendOptions,
    needs=None,
    needs_setting="CALLSCRIBE_CRM_URL",
    example={"conversation_id": "6a1c6f0e-4a55-4a1e-a3a6-4b1f0d5ad2b3", "text": "We have called you back"},
    fails="the system of CALLSCRIBE_CRM_URL does not answer in 30 seconds, or answers an error",
)
async def conversation_send(context: ActionContext, options: ConversationSendOptions) -> Outcome:
    """Say something in a conversation of the operator's own system.

    That system gets POST JSON `{"type": "conversation_send", "customer_id", "activeflow_id", "reference_type",
    "reference_id", "conversation_id", "text"}` and answers any JSON. A failure changes nothing for the flow.
    """
    crm, errands = context.ports.reach.crm, context.ports.reach.errands
    if crm is None or errands is None:
        raise ActionFailed("nothing can be said in conversations: there is no CALLSCRIBE_CRM_URL")
    sending = crm.send(
        crm_event(context, "conversation_send", conversation_id=options.conversation_id, text=options.text)
    )
    if options.sync:
        await sending
    else:
        errands.start(sending, action_type="conversation_send")
    return Next()
