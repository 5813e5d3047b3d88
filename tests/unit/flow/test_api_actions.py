"""Actions that clients of the API send."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import actions
from app.domain.ids import ZERO_ID, is_id, new_id
from app.errors import InvalidArgument
from app.flow.action_registry import load_actions
from app.flow.activeflow import Cursor
from app.flow.api_actions import (
    MAX_ACTIONS,
    MAX_DEPTH,
    InvalidActionType,
    InvalidAnonymousOption,
    check_actions,
    inspect_actions,
)

REGISTRY = load_actions(actions)
TALK = {"type": "talk", "option": {"text": "hello", "language": "en-US"}}


def check(raw: object) -> Any:
    return check_actions(raw, "actions", REGISTRY)


def nested(depth: int) -> Any:
    return {"a": nested(depth - 1)} if depth else 1


def test_habits_of_old_clients_pass() -> None:
    option = {"language": "en-US", "provider": "aws", "direction": "", "on_end_flow_id": "", "junk": {"a": [1, None]}}
    checked = check(
        [
            {"type": "answer", "option": None, "id": ZERO_ID, "next_id": ZERO_ID, "tm_execute": ""},
            {"type": "answer", "option": {}, "id": "", "next_id": None},
            {"type": "transcribe_start", "option": option},
            {"type": "goto", "option": {"target_id": new_id(), "loop_count": None}} | {"option": {"target_id": "${x}"}},
        ]
    )
    assert [action.next_id for action in checked] == [ZERO_ID] * 4
    assert all(is_id(action.id) for action in checked)
    assert len({action.id for action in checked}) == 4
    assert checked[0].option == {}
    assert checked[2].option == {key: value for key, value in option.items() if key != "direction"}
    assert check([]) == ()


def test_names_lead_where_they_name() -> None:
    upper = new_id().upper()
    checked = check(
        [
            {"id": "menu", "next_id": upper, **TALK},
            {"type": "goto", "option": {"target_id": "menu", "loop_count": 1}},
            {"id": upper, **TALK},
        ]
    )
    assert checked[0].next_id == checked[2].id == upper.lower()
    cursor = Cursor(checked, new_id(), max_stacks=1)
    cursor.advance()
    assert cursor.current == checked[2]
    cursor.jump("menu")
    assert cursor.current == checked[0]


def test_what_was_shown_can_be_sent_again() -> None:
    checked = check([{"id": "menu", **TALK}, {"type": "goto", "option": {"target_id": "menu", "loop_count": 1}}])
    shown = [
        {"id": each.id, "type": each.type, "option": dict(each.option), "next_id": each.next_id} for each in checked
    ]
    assert check(shown) == checked


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (None, "actions"),
        ({}, "actions"),
        ([TALK] * (MAX_ACTIONS + 1), "actions"),
        ([TALK, 5], "actions[1]"),
        ([TALK, {"type": "answer", "option": 5}], "actions[1].option"),
        ([{"type": "answer", "option": []}], "actions[0].option"),
        ([{"type": "talk"}], "actions[0].option.text"),
        ([{"type": "talk", "option": {"text": None, "language": "en"}}], "actions[0].option.text"),
        ([{"type": "talk", "option": {"text": "x"}}], "actions[0].option.language"),
        ([{"type": "talk", "option": {"text": "x", "language": "no such"}}], "actions[0].option.language"),
        ([{"type": "sleep", "option": {"duration": "5"}}], "actions[0].option.duration"),
        ([{"type": "goto", "option": {"target_id": "x"}}], "actions[0].option.target_id"),
        ([{"type": "goto", "option": {"target_id": ZERO_ID}}], "actions[0].option.target_id"),
        ([{"next_id": "x", **TALK}], "actions[0].next_id"),
        ([{"next_id": 5, **TALK}], "actions[0].next_id"),
        ([{"id": "1x", **TALK}], "actions[0].id"),
        ([{"id": 5, **TALK}], "actions[0].id"),
        ([{"id": "00000000-0000-0000-0000-000000000002", **TALK}], "actions[0].id"),
        ([{"id": "a", **TALK}, {"id": "a", **TALK}], "actions[1].id"),
        ([{"id": "a", "type": "answer", "next_id": "a"}], "actions[0].next_id"),
        ([{"type": "answer", "option": {"a": ["\0"]}}], "actions[0].option.a[0]"),
        ([{"type": "answer", "option": {"a": "é" * 16385}}], "actions[0].option.a"),
        ([{"type": "answer", "option": {"a": math.inf}}], "actions[0].option.a"),
        ([{"type": "answer", "option": {"a": 2**63}}], "actions[0].option.a"),
        ([{"type": "answer", "option": {"a" * 256: 1}}], "actions[0].option"),
        ([{"type": "answer", "option": nested(MAX_DEPTH + 1)}], "actions[0].option" + ".a" * (MAX_DEPTH + 1)),
    ],
)
def test_the_first_fault_is_named(raw: Any, field: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        check(raw)
    assert refused.value.field == field
    assert refused.value.code == "INVALID_ARGUMENT"


@pytest.mark.parametrize("type_name", [None, "", 5, [], "dance", "TALK"])
def test_an_unknown_type_is_refused(type_name: object) -> None:
    with pytest.raises(InvalidActionType) as refused:
        check([TALK, {"type": type_name}])
    assert refused.value.field == "actions[1].type"
    assert refused.value.code == "INVALID_ACTION_TYPE"


def test_anonymous_has_an_error_of_its_own() -> None:
    option = {"destinations": [{"target": "2001"}], "anonymous": "maybe"}
    with pytest.raises(InvalidAnonymousOption) as refused:
        check([{"type": "connect", "option": option}])
    assert refused.value.field == "actions[0].option.anonymous"
    assert refused.value.code == "INVALID_ANONYMOUS_VALUE"


def test_a_wrong_address_is_named() -> None:
    option = {"destinations": [{"target": "2001"}, {"type": "tel", "target": "1"}]}
    with pytest.raises(InvalidArgument) as refused:
        check([{"type": "connect", "option": option}])
    assert refused.value.field == "actions[0].option.destinations[1].target"
    assert check([{"type": "connect", "option": {"destinations": [{"target": "${voipbin.call.source.target}"}]}}])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
entries = st.fixed_dictionaries(
    {"type": st.sampled_from(REGISTRY.types) | json_values},
    optional={
        "id": json_values,
        "next_id": json_values,
        "option": json_values
        | st.dictionaries(st.sampled_from(["text", "language", "duration", "target_id", "key"]), json_values),
    },
)


@given(st.lists(entries, max_size=4))
def test_whatever_comes_is_checked_or_refused(raw: list[Any]) -> None:
    try:
        checked = check(raw)
    except InvalidArgument:
        return
    assert len(checked) == len(raw)


def test_all_findings_come_with_the_first_fault() -> None:
    option = {"text": 1, "language": "no such"}
    raw = [{"type": "talk", "option": option}, 5, {"type": "dance"}, {"next_id": "x", **TALK}]
    raw.append({"type": "talk", "option": {"text": "${name}", "language": "en-US"}})
    with pytest.raises(InvalidArgument) as refused:
        check(raw)
    findings = refused.value.details["findings"]
    assert isinstance(findings, tuple)
    assert refused.value.field == findings[0].path
    assert {(each.path, each.severity.value) for each in findings} == {
        ("actions[1]", "error"),
        ("actions[0].option.text", "error"),
        ("actions[0].option.language", "error"),
        ("actions[2].type", "error"),
        ("actions[3].next_id", "error"),
        ("actions[4].option.text", "warning"),
    }


def test_warnings_do_not_refuse() -> None:
    checked = inspect_actions([{"type": "stop"}, TALK], "actions", REGISTRY)
    assert len(checked.actions) == 2
    assert [(each.path, each.is_error) for each in checked.warnings] == [("actions[1]", False)]
