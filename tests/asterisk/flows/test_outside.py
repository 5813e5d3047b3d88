"""A real call whose flow fetches actions, asks a web address, sends mail and is summarised by an endpoint."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from tests.asterisk.calls.instance import Instance, open_instance
from tests.asterisk.calls.sip_peer import open_sip_peer
from tests.asterisk.flows.keys import call_id_of, ended_call
from tests.asterisk.flows.phones import wait_loud, wait_quiet
from tests.speech_files import PROMPTS
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


def talking_flow() -> dict[str, Any]:
    """A conversation with the model, its summary, its recording by mail, and a message about it."""
    return {
        "numbers": ["7392"],
        "language": "en-US",
        "actions": [
            {"type": "answer"},
            {"type": "transcribe_start"},
            {"type": "recording_start"},
            {
                "type": "ai_talk",
                "option": {"prompt": "You take orders.", "greeting": "Who is calling?", "duration": 40},
            },
            {"type": "recording_stop"},
            {"type": "transcribe_stop"},
            {"type": "ai_summary"},
            {
                "type": "email_send",
                "option": {
                    "destinations": ["anna@example.com"],
                    "subject": "A talk",
                    "content": "${voipbin.ai_summary.content}",
                    "attachments": [{"reference_id": "${voipbin.recording.id}"}],
                },
            },
            {"type": "conversation_send", "option": {"conversation_id": "c-7", "text": "talked", "sync": True}},
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
        async with open_instance({"outside": flow_of(base), "outside-talk": talking_flow()}, **settings) as instance:
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


async def test_a_caller_talks_with_the_model(outside: tuple[Instance, Receiver, MailSink]) -> None:
    """The model's words are heard, the caller's are in what it is asked; then the talk is summed up and sent."""
    instance, receiver, sink = outside
    receiver.heard.clear()
    mails = len(sink.mails)
    answers = iter(["Goodbye, my friend! [END]", "Somebody has called about friends."])

    async def handle(request: web.Request) -> web.StreamResponse:
        if request.path == "/crm":
            return web.json_response({"ok": True})
        return web.json_response({"choices": [{"message": {"role": "assistant", "content": next(answers)}}]})

    receiver.answer = handle
    async with open_sip_peer("talker") as caller:
        call = await caller.call(instance.sip_uri("7392"))
        await wait_loud(call, "the greeting")
        await wait_quiet(call, "the end of the greeting")
        await call.say(PROMPTS / "vm-Friends.wav")
        await receiver.wait_heard(1)
        await wait_loud(call, "the model's answer")
        await call.wait_ended(30)
    assert (await ended_call(instance, call_id_of(instance, "talker")))["hangup_reason"] == "busy"
    assert [each.path for each in receiver.heard] == ["/v1/chat/completions"] * 2 + ["/crm"]
    talk, summary, told = (json.loads(each.body) for each in receiver.heard)
    rules, greeting, said = talk["messages"]
    assert "You take orders." in rules["content"]
    assert (greeting["role"], greeting["content"]) == ("assistant", "Who is calling?")
    assert said["role"] == "user"
    assert "friend" in said["content"].lower()
    # What the endpoint is to sum up: both sides, as they were transcribed.
    written = summary["messages"][-1]["content"].lower()
    assert "out: who is calling" in written
    assert "talker: friend" in written
    assert (told["type"], told["conversation_id"], told["text"]) == ("conversation_send", "c-7", "talked")
    await sink.wait_mail(mails + 1)
    mail = sink.mails[-1]
    text = mail.get_body()
    assert text is not None
    assert "Somebody has called about friends." in text.get_content()
    attached = list(mail.iter_attachments())
    assert [each.get_content_type() for each in attached] == ["audio/wav"]
    assert len(attached[0].get_content()) > 16_000
