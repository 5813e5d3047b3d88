"""The action call: what it orders, how its nested actions are checked, and what becomes of chained calls."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from app.domain.call import AddressType
from app.domain.ids import ZERO_ID
from app.errors import InvalidArgument, Unavailable
from app.flow.api_actions import InvalidActionType, check_actions
from app.flow.flow_ids import to_flow_id
from app.flow.nested_actions import fill_languages
from app.flow.ports import FlowCallOrder
from tests.unit.flow.doubles import CUSTOMER_ID, REGISTRY, Stage, check, types

BEEP = {"type": "beep"}
BOB = {"type": "sip", "target": "bob@192.0.2.1"}
HELLO = {"type": "talk", "option": {"text": "hello"}}


class ScriptedPlacing:
    """Notes the orders."""

    def __init__(self) -> None:
        self.orders: list[FlowCallOrder] = []
        self.error: Exception | None = None

    async def place(self, order: FlowCallOrder) -> Sequence[str]:
        self.orders.append(order)
        if self.error is not None:
            raise self.error
        return ()


def stage_with() -> tuple[Stage, ScriptedPlacing]:
    stage, placing = Stage(), ScriptedPlacing()
    stage.ports = replace(stage.ports, placing=placing)
    return stage, placing


def call(**option: Any) -> Mapping[str, Any]:
    return {"type": "call", "option": {"destinations": [BOB], **option}}


def paths(*actions: Mapping[str, Any], language: str = "en-US") -> list[str]:
    return [each.path for each in check({"language": language, "actions": list(actions)}).findings if each.is_error]


async def test_it_orders_and_the_flow_goes_on() -> None:
    stage, placing = stage_with()
    option = {
        "source": {"type": "tel", "target": "+15551230000"},
        "flow_id": "after",
        "chained": True,
        "early_execution": True,
        "anonymous": "yes",
    }
    ran = await stage.run(call(**option), BEEP)
    [order] = placing.orders
    assert types(ran) == ["call", "beep"]
    assert (order.customer_id, order.call_id) == (CUSTOMER_ID, stage.call.record.id)
    assert order.source is not None
    assert (order.source.type, order.source.target) == (AddressType.TEL, "+15551230000")
    assert [each.target for each in order.destinations] == ["bob@192.0.2.1"]
    assert (order.flow_id, order.actions) == (to_flow_id("after"), [])
    assert (order.is_chained, order.is_early, order.anonymous, order.language) == (True, True, "yes", "en-US")


async def test_its_actions_see_the_variables_of_now() -> None:
    stage, placing = stage_with()
    say = {"type": "talk", "option": {"text": "hello ${who}"}}
    await stage.run({"type": "variable_set", "option": {"key": "who", "value": "Bob"}}, call(actions=[say]))
    [order] = placing.orders
    assert order.actions == [{"type": "talk", "option": {"text": "hello Bob"}}]
    assert (order.flow_id, order.source, order.is_chained) == (ZERO_ID, None, False)


async def test_no_call_at_all_ends_the_flow() -> None:
    stage, placing = stage_with()
    placing.error = Unavailable("all ports are in use")
    assert types(await stage.run(call(flow_id="x"), BEEP)) == ["call"]


@pytest.mark.parametrize(
    ("option", "path"),
    [
        ({}, ""),
        ({"actions": []}, ""),
        ({"actions": [{"type": "tlak"}]}, ".actions[0].type"),
        ({"actions": [HELLO, {"type": "sleep", "option": {"duration": -1}}]}, ".actions[1].option.duration"),
        ({"actions": [{"typ": "beep"}]}, ".actions[0].type"),
        ({"actions": [{"type": "goto", "option": {"target_id": "outer"}}]}, ".actions[0].option.target_id"),
        ({"actions": [{"type": "beep", "next_id": "nowhere"}]}, ".actions[0].next_id"),
        ({"actions": [{"id": "a", **BEEP}, {"id": "a", **BEEP}]}, ".actions[1].id"),
        ({"actions": [call(actions=[{"type": "tlak"}])]}, ".actions[0].option.actions[0].type"),
        ({"actions": BEEP}, ".actions"),
        ({"flow_id": "x", "destinations": []}, ".destinations"),
        ({"flow_id": "x", "anonymous": "maybe"}, ".anonymous"),
    ],
)
def test_what_is_wrong_is_told_with_its_path(option: Mapping[str, Any], path: str) -> None:
    assert f"$.actions[0].option{path}" in paths(call(**option), {"id": "outer", **BEEP})


def test_names_of_its_actions_are_their_own() -> None:
    inner = [{"id": "outer", **HELLO}, {"type": "goto", "option": {"target_id": "outer", "loop_count": 1}}]
    assert paths(call(actions=inner), {"id": "outer", **BEEP}) == []


def test_flows_inside_flows_have_an_end() -> None:
    actions: list[Mapping[str, Any]] = [HELLO]
    for _ in range(5):
        actions = [call(actions=actions)]
    assert paths(*actions) == ["$.actions[0]" + ".option.actions[0]" * 4 + ".option.actions"]


def test_its_actions_take_the_language_of_the_flow() -> None:
    assert paths(call(actions=[HELLO])) == []
    assert paths(call(actions=[HELLO]), language="") == ["$.actions[0].option.actions[0].option.language"]
    [filled] = fill_languages([call(actions=[HELLO, BEEP])], "ko-KR", REGISTRY)
    option = filled["option"]
    assert isinstance(option, dict)
    assert option["actions"] == [{"type": "talk", "option": {"text": "hello", "language": "ko-KR"}}, BEEP]


def test_over_the_api_they_are_checked_too() -> None:
    nested = [{"type": "talk", "option": {"text": "x", "language": "en-US"}}]
    assert len(check_actions([call(actions=nested, flow_id="")], "actions", REGISTRY)) == 1
    with pytest.raises(InvalidActionType, match=r"actions\[0\].option.actions\[0\].type"):
        check_actions([call(actions=[{"type": "tlak"}])], "actions", REGISTRY)
    with pytest.raises(InvalidArgument, match=r"actions\[0\].option.actions\[0\].option.language"):
        check_actions([call(actions=[HELLO])], "actions", REGISTRY)
