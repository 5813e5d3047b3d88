"""The flows around a conference on real calls: before it, after it, and into its room without them."""

from pathlib import Path
from typing import Any

import pytest

from app.flow.flow_ids import to_flow_id
from tests.asterisk.calls.conversation import write_script
from tests.asterisk.calls.instance import Instance
from tests.asterisk.calls.sip_peer import open_sip_peer
from tests.asterisk.flows.keys import call_id_of, ended_call
from tests.asterisk.flows.phones import wait_loud
from tests.speech_files import english_files

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(150)]

ROOM = "5f0c1b1e-6a0c-4a43-9c0f-51d5a4b0f7b1"
GOOD = {"type": "hangup", "option": {"reason": "busy"}}
BAD = {"id": "bad", "type": "hangup", "option": {"reason": "failed"}}


def set_to(key: str, value: str) -> dict[str, Any]:
    return {"type": "variable_set", "option": {"key": key, "value": value}}


def joining(number: str, conference_id: str, *after: dict[str, Any]) -> dict[str, Any]:
    join = {"type": "conference_join", "option": {"conference_id": conference_id}}
    return {"numbers": [number], "language": "en-US", "actions": [join, *after, GOOD, BAD]}


WAS_BEFORE = {
    "type": "condition_variable",
    "option": {"variable": "before", "condition": "==", "value_string": "pre", "false_target_id": "bad"},
}
INTO = {"type": "confbridge_join", "option": {"confbridge_id": ROOM}}

FLOWS = {
    "room-by-flow": joining("7351", ROOM, WAS_BEFORE),
    "room-at-once": {"numbers": ["7352"], "actions": [INTO, GOOD]},
    "room-pre": {
        "language": "en-US",
        "actions": [{"type": "talk", "option": {"text": "You enter the room."}}, set_to("before", "pre")],
    },
    "room-post": {"actions": [set_to("after", "post")]},
}


def stays(running: Instance, event: str, conference_id: str = ROOM) -> list[dict[str, Any]]:
    return [each for each in running.of_type(event) if each["conference_id"] == conference_id]


async def types_of(running: Instance, call_id: str) -> list[str]:
    """The actions that a call has run."""
    activeflow_id = (await running.get(f"/calls/{call_id}"))["activeflow_id"]
    return [each["type"] for each in (await running.get(f"/activeflows/{activeflow_id}"))["executed_actions"]]


async def test_the_flows_before_and_after(running5: Instance, tmp_path: Path) -> None:
    voice = write_script(english_files()[9:10], tmp_path / "voice.wav").wav
    status, made = await running5.post(
        "/conferences",
        {"id": ROOM, "name": "room", "pre_flow_id": to_flow_id("room-pre"), "post_flow_id": to_flow_id("room-post")},
    )
    assert status == 200, made
    async with open_sip_peer("room-one") as one, open_sip_peer("room-two") as two:
        first = await one.call(running5.sip_uri("7351"))
        await wait_loud(first, "the pre-flow")
        await running5.wait_for(lambda it: len(stays(it, "conferencecall_joined")) == 1, 15, "the first member")
        second = await two.call(running5.sip_uri("7352"))
        await running5.wait_for(lambda it: len(stays(it, "conferencecall_joined")) == 2, 15, "the second member")
        for saying, hearing in ((first, second), (second, first)):
            saying.start_saying(voice)
            await wait_loud(hearing, "the other member")
            await saying.wait_said()
        stay = stays(running5, "conferencecall_joined")[1]
        assert (await running5.delete(f"/conferencecalls/{stay['id']}"))[0] == 200
        await second.wait_ended()
        assert (await running5.delete(f"/conferences/{ROOM}"))[0] == 200
        await first.wait_ended()
    calls = {user: call_id_of(running5, user) for user in ("room-one", "room-two")}
    for call_id in calls.values():
        assert (await ended_call(running5, call_id))["hangup_reason"] == "busy", "the flow goes on after the room"
    # A talk answers by itself, and so does the room.
    before = ["conference_join", "talk", "variable_set", "confbridge_join", "condition_variable", "hangup"]
    assert await types_of(running5, calls["room-one"]) == before
    assert await types_of(running5, calls["room-two"]) == ["confbridge_join", "hangup"]

    def after(instance: Instance) -> list[dict[str, Any]]:
        flows = [each for each in instance.of_type("activeflow_created") if each["reference_id"] == ROOM]
        return [each for each in flows if each["flow_id"] == to_flow_id("room-post")]

    await running5.wait_for(lambda it: len(after(it)) == 2, 10, "the post-flow of each member")
    assert {each["reference_type"] for each in after(running5)} == {"conference"}
