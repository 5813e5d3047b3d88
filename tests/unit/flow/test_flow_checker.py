import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.ids import ZERO_ID, is_id
from app.flow.flow_ids import FINISH_ID, to_action_id, to_flow_id
from tests.unit.flow.doubles import REGISTRY, check

TALK = {"type": "talk", "option": {"text": "hello"}}
UUID = "8c5a9e2a-2a7f-4a6f-9f1d-debd72c279ce"


def file(*actions: object, **more: object) -> dict[str, object]:
    return {"language": "en-US", "actions": list(actions)} | more


def findings(content: object) -> list[str]:
    return [str(each).removeprefix("x.json: ") for each in check(content).errors]


@pytest.mark.parametrize(
    "content",
    [
        file(TALK),
        file(
            TALK, **{"$schema": "./flow.schema.json", "name": "n", "detail": "d", "numbers": ["7001", "+15551234567"]}
        ),
        file({"type": "answer"}, numbers=["*", "alice", "bob.smith-1"]),
        file({"type": "answer", "option": {}}),
        file(
            {"type": "talk", "option": {"text": "${x}", "language": "${l}", "async": "${a}", "digits_handle": "${d}"}}
        ),
        file({"type": "sleep", "option": {"duration": "${x}"}}),
        file({"type": "sleep", "option": {"duration": "1${x}0"}}),
        file({"type": "play", "option": {"stream_urls": ["https://a.example/x.wav", "${url}"]}}),
        file({"type": "goto", "option": {"target_id": "${x}", "loop_count": "${n}"}}),
        file({"type": "goto", "option": {"target_id": "menu"}}, {"id": "menu", "type": "beep"}),
        file({"type": "beep", "id": UUID}, {"type": "stop", "next_id": UUID.upper()}),
        file({"type": "beep", "next_id": FINISH_ID}, {"type": "beep", "next_id": ZERO_ID}),
        file({"id": "again", "type": "beep", "next_id": "again"}),  # waits, so it may go round until the hang-up
        {"actions": [{"type": "talk", "option": {"text": "x", "language": "ko-kr"}}]},
        b'\xef\xbb\xbf{"actions": [{"type": "answer"}]}',
    ],
)
def test_good_files(content: object) -> None:
    assert findings(content) == []
    assert check(content).flow is not None


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "$: found a text that is not JSON, expected JSON; it breaks off at line 1, column 1 (Expecting value)"),
        (b'{"actions": [}', "$: found a text that is not JSON, expected JSON; it breaks off at line 1, column 14"),
        (b'{"actions": [{"type": "answer"}], "detail": "\xff"}', "$: found a byte that is not UTF-8, expected UTF-8;"),
        (b'{"name": NaN, "actions": [{"type": "answer"}]}', "$: found NaN, expected numbers that JSON has"),
        (b"[" * 100_000, "$: found objects nested too deeply, expected a flow"),
        (b" " * 1_100_000, "$: found 1100000 bytes, expected at most 1048576 bytes"),
        (b'{"actions": [{"type": "answer", "type": "stop"}]}', '$: found the key "type" twice in one object'),
        (b"null", "$: found null, expected an object"),
        (b"[]", "$: found a list of 0, expected an object"),
        ({}, "$.actions: found nothing, expected a list of actions, run from the first one on"),
        (file(), "$.actions: found a list of 0, expected it not to be empty"),
        (file(actions={}), "$.actions: found an object, expected a list"),
        (
            file(TALK, nmae="x"),
            "$.nmae: found an unknown key, expected one of $schema, name, detail, numbers, language",
        ),
        (file(TALK, nmae="x"), 'actions (did you mean "name"?)'),
        (file(TALK, numbers="7001"), '$.numbers: found "7001", expected a list'),
        (file(TALK, numbers=[7001]), "$.numbers[0]: found 7001, expected a text"),
        (file(TALK, numbers=["70 01"]), '$.numbers[0]: found "70 01", expected digits (7001), E.164 (+15551234567)'),
        (file(TALK, numbers=["7001", "7001"]), '$.numbers[1]: found "7001" again, expected every number once'),
        (file(TALK, language="english"), '$.language: found "english", expected a BCP 47 language code such as en-US'),
        (file(7), "$.actions[0]: found 7, expected an object"),
        (file({}), "$.actions[0].type: found nothing, expected the type of the action"),
        (file({"type": 7}), "$.actions[0].type: found 7, expected a text"),
        (file({"type": "tlak"}), '$.actions[0].type: found "tlak", expected one of a'),
        (file({"type": "tlak"}), '(did you mean "talk"?)'),
        (file({"type": "empty"}), '$.actions[0].type: found "empty", expected one of'),
        (
            file({**TALK, "options": {}}),
            "$.actions[0].options: found an unknown key, expected one of type, id, option, next_id (did",
        ),
        (file({"type": "talk"}), "$.actions[0].option.text: found nothing, expected the text to say: plain, or SSML"),
        (
            file({"type": "talk", "option": {"text": " "}}),
            '$.actions[0].option.text: found " ", expected a text to say',
        ),
        (file({"type": "talk", "option": {"text": 1}}), "$.actions[0].option.text: found 1, expected a text"),
        (file({"type": "talk", "option": []}), "$.actions[0].option: found a list of 0, expected an object"),
        (
            file({"type": "talk", "option": {"text": "x", "langauge": "${x}"}}),
            "$.actions[0].option.langauge: found an unknown key, expected one of text, language, provider, voice_id",
        ),
        (
            file({"type": "talk", "option": {"text": "x", "digits_handle": "stop"}}),
            '$.actions[0].option.digits_handle: found "stop", expected "" or "next"',
        ),
        (
            file({"type": "talk", "option": {"text": "x", "async": "yes"}}),
            '$.actions[0].option.async: found "yes", expected true or false',
        ),
        (
            file({"type": "sleep", "option": {"duration": "3"}}),
            '$.actions[0].option.duration: found "3", expected a whole',
        ),
        (
            file({"type": "sleep", "option": {"duration": 1.5}}),
            "$.actions[0].option.duration: found 1.5, expected a whole",
        ),
        (
            file({"type": "sleep", "option": {"duration": True}}),
            "$.actions[0].option.duration: found true, expected a whole",
        ),
        (
            file({"type": "sleep", "option": {"duration": -1}}),
            "$.actions[0].option.duration: found -1, expected at least 0",
        ),
        (
            file({"type": "sleep", "option": {"duration": 10**100}}),
            "$.actions[0].option.duration: found a huge number, expected",
        ),
        (file({"type": "play", "option": {"stream_urls": []}}), "$.actions[0].option.stream_urls: found a list of 0"),
        (
            file({"type": "play", "option": {"stream_urls": "${x}"}}),
            '$.actions[0].option.stream_urls: found "${x}", expected a list',
        ),
        (
            file({"type": "play", "option": {"stream_urls": ["file:///etc/passwd"]}}),
            '$.actions[0].option.stream_urls[0]: found "file:///etc/passwd", expected an http:// or https:// URL',
        ),
        (
            file({"type": "transcribe_start", "option": {"direction": "inn"}}),
            '$.actions[0].option.direction: found "inn", expected "in", "out" or "both"',
        ),
        (
            {"actions": [{"type": "transcribe_start"}]},
            "$.actions[0].option.language: found no language, expected one here or as $.language of the flow",
        ),
        (file({**TALK, "id": "1st"}), '$.actions[0].id: found "1st", expected a UUID or a name'),
        (file({**TALK, "id": ""}), '$.actions[0].id: found "", expected a UUID or a name'),
        (file({**TALK, "id": None}), "$.actions[0].id: found null, expected a text"),
        (file({**TALK, "id": ZERO_ID}), "expected an id that is not reserved"),
        (
            file({**TALK, "id": "a"}, {**TALK, "id": "a"}),
            '$.actions[1].id: found "a", the id of $.actions[0], expected an id of its own',
        ),
        (file({**TALK, "id": UUID}, {**TALK, "id": UUID.upper()}), "the id of $.actions[0], expected an id of its own"),
        (
            file({**TALK, "id": "menu", "next_id": "mneu"}),
            '$.actions[0].next_id: found "mneu", expected the id of an action of this flow: one of menu (did you mean',
        ),
        (
            file({"type": "goto", "option": {"target_id": "menu"}}),
            '$.actions[0].option.target_id: found "menu", expected the id of an action of this flow',
        ),
        (file({"type": "goto", "option": {"target_id": ""}}), "$.actions[0].option.target_id"),
        (
            file(
                {"id": "a", "type": "answer"},
                {"type": "variable_set", "option": {"key": "k", "value": ""}, "next_id": "a"},
            ),
            "$.actions[1].next_id: found a loop back to $.actions[0] without an exit and without an action that waits",
        ),
    ],
)
def test_broken_files(content: object, expected: str) -> None:
    found = findings(content)
    assert any(expected in each for each in found), found
    assert check(content).flow is None


