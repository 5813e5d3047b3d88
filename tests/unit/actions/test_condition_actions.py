"""branch and the conditions: which way a flow goes."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.call import CallStatus
from tests.unit.flow.doubles import ScriptedCall, Stage, check, types

MARKED = {"id": "other", "type": "beep"}
END = {"type": "stop"}


def set_to(key: str, value: str) -> Mapping[str, Any]:
    return {"type": "variable_set", "option": {"key": key, "value": value}}


async def holds(
    kind: str, option: Mapping[str, Any], stage: Stage | None = None, variables: Mapping[str, str] | None = None
) -> bool:
    """Whether the flow goes on with the next action; else it beeps."""
    stage = stage or Stage()
    condition = {"type": kind, "option": {"false_target_id": "other", **option}}
    ran = types(await stage.run(*(set_to(*pair) for pair in (variables or {}).items()), condition, END, MARKED))
    return ran[-1] == "stop"


async def branched(value: str, **option: Any) -> str:
    """Where a branch on the variable `x` leads: a, b, default or nowhere."""
    stage = Stage()
    asked = {"variable": "x", "target_ids": {"1": "a", "2": "b", "": "a"}, **option}
    ends = [
        {"id": name, "type": "talk", "option": {"text": f"{name}<${{x}}>"}, "next_id": "end"}
        for name in ("a", "b", "d")
    ]
    await stage.run(set_to("x", value), {"type": "branch", "option": asked}, *ends, {"id": "end", "type": "stop"})
    return next((each[1].rpartition("/")[2] for each in stage.call.done if each[0] == "play"), "nowhere")


@pytest.mark.parametrize("variable", ["x", "${x}"])
@pytest.mark.parametrize(("value", "where"), [("1", "a<>"), ("2", "b<>"), ("", "a<>"), ("12", "d<>"), ("${x}", "a<>")])
async def test_branch_goes_where_the_value_leads_and_clears_it(variable: str, value: str, where: str) -> None:
    assert await branched(value, variable=variable, default_target_id="d") == where


async def test_branch_without_a_target_ends_the_flow() -> None:
    assert await branched("3") == "nowhere"


async def test_branch_takes_a_target_from_a_variable() -> None:
    assert await branched("b", variable="y", default_target_id="${x}") == "a<b>"  # y is empty, and "" leads to a
    assert await branched("b", variable="y", default_target_id="${x}", target_ids={}) == "b<b>"


async def test_branch_looks_at_the_digits_by_default() -> None:
    stage = Stage()
    stage.call.digits.note("5")
    await stage.run(
        {"type": "sleep", "option": {"duration": 0}},
        {"type": "branch", "option": {"target_ids": {"5": "other"}}},
        MARKED,
    )
    assert stage.call.done[0] == ("play", "tone:beep")


def test_branch_targets_are_checked() -> None:
    option = {"target_ids": {"1": "nope"}, "default_target_id": "neither"}
    found = [each.path for each in check({"actions": [{"type": "branch", "option": option}]}).findings]
    assert found == ["$.actions[0].option.default_target_id", "$.actions[0].option.target_ids['1']"]


OPERATORS = ["==", "!=", ">", ">=", "<", "<="]


@pytest.mark.parametrize(
    ("value", "wanted", "expected"),
    [
        ("b", "b", [1, 0, 0, 1, 0, 1]),
        ("a", "b", [0, 1, 0, 0, 1, 1]),
        ("c", "b", [0, 1, 1, 1, 0, 0]),
        ("", "", [1, 0, 0, 1, 0, 1]),
        ("10", "9", [0, 1, 0, 0, 1, 1]),
    ],
)
@pytest.mark.parametrize("variable", ["x", "${x}"])
async def test_texts_compare(variable: str, value: str, wanted: str, expected: list[int]) -> None:
    asked = {"variable": variable, "value_type": "string", "value_string": wanted}
    found = [
        await holds("condition_variable", {"condition": each, **asked}, variables={"x": value}) for each in OPERATORS
    ]
    assert found == [bool(each) for each in expected]


@pytest.mark.parametrize(
    ("value", "wanted", "expected"),
    [
        ("10", 9, [0, 1, 1, 1, 0, 0]),
        ("9", 9, [1, 0, 0, 1, 0, 1]),
        ("9.0", 9, [1, 0, 0, 1, 0, 1]),
        ("-1.5e1", -15.0, [1, 0, 0, 1, 0, 1]),
        (" 7 ", 9, [0, 1, 0, 0, 1, 1]),
        ("12345678901234567891", 12345678901234567890, [0, 1, 1, 1, 0, 0]),
        ("0.1", 0.1, [1, 0, 0, 1, 0, 1]),
        *((text, 0, [0] * 6) for text in ("", "one", "nan", "inf", "1_0", "0x1", "1e9999", "٣", "1,5", "--1")),
    ],
)
async def test_numbers_compare_and_what_is_none_never_does(value: str, wanted: float, expected: list[int]) -> None:
    asked = {"variable": "x", "value_type": "number", "value_number": wanted}
    found = [
        await holds("condition_variable", {"condition": each, **asked}, variables={"x": value}) for each in OPERATORS
    ]
    assert found == [bool(each) for each in expected]


@pytest.mark.parametrize(
    ("value", "expected"), [("", [0, 1, 0, 0, 1, 1]), ("안녕", [1, 0, 0, 1, 0, 1]), ("abc", [0, 1, 1, 1, 0, 0])]
)
async def test_lengths_compare(value: str, expected: list[int]) -> None:
    asked = {"variable": "x", "value_type": "length", "value_length": 2}
    found = [
        await holds("condition_variable", {"condition": each, **asked}, variables={"x": value}) for each in OPERATORS
    ]
    assert found == [bool(each) for each in expected]


async def test_a_value_may_come_from_a_variable() -> None:
    variables = {"x": "5", "y": "5"}
    asked: dict[str, Any] = {"condition": "==", "variable": "x", "value_string": "${y}"}
    assert await holds("condition_variable", asked, variables=variables)
    asked = {"condition": "==", "variable": "x", "value_type": "number", "value_number": "${y}"}
    assert await holds("condition_variable", asked, variables=variables)


@given(st.text(max_size=20), st.text(max_size=20), st.sampled_from(["string", "number", "length"]))
async def test_no_value_breaks_a_condition(value: str, wanted: str, kind: str) -> None:
    asked = {"condition": ">=", "variable": "x", "value_type": kind, "value_string": wanted.replace("$", "")}
    await holds("condition_variable", asked, variables={"x": value.replace("$", "")})


# 2026-11-23 is a Monday.
NOON = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)
ANY = {"minute": -1, "hour": -1}


def at(moment: datetime) -> Stage:
    """A stage with a clock that stands."""
    stage = Stage()
    stage.ports = replace(stage.ports, now=lambda: moment)
    return stage


@pytest.mark.parametrize(
    ("condition", "option", "expected"),
    [
        ("==", ANY, True),
        ("==", {"minute": 30, "hour": 12}, True),
        ("==", {"minute": 30}, False),  # an absent hour is 0
        ("==", {"hour": 12}, False),  # and an absent minute
        (">=", {}, True),
        (">=", {**ANY, "hour": 9}, True),
        (">=", {**ANY, "hour": 13}, False),
        ("<", {**ANY, "hour": 13}, True),
        ("<", {**ANY, "hour": 12}, False),
        ("<=", {**ANY, "hour": 12}, True),
        (">", {**ANY, "hour": 12}, False),
        ("!=", {**ANY, "hour": 11}, True),
        (">=", {"hour": 9, "minute": 45}, False),  # each part for itself
        ("==", {**ANY, "day": 23, "month": 11}, True),
        ("==", {**ANY, "day": 24}, False),
        ("==", {**ANY, "month": 12}, False),
        ("==", {**ANY, "day": 0, "month": 0}, True),
        ("==", {**ANY, "weekdays": [1]}, True),
        ("==", {**ANY, "weekdays": [0, 6]}, False),
        ("!=", {**ANY, "weekdays": [0, 6]}, False),
        ("==", {**ANY, "weekdays": []}, True),
    ],
)
async def test_the_time_now_compares(condition: str, option: Mapping[str, Any], expected: bool) -> None:
    assert await holds("condition_datetime", {"condition": condition, **option}, at(NOON)) is expected


async def test_sunday_is_the_first_day() -> None:
    for day in range(7):
        moment = datetime(2026, 11, 22 + day, tzinfo=UTC)
        assert await holds("condition_datetime", {"condition": "==", **ANY, "weekdays": [day]}, at(moment))


@pytest.mark.parametrize(
    "option",
    [{"minute": 60}, {"minute": -2}, {"hour": 24}, {"day": 32}, {"day": -1}, {"month": 13}, {"weekdays": [7]},
     {"weekdays": "1"}],
)  # fmt: skip
def test_times_that_do_not_exist_are_refused(option: Mapping[str, Any]) -> None:
    entry = {"type": "condition_datetime", "option": {"condition": "==", "false_target_id": "other", **option}}
    assert check({"actions": [entry, MARKED]}).findings


@pytest.mark.parametrize(
    ("digits", "option", "expected"),
    [
        ("1234", {"length": 4}, True),
        ("123", {"length": 4}, False),
        ("12#", {"key": "#"}, True),
        ("12", {"key": "#"}, False),
        ("12", {"key": "#", "length": 2}, True),
        ("", {}, False),
        ("1", {}, False),
    ],
)
async def test_the_digits_are_enough(digits: str, option: Mapping[str, Any], expected: bool) -> None:
    assert await holds("condition_call_digits", option, variables={"voipbin.call.digits": digits}) is expected


@pytest.mark.parametrize("status", list(CallStatus))
async def test_the_call_has_a_status(status: CallStatus) -> None:
    for asked in ("dialing", "ringing", "progressing", "terminating", "canceling", "hangup"):
        call = ScriptedCall()
        call.record = replace(call.record, status=status)
        assert await holds("condition_call_status", {"status": asked}, Stage(call)) is (asked == status.value)


async def test_a_wrong_target_at_run_time_ends_the_flow() -> None:
    option = {"condition": "==", "variable": "x", "value_string": "y", "false_target_id": "${nowhere}no"}
    ran = await Stage().run({"type": "condition_variable", "option": option}, {"type": "beep"})
    assert types(ran) == ["condition_variable"]


async def test_goto_falls_through_after_its_jumps_also_into_a_branch() -> None:
    stage = Stage()
    ran = await stage.run(
        {"id": "menu", "type": "beep"},
        {"type": "branch", "option": {"target_ids": {"1": "end"}, "default_target_id": "again"}},
        {"id": "again", "type": "goto", "option": {"target_id": "menu", "loop_count": 2}},
        {"id": "end", "type": "stop"},
    )
    assert types(ran) == [*("beep", "branch", "goto") * 3, "stop"]
