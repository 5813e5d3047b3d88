from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.flow import Flow
from app.errors import InvalidArgument
from app.flow.activeflow import create_activeflow
from app.flow.variables import MAX_VALUE_BYTES, Variables, has_placeholder, system_variables
from tests.unit.flow.doubles import make_call


def make_variables(**values: str) -> Variables:
    variables = Variables()
    for name, value in values.items():
        variables.set(name, value)
    return variables


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("${a}", "1"),
        ("<${a}|${b}>", "<1|two>"),
        ("${unknown}", ""),
        ("${}", ""),
        ("${a", "${a"),
        ("$a $${a}", "$a $1"),
        ("${x${a}}", "}"),  # the shortest match counts: no nesting
        ("${again}", "${a}"),  # a value is not looked through again
        ("${voipbin.call.digits}", ""),
        ("${ a }", ""),
    ],
)
def test_expand_replaces_names(text: str, expected: str) -> None:
    variables = make_variables(a="1", b="two", again="${a}")
    assert variables.expand(text) == expected


def test_expand_goes_into_lists_and_objects_but_not_keys() -> None:
    variables = make_variables(a="1")
    option = {"${a}": ["${a}", {"deep": "${a}${a}"}, 7, None, True]}
    assert variables.expand(option) == {"${a}": ["1", {"deep": "11"}, 7, None, True]}


def test_precedence_is_inherited_then_supplied_then_system() -> None:
    variables = Variables()
    variables.assign(
        inherited={"a": "inherited", "b": "inherited", "voipbin.call.id": "old", "voipbin.recording.id": "r"},
        supplied={"b": "supplied", "voipbin.call.id": "forged", "voipbin.mine": "forged"},
        system={"voipbin.call.id": "new"},
    )
    assert variables.snapshot() == {
        "a": "inherited",
        "b": "supplied",
        "voipbin.call.id": "new",
        "voipbin.recording.id": "r",
    }


def test_limits_are_said_and_leave_what_was() -> None:
    variables = make_variables(a="1")
    with pytest.raises(InvalidArgument, match="at most 32768"):
        variables.set("a", "x" * (MAX_VALUE_BYTES + 1))
    variables.set("b", "x" * MAX_VALUE_BYTES)
    with pytest.raises(InvalidArgument, match="at most 65536"):
        variables.set("c", "x" * MAX_VALUE_BYTES)
    for number in range(98):
        variables.set(f"n{number}", "")
    with pytest.raises(InvalidArgument, match="at most 100 in a flow"):
        variables.set("n98", "")
    assert variables.get("a") == "1"
    variables.set("a", "2")  # a known name can always be set again
    variables.set_system({"voipbin.transcribe.id": "t"})
    assert (variables.get("a"), variables.get("voipbin.transcribe.id")) == ("2", "t")


def test_expansion_does_not_grow_without_end() -> None:
    variables = make_variables(a="x" * MAX_VALUE_BYTES)
    with pytest.raises(InvalidArgument, match="too long after substitution"):
        variables.expand(["${a}" * 5, "${a}" * 5])


@given(st.text(), st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=5))
def test_expand_never_fails_and_keeps_texts_without_placeholders(text: str, values: dict[str, str]) -> None:
    variables = make_variables()
    variables.assign(inherited=values, supplied={}, system={})
    expanded = variables.expand(text)
    if not has_placeholder(text):
        assert expanded == text


def test_system_variables_describe_the_call_and_the_activeflow() -> None:
    call = make_call()
    flow = Flow(id="f", name_key="x", name="x", actions=())
    values = system_variables(create_activeflow(flow, call), call)
    assert values["voipbin.call.id"] == call.id
    assert values["voipbin.call.direction"] == "incoming"
    assert values["voipbin.call.source.target"] == "alice"
    assert values["voipbin.call.source.name"] == "Alice"
    assert values["voipbin.call.destination.target"] == "7001"
    assert values["voipbin.call.destination.type"] == "sip"
    assert values["voipbin.activeflow.flow_id"] == "f"
    assert values["voipbin.activeflow.reference_id"] == call.id
    without_call = system_variables(replace(create_activeflow(flow, call), reference_type=""), None)
    assert not any(name.startswith("voipbin.call.") for name in without_call)
