"""A real call whose flow fetches actions, asks a web address, sends mail and is summarised by an endpoint."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from tests.asterisk.calls.instance import Instance, open_instance
from tests.asterisk.calls.sip_peer import open_sip_peer
from tests.asterisk.flows.keys import call_id_of, ended_call
from tests.unit.actions.reach_doubles import answer
from tests.unit.application.mail_sink import MailSink, open_mail_sink
from tests.unit.delivery.receiver import Receiver, open_receiver

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

SECRET = "key-that-no-log-shows"


def flow_of(base: str) -> dict[str, Any]:
    return {
        "numbers": ["7391"],
        "language": "en-US",
        "actions": [
            {"type": "answer"},
            {"type": "webhook_send", "option": {"sync": True, "uri": f"{base}/customer", "data": "{}"}},
            {"type": "fetch", "option": {"event_url": f"{base}/actions"}},
            {"type": "case_create", "option": {"name": "${name}", "sync": True}},
            {"type": "ai_task", "option": {"prompt": "What is ${name}?"}},
            {"type": "message_send", "option": {"destinations": [{"target": "+821012345678"}], "text": "hi ${name}"}},
            {
                "type": "email_send",
                "option": {
                    "destinations": ["anna@example.com"],
                    "subject": "${name} ${contact_case_id}",
                    "content": "${fetched} ${voipbin.ai_task.content}",
                },
            },
            {
                "type": "webhook_send",
                "option": {"uri": f"{base}/last", "data": {"status": "${voipbin.webhook.status}"}},
            },
            {"type": "hangup", "option": {"reason": "busy"}},
        ],
    }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def outside() -> AsyncIterator[tuple[Instance, Receiver, MailSink]]:
    async with open_receiver() as receiver, open_mail_sink(password=SECRET) as sink:
        base = f"http://127.0.0.1:{receiver.port}"
        settings = {
            "CALLSCRIBE_WEBHOOK_NETWORKS": "127.0.0.0/8",
            "CALLSCRIBE_SMTP_URL": f"smtp://user:{SECRET}@127.0.0.1:{sink.port}",
            "CALLSCRIBE_MAIL_FROM": "callscribe@example.com",
            "CALLSCRIBE_AI_URL": f"{base}/v1",
            "CALLSCRIBE_AI_KEY": SECRET,
            "CALLSCRIBE_CRM_URL": f"{base}/crm?key={SECRET}",
            "CALLSCRIBE_SMS_URL": f"{base}/sms",
        }
        async with open_instance({"outside": flow_of(base)}, **settings) as instance:
            yield instance, receiver, sink


async def test_a_call_reaches_everything_outside(outside: tuple[Instance, Receiver, MailSink]) -> None:
    instance, receiver, sink = outside
    replies = {
        "/customer": {"name": "Anna"},
        "/actions": [{"type": "variable_set", "option": {"key": "fetched", "value": "yes"}}, {"type": "beep"}],
        "/crm": {"id": "case-7"},
        "/v1/chat/completions": {"choices": [{"message": {"role": "assistant", "content": "A name."}}]},
    }

    async def handle(request: web.Request) -> web.StreamResponse:
        reply: web.StreamResponse = await answer(replies.get(request.path, {}))(request)
        return reply

    receiver.answer = handle
    async with open_sip_peer("outsider") as caller:
        call = await caller.call(instance.sip_uri("7391"))
        await call.wait_ended(20)
    assert (await ended_call(instance, call_id_of(instance, "outsider")))[
        "hangup_reason"
    ] == "busy"  # the last action ran
    await receiver.wait_heard(6)
    paths = [each.path for each in receiver.heard]
    assert paths == ["/customer", "/actions", "/crm", "/v1/chat/completions", "/sms", "/last"]
    assert b'"text": "hi Anna"' in receiver.heard[4].body
    assert receiver.heard[5].body == b'{"status": "200"}'
    await sink.wait_mail()
    assert sink.mails[0]["Subject"] == "Anna case-7"
    assert "yes A name." in sink.mails[0].get_content()
    assert SECRET not in await instance.log_text()