def test_all_findings_come_at_once_and_name_the_file() -> None:
    content = file(
        {"type": "talk", "option": {"text": 1, "what": 2}},
        {"type": "dance"},
        {"type": "beep", "next_id": "nowhere", "extra": 1},
        nmae="x",
        numbers=["a b"],
    )
    checked = check(content)
    assert {each.path for each in checked.findings} == {
        "$.actions[0].option.text",
        "$.actions[0].option.what",
        "$.actions[1].type",
        "$.actions[2].next_id",
        "$.actions[2].extra",
        "$.nmae",
        "$.numbers[0]",
    }
    assert {each.file for each in checked.findings} == {"x.json"}


def test_a_flow_is_built_with_stable_ids() -> None:
    content = file({"id": "menu", **TALK}, {"type": "stop", "next_id": "menu"}, {"id": UUID.upper(), "type": "beep"})
    flow, again = check(content).flow, check(content).flow
    assert flow is not None
    assert flow == again
    assert (flow.name_key, flow.name, flow.language) == ("x", "x", "en-US")
    assert flow.id == to_flow_id("x")
    assert all(is_id(each.id) for each in flow.actions)
    assert flow.actions[0].id == to_action_id(flow.id, "menu") == flow.actions[1].next_id
    assert flow.actions[2].id == UUID
    assert flow.actions[0].next_id == ZERO_ID


