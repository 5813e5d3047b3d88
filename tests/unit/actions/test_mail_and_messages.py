"""email_send and message_send as actions: what they hand on, and what they refuse."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.domain.ids import new_id
from tests.unit.actions.reach_doubles import Outside, open_outside
from tests.unit.flow.doubles import check

BEEP = {"type": "beep"}


@pytest.fixture
async def outside() -> AsyncIterator[Outside]:
    async with open_outside() as opened:
        yield opened


async def test_a_mail_is_handed_on_with_its_variables(outside: Outside) -> None:
    recording_id = new_id()
    outside.variables.set("recording", recording_id)
    option = {
        "destinations": [
            "anna@example.com",
            {"type": "email", "target": "ben@example.com"},
            {"target": "anna@example.com"},
        ],
        "subject": "Call of ${voipbin.call.source.target}",
        "content": "line one\nline two",
        "attachments": [{"reference_type": "recording", "reference_id": "${recording}"}],
    }
    await outside.run({"type": "email_send", "option": option})
    await outside.errands_done()
    (mail,) = outside.mail.mails
    assert mail.recipients == ("anna@example.com", "ben@example.com")
    assert (mail.subject, mail.content) == ("Call of alice", "line one\nline two")
    assert [each.recording_id for each in mail.attachments] == [recording_id]


@pytest.mark.parametrize(
    "option",
    [
        {"destinations": []},
        {"destinations": ["anna"]},
        {"destinations": ["a@example.com, b@example.com"]},
        {"destinations": ["a@example.com\r\nBcc: b@example.com"]},
        {"destinations": ["<a@example.com>"]},
        {"destinations": ['"a b"@example.com']},
        {"destinations": ["a@[127.0.0.1]"]},
        {"destinations": [{"type": "tel", "target": "a@example.com"}]},
        {"destinations": ["a@example.com"], "subject": "x\r\nBcc: b@example.com"},
        {"destinations": ["a@example.com"], "subject": "x" * 901},
        {"destinations": ["a@example.com"], "attachments": [{"reference_id": "../../etc/passwd"}]},
        {"destinations": ["a@example.com"], "attachments": [{"reference_type": "file", "reference_id": new_id()}]},
    ],
)
def test_wrong_mails_are_refused(option: dict[str, Any]) -> None:
    assert check({"actions": [{"type": "email_send", "option": option}]}).errors


@pytest.mark.parametrize("field", ["subject", "destination"])
async def test_a_header_cannot_come_out_of_a_variable(outside: Outside, field: str) -> None:
    outside.variables.set("text", "a@example.com\r\nBcc: b@example.com")
    option = {
        "destinations": ["${text}" if field == "destination" else "a@example.com"],
        "subject": "${text}" if field == "subject" else "x",
    }
    done = await outside.run({"type": "answer"}, {"type": "email_send", "option": option}, BEEP)
    await outside.errands_done()
    assert outside.mail.mails == []
    assert len(done) == 3  # the flow goes on


def texting(*extensions: str, **option: Any) -> dict[str, Any]:
    destinations = [{"type": "extension", "target_name": each} for each in extensions]
    return {"type": "message_send", "option": {"destinations": destinations, "text": "hello", **option}}


async def test_a_text_goes_to_all_that_can_be_reached(outside: Outside) -> None:
    outside.messages.refused = frozenset({"1002"})
    done = await outside.run({"type": "answer"}, texting("1001", "1002", "1003"), BEEP)
    assert outside.messages.sent == [("7001", "1001", "hello"), ("7001", "1003", "hello")]
    assert len(done) == 3


async def test_a_text_that_nobody_gets_ends_the_flow(outside: Outside) -> None:
    outside.messages.refused = frozenset({"1002"})
    done = await outside.run({"type": "answer"}, texting("1002"), BEEP)
    assert done == [("answer",), ("hang_up", "normal")]


@pytest.mark.parametrize("option", [{"text": "x" * 1601}, {"text": ""}, {"text": "a\x00b"}, {"destinations": []}])
def test_wrong_texts_are_refused(option: dict[str, Any]) -> None:
    assert check({"actions": [texting("1001", **option)]}).errors


async def test_a_text_that_becomes_too_long_is_not_sent(outside: Outside) -> None:
    outside.variables.set("long", "x" * 1601)
    done = await outside.run({"type": "answer"}, texting("1001", text="${long}"), BEEP)
    assert outside.messages.sent == []
    assert done == [("answer",), ("hang_up", "normal")]
