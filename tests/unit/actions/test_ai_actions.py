"""ai_summary, ai_task, ai_talk, case_create and conversation_send against a real web server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

import app.actions
from app.application.flow_ai import completions_url
from app.domain.ids import new_id
from app.errors import InvalidArgument, Unavailable
from app.flow.action_registry import load_actions
from app.flow.api_actions import InvalidActionType, check_actions
from app.flow.reach import SpokenLine
from tests.unit.actions.reach_doubles import Failing, Outside, answer, open_outside
from tests.unit.flow.answer_doubles import ScriptedAnswers, Utterance
from tests.unit.flow.doubles import check

BEEP = {"type": "beep"}
TRANSCRIBE_ID = new_id()
SAID = (
    SpokenLine("in", "Hello. My order of two chairs has not arrived. I want my money back for the two chairs."),
    SpokenLine("out", "I am sorry. Your order of two chairs will arrive on Monday."),
)


@pytest.fixture
async def outside() -> AsyncIterator[Outside]:
    async with open_outside() as opened:
        opened.lines.lines = {("transcribe", TRANSCRIBE_ID): SAID, ("call", opened.call.record.id): SAID[:1]}
        yield opened


def completion(text: str) -> dict[str, Any]:
    return {"choices": [{"index": 0, "message": {"role": "assistant", "content": text}}]}


def summary(**option: Any) -> dict[str, Any]:
    return {"type": "ai_summary", "option": {"reference_type": "transcribe", "reference_id": TRANSCRIBE_ID, **option}}


async def test_a_summary_without_an_endpoint(outside: Outside) -> None:
    flow_id = new_id()
    await outside.run(summary(on_end_flow_id=flow_id), ai=None)
    content = outside.variables.get("voipbin.ai_summary.content")
    assert "two chairs" in content
    assert all(any(line in each.text for each in SAID) for line in content.splitlines())
    assert outside.follows.begun == [(flow_id, content)]
    assert outside.web.heard == []


async def test_a_summary_of_what_the_flow_runs_for(outside: Outside) -> None:
    await outside.run({"type": "ai_summary", "option": {}}, ai=None)
    assert "chairs" in outside.variables.get("voipbin.ai_summary.content")
    assert outside.variables.get("voipbin.ai_summary.reference_id") == outside.call.record.id


async def test_a_summary_by_the_endpoint(outside: Outside) -> None:
    outside.web.answer = answer(completion(" Two chairs are late. "))
    await outside.run(summary(language="ko-KR"))
    assert outside.variables.get("voipbin.ai_summary.content") == "Two chairs are late."
    (heard,) = outside.web.heard
    assert (heard.path, heard.headers["Authorization"]) == ("/v1/chat/completions", "Bearer key-of-ai")
    asked = outside.heard()
    assert asked["model"] == "small"
    assert "ko-KR" in asked["messages"][0]["content"]
    assert "out: I am sorry" in asked["messages"][1]["content"]


@pytest.mark.parametrize("reply", [(500, {}), (200, {"choices": []}), (200, "text"), (302, {})])
async def test_an_endpoint_that_fails_is_made_good_here(outside: Outside, reply: tuple[int, object]) -> None:
    outside.web.answer = answer(reply[1], reply[0], Location="/elsewhere")
    await outside.run(summary())
    assert "two chairs" in outside.variables.get("voipbin.ai_summary.content")
    assert len(outside.web.heard) == 1  # the key goes nowhere else


async def test_a_reference_that_is_not_there_ends_the_flow(outside: Outside) -> None:
    assert await outside.run({"type": "answer"}, summary(reference_id=new_id()), BEEP) == [
        ("answer",),
        ("hang_up", "normal"),
    ]


async def test_a_task_sets_variables(outside: Outside) -> None:
    outside.web.answer = answer(completion('```json\n{"urgent": true, "voipbin.call.id": "x"}\n```'))
    await outside.run({"type": "ai_task", "option": {"prompt": "Is ${voipbin.call.source.target} urgent?"}})
    assert outside.heard()["messages"] == [{"role": "user", "content": "Is alice urgent?"}]
    assert outside.variables.get("urgent") == "true"
    assert outside.variables.get("voipbin.call.id") == outside.call.record.id
    assert outside.variables.get("voipbin.ai_task.content").startswith("```json")


async def test_a_task_that_fails_ends_the_flow(outside: Outside) -> None:
    outside.web.answer = answer({}, 503)
    task = {"type": "ai_task", "option": {"prompt": "x"}}
    assert await outside.run({"type": "answer"}, task, BEEP) == [("answer",), ("hang_up", "normal")]


def listening(outside: Outside, *scripts: list[Utterance]) -> ScriptedAnswers:
    answers = ScriptedAnswers(*scripts)
    outside.stage.ports = replace(outside.stage.ports, answers=answers)
    return answers


async def test_a_conversation(outside: Outside) -> None:
    replies = iter(["Two rolls, gladly.", "Goodbye! [END]"])

    async def handle(_request: web.Request) -> web.StreamResponse:
        return web.json_response(completion(next(replies)))

    outside.web.answer = handle
    said = [[Utterance(0.01, 0.02, "two rolls please")], [Utterance(0.01, 0.02, "that is all")], []]
    listening(outside, *said)
    talk = {"type": "ai_talk", "option": {"prompt": "You are a bakery.", "greeting": "Good morning"}}
    done = await outside.run(talk, BEEP)
    spoken = [each[1].rpartition("/")[2] for each in done if each[0] == "play"]
    assert spoken == ["Good morning", "Two rolls, gladly.", "Goodbye!", "tone:beep"]
    first, last = outside.heard(0)["messages"], outside.heard()["messages"]
    assert "You are a bakery." in first[0]["content"]
    assert [each["content"] for each in last[1:]] == [
        "Good morning",
        "two rolls please",
        "Two rolls, gladly.",
        "that is all",
    ]


async def test_a_conversation_ends_when_its_time_is_up(outside: Outside) -> None:
    listening(outside, [])
    done = await outside.run({"type": "ai_talk", "option": {"duration": 1}}, BEEP)
    assert [each[0] for each in done] == ["answer", "play", "hang_up"]


async def test_a_conversation_whose_model_fails_ends_the_flow(outside: Outside) -> None:
    listening(outside, [Utterance(0.01, 0.02, "hello")])
    done = await outside.run({"type": "ai_talk", "option": {}}, BEEP, ai=Failing(Unavailable("no")))
    assert done == [("answer",), ("hang_up", "normal")]


async def test_a_case_gets_its_id(outside: Outside) -> None:
    outside.web.answer = answer({"id": 4711})
    await outside.run({"type": "case_create", "option": {"name": "A call", "note": "n", "sync": True}})
    assert outside.variables.get("contact_case_id") == "4711"
    (heard,) = outside.web.heard
    assert (heard.path, heard.headers["Authorization"]) == ("/crm", "Bearer key-of-crm")
    told = outside.heard()
    assert (told["type"], told["name"], told["reference_id"]) == ("case_create", "A call", outside.call.record.id)


async def test_a_case_without_waiting_and_failures_change_nothing(outside: Outside) -> None:
    outside.web.answer = answer({"no": "id"})
    failing = {"type": "case_create", "option": {"name": "x", "sync": True}}
    done = await outside.run({"type": "answer"}, failing, {"type": "case_create", "option": {}}, BEEP)
    assert len(done) == 3
    await outside.errands_done()
    assert len(outside.web.heard) == 2


@pytest.mark.parametrize("is_sync", [True, False])
async def test_a_conversation_is_told_something(outside: Outside, is_sync: bool) -> None:
    option = {"conversation_id": "c1", "text": "hello", "sync": is_sync}
    await outside.run({"type": "conversation_send", "option": option})
    await outside.errands_done()
    told = outside.heard()
    assert (told["type"], told["conversation_id"], told["text"]) == ("conversation_send", "c1", "hello")


@pytest.mark.parametrize(
    ("type_name", "option", "setting"),
    [
        ("ai_talk", {}, "CALLSCRIBE_AI_URL"),
        ("ai_task", {"prompt": "x"}, "CALLSCRIBE_AI_URL"),
        ("case_create", {}, "CALLSCRIBE_CRM_URL"),
        ("conversation_send", {"conversation_id": "c", "text": "t"}, "CALLSCRIBE_CRM_URL"),
        ("email_send", {"destinations": ["a@b.c"]}, "CALLSCRIBE_SMTP_URL"),
        (
            "message_send",
            {"destinations": [{"type": "tel", "target": "+821012345678"}], "text": "t"},
            "CALLSCRIBE_SMS_URL",
        ),
        ("message_send", {"destinations": [{"target": "+821012345678"}], "text": "t"}, "CALLSCRIBE_SMS_URL"),
    ],
)
def test_what_is_not_configured_is_refused(type_name: str, option: dict[str, Any], setting: str) -> None:
    action = {"type": type_name, "option": option}
    content = {"language": "en-US", "actions": [action]}
    (finding,) = check(content, registry=load_actions(app.actions, lambda _setting: False)).errors
    assert finding.path == "$.actions[0].type"
    assert setting in finding.expected
    with pytest.raises(InvalidArgument, match=setting) as error:
        check_actions(
            [{**action, "option": {"language": "en", **option}}],
            "actions",
            load_actions(app.actions, lambda name: name != setting),
        )
    assert isinstance(error.value, InvalidActionType)
    assert not check(content, registry=load_actions(app.actions, lambda name: name == setting)).errors


def test_a_text_to_an_extension_needs_no_setting() -> None:
    option = {"destinations": [{"type": "extension", "target_name": "1001"}], "text": "t"}
    registry = load_actions(app.actions, lambda _setting: False)
    assert not check(
        {"actions": [{"type": "message_send", "option": option}, {"type": "ai_summary"}]}, registry=registry
    ).errors


def test_the_address_of_completions() -> None:
    assert (
        completions_url("http://h/v1/")
        == completions_url("http://h/v1/chat/completions")
        == "http://h/v1/chat/completions"
    )
