"""mute, echo, amd and block, on scripted parts."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from app.domain.call import AnsweredBy, CallStatus
from app.errors import Unavailable
from app.flow.activeflow import create_activeflow
from app.flow.executor import Executor
from tests.unit.flow.doubles import ScriptedCall, Stage, build, check, types

ANSWER = {"type": "answer"}
BEEP = {"type": "beep"}
SHOW = {"type": "talk", "option": {"text": "<${voipbin.call.amd}>"}}


class ScriptedSounds:
    """Notes what is asked; the answer is what the test says."""

    def __init__(self, call: ScriptedCall, answered_by: AnsweredBy = AnsweredBy.HUMAN) -> None:
        self._call = call
        self.answered_by = answered_by
        self.error: Exception | None = None
        self.gate: asyncio.Event | None = None

    async def echo(self, call_id: str, *, seconds: float) -> None:
        self._note(call_id, "echo", str(seconds))

    async def detect_answer(self, call_id: str) -> AnsweredBy:
        self._note(call_id, "detect")
        if self.gate is not None:
            await self.gate.wait()
        return self.answered_by

    def _note(self, call_id: str, *what: str) -> None:
        assert call_id == self._call.record.id
        if self.error is not None:
            raise self.error
        self._call.done.append(what)


def stage_with(answered_by: AnsweredBy = AnsweredBy.HUMAN) -> tuple[Stage, ScriptedSounds]:
    stage = Stage()
    sounds = ScriptedSounds(stage.call, answered_by)
    stage.ports = replace(stage.ports, sounds=sounds)
    return stage, sounds


def amd(**option: Any) -> Mapping[str, Any]:
    return {"type": "amd", "option": option}


@pytest.mark.parametrize("kind", ["echo", "stream_echo"])
@pytest.mark.parametrize(("option", "seconds"), [({}, "180.0"), ({"duration": 1500}, "1.5")])
async def test_echo_lasts_as_long_as_told(kind: str, option: Mapping[str, int], seconds: str) -> None:
    stage, _ = stage_with()
    await stage.run(ANSWER, {"type": kind, "option": option}, BEEP)
    assert stage.call.done[1:3] == [("echo", seconds), ("play", "tone:beep")]


async def test_an_echo_that_cannot_be_lets_the_flow_go_on() -> None:
    stage, sounds = stage_with()
    sounds.error = Unavailable("all ports are in use")
    await stage.run(ANSWER, {"type": "echo"}, BEEP)
    assert stage.call.done[1] == ("play", "tone:beep")


@pytest.mark.parametrize(
    ("option", "done"),
    [
        ({}, ("mute", "both")),
        ({"direction": "in"}, ("mute", "in")),
        ({"direction": "out", "is_on": False}, ("unmute", "out")),
        ({"is_on": False}, ("unmute", "both")),
    ],
)
async def test_mute_and_unmute(option: Mapping[str, Any], done: tuple[str, str]) -> None:
    stage = Stage()
    await stage.run(ANSWER, {"type": "mute", "option": option})
    assert stage.call.done[1] == done


async def test_mute_needs_an_answered_call() -> None:
    stage = Stage()
    await stage.run({"type": "mute"}, BEEP)
    assert stage.call.done[0] == ("play", "tone:beep")


@pytest.mark.parametrize("answered_by", list(AnsweredBy))
async def test_amd_sets_its_variable_and_goes_on(answered_by: AnsweredBy) -> None:
    stage, _ = stage_with(answered_by)
    await stage.run(ANSWER, amd(), SHOW)
    assert stage.call.done[1:] == [
        ("detect",),
        ("play", f"sound:http://app/en-US/<{answered_by}>"),
        ("hang_up", "normal"),
    ]


@pytest.mark.parametrize("answered_by", list(AnsweredBy))
async def test_amd_hangs_up_on_a_machine_only(answered_by: AnsweredBy) -> None:
    stage, _ = stage_with(answered_by)
    ran = types(await stage.run(ANSWER, amd(machine_handle="hangup"), BEEP))
    is_machine = answered_by is AnsweredBy.MACHINE
    assert stage.call.done[-1] == ("hang_up", "amd" if is_machine else "normal")
    assert ("beep" in ran) is not is_machine


async def test_amd_beside_the_flow() -> None:
    stage, sounds = stage_with(AnsweredBy.MACHINE)
    sounds.gate = asyncio.Event()
    wait = {"type": "digits_receive", "option": {"duration": 60_000, "length": 1}}
    running = asyncio.create_task(stage.run(ANSWER, amd(machine_handle="hangup", **{"async": True}), wait, SHOW))
    while ("detect",) not in stage.call.done:
        await asyncio.sleep(0)
    assert stage.call.record.status is CallStatus.PROGRESSING
    sounds.gate.set()
    while ("hang_up", "amd") not in stage.call.done:
        await asyncio.sleep(0)
    stage.call.digits.note("1")
    await running
    assert ("play", "sound:http://app/en-US/<machine>") in stage.call.done


async def test_amd_that_fails_lets_the_flow_go_on() -> None:
    stage, sounds = stage_with()
    sounds.error = Unavailable("no sound")
    await stage.run(ANSWER, amd(machine_handle="hangup"), SHOW)
    assert stage.call.done[1] == ("play", "sound:http://app/en-US/<>")


@pytest.mark.parametrize("option", [{"machine_handle": "shout"}, {"duration": 5}])
def test_wrong_options_are_refused(option: Mapping[str, Any]) -> None:
    assert check({"actions": [amd(**option)]}).findings
    assert check({"actions": [{"type": "echo", "option": {"duration": -1}}]}).findings
    assert check({"actions": [{"type": "mute", "option": {"direction": "up"}}]}).findings


async def test_block_parks_a_flow_without_a_call_until_it_is_stopped() -> None:
    stage = Stage()
    flow = build({"type": "block"}, {"type": "variable_set", "option": {"key": "k", "value": "v"}})
    activeflow = create_activeflow(flow, stage.call.record)
    executor = Executor(stage.registry, stage.ports)
    running = asyncio.create_task(executor.run(activeflow, flow, None, on_step=stage.on_step))
    while not stage.steps:
        await asyncio.sleep(0)
    for _ in range(20):
        await asyncio.sleep(0)
    assert not running.done()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert types(stage.steps[-1]) == ["block"]


async def test_block_does_not_park_a_call() -> None:
    assert types(await Stage().run({"type": "block"}, BEEP)) == ["block", "beep"]