def test_surrogates_are_a_finding_not_a_crash() -> None:
    assert check(b'{"actions": [{"type": "talk", "option": {"text": "\\ud800", "language": "en-US"}}]}').flow is None


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("${x}")
anything: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
option_keys = sorted({field.alias or name for spec in REGISTRY for name, field in spec.options.model_fields.items()})
entries = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from([*REGISTRY.types, "ai_talk"]) | anything,
        "id": st.sampled_from(["a", "b", UUID]) | anything,
        "next_id": st.sampled_from(["a", "b", UUID, FINISH_ID]) | anything,
        "option": st.dictionaries(
            st.sampled_from(option_keys), st.sampled_from(["a", "in", 3, "${x}"]) | anything, max_size=4
        ),
    },
)


@settings(max_examples=150, deadline=None)
@given(
    st.fixed_dictionaries(
        {"actions": st.lists(entries | anything, max_size=4) | anything},
        optional={"numbers": anything, "language": st.just("en-US") | anything, "name": anything, "zzz": anything},
    )
    | anything
)
def test_the_checker_never_breaks(content: object) -> None:
    checked = check(json.dumps(content).encode())
    assert (checked.flow is None) == bool(checked.errors)
    assert all(each.path.startswith("$") for each in checked.findings)


@given(st.binary(max_size=60))
def test_the_checker_never_breaks_on_bytes(content: bytes) -> None:
    checked = check(content)
    assert checked.flow is None
    assert checked.findings
