import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.flow import Action
from app.domain.ids import ZERO_ID, new_id
from app.flow.activeflow import Cursor, StackLimit, UnknownTarget
from app.flow.flow_ids import FINISH_ID, NEXT_ID, to_action_id

FLOW = new_id()


def act(name: str, next_name: str = "") -> Action:
    next_id = next_name if next_name.startswith("0000") else to_action_id(FLOW, next_name) if next_name else ZERO_ID
    return Action(id=to_action_id(FLOW, name), type=name, next_id=next_id)


def walk(cursor: Cursor, limit: int = 20) -> list[str]:
    names: list[str] = []
    while cursor.current is not None and len(names) < limit:
        names.append(cursor.current.type)
        cursor.advance()
    return names


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        ((), []),
        ((act("a"), act("b")), ["a", "b"]),
        ((act("a", "c"), act("b"), act("c")), ["a", "c"]),
        ((act("a"), act("b", "a")), ["a", "b"] * 10),
        ((act("a", "nowhere"), act("b")), ["a"]),
        ((act("a", FINISH_ID), act("b")), ["a"]),
        ((act("a", NEXT_ID), act("b")), ["a", "b"]),
    ],
)
def test_next_steps(actions: tuple[Action, ...], expected: list[str]) -> None:
    assert walk(Cursor(actions, FLOW, max_stacks=3)) == expected


def test_a_pushed_stack_returns_to_where_its_action_goes_on() -> None:
    cursor = Cursor((act("a", "c"), act("b"), act("c")), FLOW, max_stacks=3)
    cursor.push((act("x"), act("y")), FLOW)
    assert walk(cursor) == ["x", "y", "c"]


def test_an_empty_push_is_a_step() -> None:
    cursor = Cursor((act("a"), act("b")), FLOW, max_stacks=3)
    cursor.push((), FLOW)
    assert walk(cursor) == ["b"]


def test_jumps_reach_the_stacks_below_and_drop_those_above() -> None:
    cursor = Cursor((act("a"), act("b")), FLOW, max_stacks=3)
    cursor.push((act("x"), act("b")), FLOW)
    cursor.jumps["x"] = 5
    cursor.jump("b")
    assert cursor.jumps["x"] == 5, "the nearest stack wins"
    cursor.jump("a")
    assert cursor.jumps["x"] == 0, "every stack counts for itself"
    assert walk(cursor) == ["a", "b"]


def test_unknown_targets_and_too_many_stacks_are_errors() -> None:
    cursor = Cursor((act("a"),), FLOW, max_stacks=2)
    with pytest.raises(UnknownTarget):
        cursor.jump("nowhere")
    cursor.push((act("x"),), FLOW)
    with pytest.raises(StackLimit, match="more than 2 stacks"):
        cursor.push((act("y"),), FLOW)


@given(st.lists(st.sampled_from(["next", "push", "jump"]), max_size=30))
def test_the_cursor_is_always_on_an_action_or_at_the_end(moves: list[str]) -> None:
    cursor = Cursor((act("a"), act("b", "a")), FLOW, max_stacks=100)
    for move in moves:
        match move:
            case "next":
                cursor.advance()
            case "push":
                cursor.push((act("x"), act("y")), FLOW)
            case "jump":
                cursor.jump("a")
        assert cursor.current is not None, "a flow that loops has no end"
