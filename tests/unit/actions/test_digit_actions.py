"""digits_receive, digits_send and what becomes of digits in a flow, on a scripted call."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.actions import digits_send as digits_send_module
from app.domain.call import PlayOutcome
from tests.unit.flow.doubles import ScriptedCall, Stage, check

DIGITS = "${voipbin.call.digits}"
ANSWER = {"type": "answer"}


def receive(**option: Any) -> Mapping[str, Any]:
    return {"type": "digits_receive", "option": {"duration": 0, **option}}


def show(text: str = f"<{DIGITS}>") -> Mapping[str, Any]:
    return {"type": "talk", "option": {"text": text}}


def branch(**targets: str) -> Mapping[str, Any]:
    return {"type": "branch", "option": {"target_ids": targets}}


def said(stage: Stage) -> list[str]:
    return [each[1].rpartition("/")[2] for each in stage.call.done if each[0] == "play"]


class PressingCall(ScriptedCall):
    """A call whose party presses keys while texts are spoken: one entry for each text."""

    def __init__(self, *keys: str) -> None:
        super().__init__()
        self.keys = list(keys)

    async def play(self, media: Any, *, is_stopped_by_digit: bool = False) -> PlayOutcome:
        for key in self.keys.pop(0) if self.keys else "":
            self.digits.note(key)
        return await super().play(media, is_stopped_by_digit=is_stopped_by_digit)


@pytest.mark.parametrize(
    ("option", "collected", "left"),
    [
        ({"length": 2}, "12", "3#4"),
        ({"length": 1}, "1", "23#4"),
        ({"key": "#"}, "123", "4"),
        ({"key": "#*", "length": 3}, "123", "#4"),
        ({"key": "1"}, "", "23#4"),
        ({"length": 10}, "123#4", ""),
        ({}, "123#4", ""),
    ],
)
async def test_what_was_typed_ahead_counts_first(option: Mapping[str, Any], collected: str, left: str) -> None:
    """Length, an ending key (which is none of the digits), and what is left for the next one."""
    stage = Stage(PressingCall("123#4"))
    await stage.run(show("menu"), receive(**option), show(), receive(), show())
    assert said(stage) == ["menu", f"<{collected}>", f"<{left}>"]


async def test_what_is_typed_meanwhile_counts_until_the_time_is_up() -> None:
    stage = Stage()
    flow = asyncio.create_task(stage.run(receive(duration=60_000, length=3), show()))
    for key in "12":
        await asyncio.sleep(0)
        stage.call.digits.note(key)
    stage.call.digits.note("3")
    await flow
    assert said(stage) == ["<123>"]


async def test_nothing_typed_is_the_empty_text() -> None:
    stage = Stage()
    await stage.run(
        {"type": "variable_set", "option": {"key": "voipbin.call.digits", "value": "old"}}, receive(length=1), show()
    )
    assert said(stage) == ["<>"]


async def test_a_digit_during_another_action_replaces_the_last_ones() -> None:
    stage = Stage(PressingCall("12", "", "7"))
    await stage.run(show("menu"), show(), show(), show())
    assert said(stage) == ["menu", "<2>", "<2>", "<7>"]


async def test_an_answer_is_not_replaced_by_what_was_typed_ahead() -> None:
    """Both keys come in one go; the first is the answer to the first menu, the second to the second one."""
    stage = Stage(PressingCall("12"))
    await stage.run(
        show("first"),
        receive(length=1),
        branch(**{"1": "second"}),
        {"id": "second", **receive(length=1)},
        branch(**{"2": "end"}),
        {"id": "end", **show("end")},
    )
    assert said(stage) == ["first", "end"]


async def test_a_branch_clears_what_it_has_read() -> None:
    stage = Stage(PressingCall("1"))
    await stage.run(show("menu"), branch(**{"1": "on"}), {"id": "on", **show()}, receive(length=1), show())
    assert said(stage) == ["menu", "<>", "<>"]


@pytest.mark.parametrize(
    ("digits", "extra"), [("12#", {}), ("1", {"duration": 1000, "interval": 5000}), ("D", {"interval": 0})]
)
async def test_digits_are_sent_and_waited_for(
    monkeypatch: pytest.MonkeyPatch, digits: str, extra: Mapping[str, int]
) -> None:
    waited: list[float] = []

    async def note(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(digits_send_module, "wait", note)
    stage = Stage()
    await stage.run({"type": "digits_send", "option": {"digits": digits, **extra}})
    duration, interval = extra.get("duration", 100), extra.get("interval", 100)
    assert stage.call.done[0] == ("digits", digits, str(duration), str(interval))
    count = len(digits)
    assert waited == [pytest.approx((150 + count * duration + (count - 1) * interval) / 1000)]


@pytest.mark.parametrize(
    "option",
    [
        {"digits": ""}, {"digits": "1" * 101}, {"digits": "12a"}, {"digits": "1 2"}, {"digits": "1", "duration": 99},
        {"digits": "1", "duration": 1001}, {"digits": "1", "interval": -1}, {"digits": "1", "interval": 5001}, {},
    ],
)  # fmt: skip
def test_digits_that_cannot_be_sent_are_refused(option: Mapping[str, Any]) -> None:
    assert check({"actions": [{"type": "digits_send", "option": option}]}).findings


@pytest.mark.parametrize(
    "option",
    [{}, {"duration": -1}, {"duration": 10**10}, {"duration": 1, "length": -1}, {"duration": 1, "length": 101},
     {"duration": 1, "key": "x"}, {"duration": 1, "key": "#" * 17}, {"duration": "5"}],
)  # fmt: skip
def test_digits_that_cannot_be_received_are_refused(option: Mapping[str, Any]) -> None:
    assert check({"actions": [{"type": "digits_receive", "option": option}]}).findings


@given(st.text("0123456789*#", max_size=12), st.integers(0, 5), st.text("*#1", max_size=2))
async def test_no_key_is_lost_or_counted_twice(keys: str, length: int, ending: str) -> None:
    stage = Stage(PressingCall(keys))
    await stage.run(
        show("menu"), receive(length=length, key=ending), show("${voipbin.call.digits}|"), receive(), show(DIGITS + "|")
    )
    first, rest = (each.rstrip("|") for each in said(stage)[1:])
    assert not set(first) & set(ending)
    assert keys.startswith(first)
    after = keys[len(first) :]
    is_full = length and len(first) == length
    assert rest == (after if is_full or not after else after[1:])
