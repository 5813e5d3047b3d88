"""The action `webhook_send`."""

import json
from typing import Annotated

from pydantic import Field, JsonValue

from app.flow.action import ActionContext, ActionFailed, ActionOptions, Next, Outcome, action
from app.flow.reach import HttpClient
from app.flow.reply_variables import read_json_reply, set_from_reply
from app.flow.web_address import ContentType, WebAddress, WebMethod
from app.logs import get_log

log = get_log("actions")

STATUS = "voipbin.webhook.status"
FAILED = "failed"


class WebhookSendOptions(ActionOptions):
    """What is sent, and where."""

    uri: WebAddress = Field(description="The address")
    method: WebMethod = Field("POST", description="The method of the request")
    data: Annotated[JsonValue, Field(description="The body: a text that is sent as it is, or JSON")] = ""
    data_type: ContentType = Field("application/json", description="The content type of the body")
    sync: bool = Field(False, description="Whether the flow waits for the answer and takes variables out of it")


@action(
    "webhook_send",
    options=WebhookSendOptions,
    needs=None,
    example={
        "sync": True,
        "uri": "https://example.com/customers",
        "method": "POST",
        "data_type": "application/json",
        "data": '{"number": "${voipbin.call.source.target}"}',
    },
    fails="with `sync` the address may not be reached or does not answer in 10 seconds "
    "(`voipbin.webhook.status` is then `failed`), or, without `sync`, too many requests wait to be sent",
)
async def webhook_send(context: ActionContext, options: WebhookSendOptions) -> Outcome:
    """Send a request; with `sync` wait for the answer (10 seconds at most) and set variables from its JSON.

    The texts, numbers and truths of the JSON object of an answer of 2xx become variables by their names, those of
    objects inside with dots between (`order.id`); names that begin with `voipbin.` are left out. With `sync`,
    `voipbin.webhook.status` is the status of the answer, or `failed`, when there was none. Without `sync` the flow goes
    on at once, and the request is sent even when the call ends. Addresses that are not public are reached only where
    CALLSCRIBE_WEBHOOK_NETWORKS has them. A failure changes nothing for the flow.
    """
    http, errands = context.ports.reach.http, context.ports.reach.errands
    context.variables.set_system({STATUS: ""})
    if http is None or errands is None:
        raise ActionFailed("this flow runs where nothing can be sent")
    body = options.data if isinstance(options.data, str) else json.dumps(options.data, ensure_ascii=False)
    content = body.encode("utf-8", "replace")
    if not options.sync:
        errands.start(_send(http, options, content), action_type="webhook_send")
        return Next()
    context.variables.set_system({STATUS: FAILED})
    reply = await http.request(options.method, options.uri, body=content, content_type=options.data_type)
    context.variables.set_system({STATUS: str(reply.status)})
    if 200 <= reply.status < 300:
        set_from_reply(context.variables, read_json_reply(reply.body))
    return Next()


async def _send(http: HttpClient, options: WebhookSendOptions, content: bytes) -> None:
    reply = await http.request(options.method, options.uri, body=content, content_type=options.data_type)
    if not 200 <= reply.status < 300:
        log.warning("a webhook of a flow was not taken", status=reply.status)
