"""The action `case_create`."""

from typing import Annotated

from pydantic import AfterValidator, Field

from app.domain.texts import MAX_DETAIL, MAX_NAME, check_lines
from app.flow.action import ActionContext, ActionFailed, ActionOptions, Next, Outcome, action
from app.flow.crm_event import crm_event, read_case_id
from app.flow.reach import CrmControl

CASE_ID = "contact_case_id"


class CaseCreateOptions(ActionOptions):
    """The case."""

    name: str = Field("", max_length=MAX_NAME, description="What the case is called")
    detail: Annotated[str, AfterValidator(check_lines)] = Field(
        "", max_length=MAX_DETAIL, description="What it is about"
    )
    note: Annotated[str, AfterValidator(check_lines)] = Field("", description="A first note, of any length")
    sync: bool = Field(False, description="Whether the flow waits for the case's id")


@action(
    "case_create",
    options=CaseCreateOptions,
    needs=None,
    needs_setting="CALLSCRIBE_CRM_URL",
    example={"name": "Call of ${voipbin.call.source.target}", "detail": "${voipbin.transcribe.text}", "sync": True},
    fails="the system of CALLSCRIBE_CRM_URL does not answer in 30 seconds, answers an error, or answers no id; "
    "contact_case_id is then empty",
)
async def case_create(context: ActionContext, options: CaseCreateOptions) -> Outcome:
    """Open a case in the operator's own system; `contact_case_id` is its id once that has answered.

    That system gets POST JSON `{"type": "case_create", "customer_id", "activeflow_id", "reference_type",
    "reference_id", "name", "detail", "note"}` and answers `{"id": ...}`. Without `sync` the flow goes on at once. A
    failure changes nothing for the flow.
    """
    crm, errands = context.ports.reach.crm, context.ports.reach.errands
    if crm is None or errands is None:
        raise ActionFailed("no case can be opened: there is no CALLSCRIBE_CRM_URL")
    context.variables.clear(CASE_ID)
    if options.sync:
        await _create(context, options, crm)
    else:
        errands.start(_create(context, options, crm), action_type="case_create")
    return Next()


async def _create(context: ActionContext, options: CaseCreateOptions, crm: CrmControl) -> None:
    event = crm_event(context, "case_create", name=options.name, detail=options.detail, note=options.note)
    context.variables.set(CASE_ID, read_case_id(await crm.send(event)))
