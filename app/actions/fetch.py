"""The action `fetch`."""

import json

from pydantic import Field

from app.flow.action import ActionContext, ActionFailed, ActionOptions, OnFailure, Outcome, Push, action
from app.flow.web_address import WebAddress, WebMethod


class FetchOptions(ActionOptions):
    """Where the actions come from."""

    event_url: WebAddress = Field(description="The address that answers with a JSON list of actions")
    event_method: WebMethod = Field("POST", description="The method of the request")


@action(
    "fetch",
    options=FetchOptions,
    needs=None,
    on_failure=OnFailure.END,
    is_blocking=True,
    example={"event_url": "https://example.com/next-actions", "event_method": "POST"},
    fails="the address may not be reached, does not answer in 10 seconds, answers another status than 200 or no "
    "list of right actions, or this would be one stack of actions too many",
)
async def fetch(context: ActionContext, options: FetchOptions) -> Outcome:
    """Ask a web address for actions, run them, then go on.

    The request's JSON is `{"activeflow_id", "reference_id"}` (the call's id). The answer must be 200 and a JSON list of
    actions as POST /flows takes them, of 1 MB at most, within 10 seconds. Anything else ends the flow. Addresses that
    are not public are reached only where CALLSCRIBE_WEBHOOK_NETWORKS has them.
    """
    http, flows = context.ports.reach.http, context.ports.reach.flows
    if http is None or flows is None:
        raise ActionFailed("this flow runs where no actions can be fetched")
    asked = {
        "activeflow_id": context.activeflow_id,
        "reference_id": context.variables.get("voipbin.activeflow.reference_id"),
    }
    reply = await http.request(options.event_method, options.event_url, body=json.dumps(asked).encode())
    if reply.status != 200:
        raise ActionFailed(f"the address of fetch answered {reply.status}; expected 200 and a list of actions")
    try:
        raw = json.loads(reply.body)
    except (ValueError, RecursionError):
        raise ActionFailed("the address of fetch answered no JSON; expected a list of actions") from None
    # Names in them become ids without a flow's; the activeflow's id stands for the flow that they are.
    return Push(flows.check(raw, context.flow_language), context.activeflow_id)
