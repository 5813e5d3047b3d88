"""Conditions, jumps, variables, flows in flows, sounds and the ends of a flow on real calls, step by step."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any
from wave import open as open_wave

import pytest
from aiohttp import web

from app.cli.demo import find_free_port
from app.domain.audio import SAMPLE_RATE
from tests.asterisk.calls.instance import Instance
from tests.asterisk.calls.sip_peer import open_sip_peer
from tests.asterisk.ears import tone
from tests.asterisk.flows.keys import call_id_of, ended_call, loudness, places
from tests.asterisk.flows.phones import wait_loud

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120)]

SOUND_PORT = find_free_port()
LOW, HIGH, BEEP_PITCH = 600, 1700, 1000
SLEEP_SECONDS = 1.0


def step(name: str, kind: str, next_id: str = "", **option: Any) -> dict[str, Any]:
    """An action with a name; where the steps are run the path is told by these names."""
    return {"id": name, "type": kind, "option": option, **({"next_id": next_id} if next_id else {})}


def holds(name: str, kind: str, **option: Any) -> dict[str, Any]:
    """A condition that must be true: the flow goes on."""
    return step(name, kind, false_target_id="bad", **option)


def fails(name: str, kind: str, to: str, **option: Any) -> dict[str, Any]:
    """A condition that must be false: the flow goes on at `to`."""
    return step(name, kind, next_id="bad", false_target_id=to, **option)


BAD = step("bad", "hangup", reason="failed")
GOOD = step("good", "hangup", reason="busy")

STEPS = [
    holds("rings", "condition_call_status", status="ringing"),
    step("early", "beep"),
    holds("still-rings", "condition_call_status", status="ringing"),
    step("up", "answer"),
    holds("is-up", "condition_call_status", status="progressing"),
    fails("rings-no-more", "condition_call_status", "words", status="ringing"),
    step("words", "variable_set", key="word", value="one two"),
    step("more-words", "variable_set", key="words", value="${word} three"),
    holds("same", "condition_variable", condition="==", variable="words", value_string="one two three"),
    fails("other", "condition_variable", "long", condition="==", variable="${words}", value_string="one"),
    holds("long", "condition_variable", condition=">=", variable="words", value_type="length", value_length=13),
    step("count", "variable_set", key="count", value="41"),
    fails(
        "small", "condition_variable", "any-hour", condition=">", variable="count", value_type="number", value_number=41
    ),
    holds("any-hour", "condition_datetime", condition=">=", minute=-1, hour=0, weekdays=[0, 1, 2, 3, 4, 5, 6]),
    fails("no-hour", "condition_datetime", "fetched", condition="<", minute=-1, hour=0),
    step("fetched", "fetch_flow", flow_id="steps-inside"),
    holds("was-inside", "condition_variable", condition="==", variable="inside", value_string="one two three!"),
    step("again", "beep"),
    step("loop", "goto", target_id="again", loop_count=2),
    step(
        "tones",
        "play",
        stream_urls=[f"http://127.0.0.1:{SOUND_PORT}/{pitch}.wav" for pitch in (LOW, HIGH)],
    ),
    step("interrupted", "talk", text="Please press a key, or hear this sentence again. " * 8, digits_handle="next"),
    holds("has-key", "condition_call_digits", key="5"),
    fails("has-two", "condition_call_digits", "pause", length=2),
    holds("pause", "condition_call_digits", length=1),
    step("asleep", "sleep", duration=int(SLEEP_SECONDS * 1000)),
    step("end", "stop"),
    BAD,
]

FLOWS = {
    "steps": {"numbers": ["7331"], "language": "en-US", "actions": STEPS},
    "steps-inside": {"actions": [step("inside", "variable_set", key="inside", value="${words}!")]},
    "steps-jump-out": {
        "numbers": ["7332"],
        "actions": [
            step("up", "answer"),
            step("over", "goto", target_id="after", loop_count=1),
            BAD,
            step("after", "fetch_flow", flow_id="steps-end"),
            {**BAD, "id": "beyond"},
        ],
    },
    "steps-end": {"actions": [GOOD]},
    "steps-no-flow": {
        "numbers": ["7333"],
        "actions": [step("up", "answer"), step("gone", "fetch_flow", flow_id="${nowhere}"), BAD],
    },
    "steps-block": {"numbers": ["7334"], "actions": [step("up", "answer"), step("parked", "block"), GOOD]},
}


@asynccontextmanager
async def open_sounds() -> AsyncIterator[list[str]]:
    """A web server with tones; the paths that it was asked for."""
    asked: list[str] = []

    async def get(request: web.Request) -> web.Response:
        asked.append(request.path)
        content = BytesIO()
        with open_wave(content, "wb") as file:
            file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
            file.writeframes(tone(int(request.match_info["hertz"]), 0.6))
        return web.Response(body=content.getvalue(), content_type="audio/wav")

    app = web.Application()
    app.router.add_get("/{hertz}.wav", get)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", SOUND_PORT).start()
    try:
        yield asked
    finally:
        await runner.cleanup()


def first_at(pcm: bytes, hertz: int) -> float:
    """Seconds to the first tenth of a second that holds this pitch."""
    size = SAMPLE_RATE // 10 * 2
    for begin in range(0, len(pcm) - size, size):
        if loudness(pcm[begin : begin + size], hertz) > 2000:
            return begin / 2 / SAMPLE_RATE
    raise AssertionError(f"{hertz} Hz was not heard")


async def test_a_flow_step_by_step(running5: Instance) -> None:
    async with open_sounds() as asked, open_sip_peer("steps") as caller:
        call = await caller.call(running5.sip_uri("7331"))
        await call.wait_answered()
        call_id = call_id_of(running5, "steps")
        await running5.wait_for(lambda it: _is_at(it, call_id, "talk"), 20, "the long talk")
        await wait_loud(call, "the long talk")
        before = len(call.heard())
        call.send_digits("5")
        await call.wait_ended()
        heard = call.heard()
    assert asked.count(f"/{LOW}.wav") >= 1
    state = await ended_call(running5, call_id)
    assert (state["hangup_by"], state["hangup_reason"]) == ("local", "normal"), "stop ends it, and nothing after it"
    names = [each["id"] for each in STEPS]
    loop = ["again", "loop"] * 3
    expected = [*names[: names.index("again")], *loop, *names[names.index("tones") : names.index("bad")]]
    assert await places(running5, call_id, "steps", *names) == expected
    assert loudness(heard, BEEP_PITCH) > 1000
    assert first_at(heard, BEEP_PITCH) < first_at(heard, LOW) < first_at(heard, HIGH)
    # The sentence, eight times, lasts for half a minute; the key ends it, and then the pause is all.
    rest = (len(heard) - before) / 2 / SAMPLE_RATE
    assert SLEEP_SECONDS * 0.8 < rest < SLEEP_SECONDS + 4


def _is_at(instance: Instance, call_id: str, kind: str) -> bool:
    return any(
        data["reference_id"] == call_id and data["current_action"]["type"] == kind
        for data in instance.of_type("activeflow_updated")
    )


@pytest.mark.parametrize(("number", "reason"), [("7332", "busy"), ("7333", "normal"), ("7334", "busy")])
async def test_how_flows_end(running5: Instance, number: str, reason: str) -> None:
    """By an action of a flow inside; because there is no such flow; and `block`, which does not park a call."""
    user = f"ends-{number}"
    async with open_sip_peer(user) as caller:
        call = await caller.call(running5.sip_uri(number))
        await call.wait_ended()
    state = await ended_call(running5, call_id_of(running5, user))
    assert (state["hangup_by"], state["hangup_reason"]) == ("local", reason)
