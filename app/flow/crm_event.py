"""What the operator's own system is told of a flow, and what it answers."""

from collections.abc import Mapping

from app.flow.action import ActionContext, ActionFailed

MAX_CASE_ID = 255


def crm_event(context: ActionContext, kind: str, **fields: str) -> dict[str, object]:
    """Return the JSON object that tells of an action."""
    return {
        "type": kind,
        "customer_id": context.customer_id,
        "activeflow_id": context.activeflow_id,
        "reference_type": context.variables.get("voipbin.activeflow.reference_type"),
        "reference_id": context.variables.get("voipbin.activeflow.reference_id"),
        **fields,
    }


def read_case_id(reply: object) -> str:
    """Return the id in the answer (`id` or `contact_case_id`, a text or a whole number); ActionFailed without one."""
    if isinstance(reply, Mapping):
        for key in ("id", "contact_case_id"):
            value = reply.get(key)
            if isinstance(value, str | int) and not isinstance(value, bool) and 0 < len(str(value)) <= MAX_CASE_ID:
                return str(value)
    raise ActionFailed('the answer of CALLSCRIBE_CRM_URL has no id; expected {"id": ...}')
