"""Calls that end where it hurts: each ends with the right events and without residue, on the real Asterisk."""

import asyncio
import os
import signal
import time
from typing import Any

import pytest

from app.cli.caller import Caller, CallPlan, open_caller
from app.cli.demo import find_free_udp_range
from tests.asterisk.calls.conftest import FLOWS
from tests.asterisk.calls.instance import Instance, open_instance
from tests.speech_files import librivox_files

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120)]

NOTHING = {"channels": [], "bridges": [], "calls": 0, "transcribes": 0}


def call_of(instance: Instance, user: str, *types: str) -> dict[str, Any] | None:
    return next((data for data in instance.of_type(*types) if data["source"]["target"] == user), None)


async def wait_hangup(instance: Instance, user: str, timeout_seconds: float = 6) -> dict[str, Any]:
    await instance.wait_for(lambda it: call_of(it, user, "call_hangup"), timeout_seconds, f"call_hangup of {user}")
    found = call_of(instance, user, "call_hangup")
    assert found is not None
    return found


async def hang_up_after(caller: Caller) -> None:
    """Let the caller hang up now, as a person would, and see it through."""
    caller.process.send_signal(signal.SIGTERM)
    await caller.finish()


async def test_hang_up_before_the_answer(running: Instance) -> None:
    async with open_caller(CallPlan(running.sip_uri("7104"), user="early")) as caller:
        await running.wait_for(lambda it: call_of(it, "early", "call_created"), 5, "call_created")
        await hang_up_after(caller)
    ended = await wait_hangup(running, "early")
    assert (ended["hangup_by"], ended["hangup_reason"]) == ("remote", "cancel")
    assert "tm_progressing" not in ended
    assert await running.residue() == NOTHING


async def test_hang_up_in_the_middle_of_talk(running: Instance) -> None:
    async with open_caller(CallPlan(running.sip_uri("7103"), user="impatient", stay_seconds=60)) as caller:
        await running.wait_for(lambda it: call_of(it, "impatient", "call_progressing"), 8, "call_progressing")
        await hang_up_after(caller)
    ended = await wait_hangup(running, "impatient")
    assert (ended["hangup_by"], ended["hangup_reason"]) == ("remote", "normal")
    assert await running.residue() == NOTHING


async def test_hang_up_at_any_moment_of_the_set_up(running: Instance) -> None:
    """0 to 90 ms after the answer: in the middle of transcribe_start somewhere."""
    for step in range(10):
        user = f"hasty{step}"
        plan = CallPlan(running.sip_uri("7101"), user=user, stay_seconds=step * 0.01)
        async with open_caller(plan) as caller:
            await caller.finish()
        await wait_hangup(running, user)
        page = await running.get("/transcribes")
        assert all(row["status"] == "done" for row in page["result"])
    assert await running.residue() == NOTHING


async def test_an_action_that_fails_does_not_end_the_call(running: Instance) -> None:
    async with open_caller(CallPlan(running.sip_uri("7105"), user="unlucky", stay_seconds=60)) as caller:
        await caller.finish()
    ended = await wait_hangup(running, "unlucky")
    assert (ended["hangup_by"], ended["hangup_reason"]) == ("local", "normal")
    page = await running.get("/transcribes", reference_type="call", reference_id=ended["id"])
    rows = (await running.get("/transcripts", transcribe_id=page["result"][0]["id"]))["result"]
    assert [row["direction"] for row in rows] == ["out"]
    assert await running.residue() == NOTHING


async def test_an_unknown_number_is_not_found(running: Instance) -> None:
    async with open_caller(CallPlan(running.sip_uri("555"), user="wrong")) as caller:
        events = await caller.finish()
    assert (events[-1].name, events[-1].status) == ("ended", 404)
    assert await running.residue() == NOTHING


async def test_ports_used_up_is_503_and_live_calls_do_not_notice() -> None:
    flows = {"english": FLOWS["english"]}
    say = librivox_files()[0][0]
    first = find_free_udp_range(10)
    async with open_instance(flows, CALLSCRIBE_RTP_PORTS=f"{first}-{first + 9}") as instance:
        plan = CallPlan(instance.sip_uri("7101"), say=say, user="one", stay_seconds=2)
        async with open_caller(plan) as caller:
            await instance.wait_for(lambda it: call_of(it, "one", "call_progressing"), 8, "call_progressing")
            async with open_caller(CallPlan(instance.sip_uri("7101"), user="two")) as refused:
                events = await refused.finish()
            assert (events[-1].name, events[-1].status) == ("ended", 503)
            await caller.finish()
        ended = await wait_hangup(instance, "one")
        page = await instance.get("/transcribes", reference_type="call", reference_id=ended["id"])
        rows = (await instance.get("/transcripts", transcribe_id=page["result"][0]["id"]))["result"]
        assert {row["direction"] for row in rows} == {"in", "out"}
        assert "CALLSCRIBE_RTP_PORTS" in await instance.log_text()
        assert await instance.residue() == NOTHING


async def test_asterisk_killed_in_the_middle_of_a_call() -> None:
    flows = {"english": FLOWS["english"]}
    async with open_instance(flows) as instance:
        plan = CallPlan(instance.sip_uri("7101"), say=librivox_files()[0][0], user="cut-off", max_seconds=30)
        async with open_caller(plan) as caller:
            following = asyncio.create_task(caller.finish())
            await instance.wait_for(lambda it: it.of_type("transcribe_speech_started"), 15, "speech")
            killed_at = time.monotonic()
            for child in instance.ps.children(recursive=True):
                if "asterisk" in " ".join(child.cmdline()):
                    os.kill(child.pid, signal.SIGKILL)
            ended = await wait_hangup(instance, "cut-off", 10)
            print(f"call ended {time.monotonic() - killed_at:.1f} s after Asterisk was killed")
            assert ended["status"] == "hangup"
            await instance.wait_for(lambda it: it.of_type("transcribe_done"), 5, "transcribe_done")
            caller.process.send_signal(signal.SIGTERM)
            await following
        await instance.wait_healthy(20)
        assert await instance.residue() == NOTHING
        # A call after it works as before.
        plan = CallPlan(instance.sip_uri("7101"), say=librivox_files()[1][0], user="after", stay_seconds=0.5)
        async with open_caller(plan) as caller:
            await caller.finish()
        await wait_hangup(instance, "after")
        transcripts = [row for row in instance.of_type("transcript_created") if row["direction"] == "in"]
        assert transcripts
