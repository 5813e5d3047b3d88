"""queue_join on the real Asterisk: two phones as agents, three callers, time-outs, kicks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.asterisk.calls.conversation import write_script
from tests.asterisk.calls.instance import Instance
from tests.asterisk.calls.sip_peer import open_sip_peer
from tests.asterisk.flows.phones import open_phone, wait_loud
from tests.speech_files import english_files

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120)]

TAG = "0e6f5b3a-3d0c-4a4d-8a8e-5a5f8f6f0c01"
OTHER_TAG = "0e6f5b3a-3d0c-4a4d-8a8e-5a5f8f6f0c02"
WAIT = {"type": "talk", "option": {"text": "All agents are busy. Please wait for the next one.", "language": "en-US"}}
AFTER = {"type": "talk", "option": {"text": "Thank you for your call. Goodbye.", "language": "en-US"}}

FLOWS = {
    "queue": {
        "name": "queue",
        "numbers": ["7511"],
        "language": "en-US",
        "actions": [{"type": "queue_join", "option": {"queue_id": "support"}}, AFTER],
    }
}


@asynccontextmanager
async def open_agent(running: Instance, extension: str, tag: str = TAG, **how: Any) -> AsyncIterator[Any]:
    """An agent who is available, with a phone."""
    async with open_phone(running, extension, **how) as phone:
        body = {
            "username": f"agent-{uuid4()}@example.com",
            "password": "a long password 7",
            "tag_ids": [tag],
            "addresses": [{"type": "extension", "target_name": extension}],
        }
        status, agent = await running.post("/agents", body)
        assert status == 200, agent
        status, agent = await running.put(f"/agents/{agent['id']}/status", {"status": "available"})
        assert (status, agent["status"]) == (200, "available")
        try:
            yield phone, agent["id"]
        finally:
            await running.delete(f"/agents/{agent['id']}")


@asynccontextmanager
async def open_queue(running: Instance, **fields: Any) -> AsyncIterator[str]:
    """A queue of that name, with a wait flow."""
    status, flow = await running.post("/flows", {"name": "wait", "actions": [WAIT]})
    assert status == 200, flow
    body = {"name": "support", "tag_ids": [TAG], "wait_flow_id": flow["id"], **fields}
    status, queue = await running.post("/queues", body)
    assert status == 200, queue
    try:
        yield queue["id"]
    finally:
        assert (await running.delete(f"/queues/{queue['id']}"))[0] == 200


async def agent_status(running: Instance, agent_id: str, wanted: str, seconds: float = 8) -> None:
    """Wait until the agent has that status."""
    async with asyncio.timeout(seconds):
        while (await running.get(f"/agents/{agent_id}"))["status"] != wanted:
            await asyncio.sleep(0.1)


async def queuecalls(running: Instance, queue_id: str) -> list[dict[str, Any]]:
    """The queue's calls, the first that came first."""
    return list(reversed((await running.get("/queuecalls", queue_id=queue_id))["result"]))


async def wait_statuses(running: Instance, queue_id: str, *wanted: str, seconds: float = 10) -> None:
    """Wait until the queue's calls, in the order in which they came, have these statuses."""
    seen: list[str] = []
    try:
        async with asyncio.timeout(seconds):
            while seen != list(wanted):
                seen = [each["status"] for each in await queuecalls(running, queue_id)]
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"expected {wanted}, seen {seen}") from None


async def test_two_agents_serve_three_callers_in_their_order(running5: Instance, tmp_path: Path) -> None:
    voice = write_script(english_files()[9:10], tmp_path / "voice.wav").wav
    async with (
        open_queue(running5, routing_method="longest_idle") as queue_id,
        open_agent(running5, "5101", answer_seconds=1) as (ann, ann_id),
        open_agent(running5, "5102", answer_seconds=1) as (ben, ben_id),
        open_agent(running5, "5103", OTHER_TAG) as (not_asked, _),
        open_sip_peer("+15550101") as one,
        open_sip_peer("+15550102") as two,
        open_sip_peer("+15550103") as three,
    ):
        first = await one.call(running5.sip_uri("7511"))
        of_first = await ann.wait_call()  # free for longest
        await of_first.wait_answered()
        second = await two.call(running5.sip_uri("7511"))
        of_second = await ben.wait_call()
        await of_second.wait_answered()
        await wait_statuses(running5, queue_id, "service", "service")
        await agent_status(running5, ann_id, "busy")
        third = await three.call(running5.sip_uri("7511"))
        await wait_loud(third, "the wait flow")
        await wait_statuses(running5, queue_id, "service", "service", "waiting")
        first.start_saying(voice)
        await wait_loud(of_first, "the caller")
        of_second.start_saying(voice)
        await wait_loud(second, "the agent")

        await of_second.hang_up()
        await wait_loud(second, "the next action")
        of_third = await ben.wait_call()
        await of_third.wait_answered()
        await wait_statuses(running5, queue_id, "service", "done", "service")
        third.start_saying(voice)
        await wait_loud(of_third, "the third caller")
        await first.hang_up()
        await of_first.wait_ended()
        await third.hang_up()
        await of_third.wait_ended()
        await wait_statuses(running5, queue_id, "done", "done", "done")
        await agent_status(running5, ann_id, "available")
        await agent_status(running5, ben_id, "available")
        assert not_asked.incoming == []
        rows = await queuecalls(running5, queue_id)
        assert [row["service_agent_id"] for row in rows] == [ann_id, ben_id, ben_id]
        assert all(row["duration_service"] > 0 for row in rows)
        assert rows[2]["duration_waiting"] > rows[0]["duration_waiting"]


async def test_who_does_not_answer_is_left_alone_and_the_caller_gives_up(running5: Instance) -> None:
    async with (
        open_queue(running5) as queue_id,
        open_agent(running5, "5104", reject=486) as (busy, agent_id),
        open_sip_peer("+15550104") as caller,
    ):
        calling = await caller.call(running5.sip_uri("7511"))
        await busy.wait_call()
        await wait_statuses(running5, queue_id, "waiting")
        await agent_status(running5, agent_id, "available")
        assert len(busy.incoming) == 1
        await calling.hang_up()
        await wait_statuses(running5, queue_id, "abandoned")
        (row,) = await queuecalls(running5, queue_id)
        assert row["tm_service"].startswith("9999")


async def test_the_caller_goes_while_the_agent_is_rung(running5: Instance) -> None:
    async with (
        open_queue(running5) as queue_id,
        open_agent(running5, "5105", answer_seconds=None) as (phone, agent_id),
        open_sip_peer("+15550105") as caller,
    ):
        calling = await caller.call(running5.sip_uri("7511"))
        ringing = await phone.wait_call()
        await wait_statuses(running5, queue_id, "connecting")
        await agent_status(running5, agent_id, "ringing")
        await calling.hang_up()
        await ringing.wait_ended()
        await wait_statuses(running5, queue_id, "abandoned")
        await agent_status(running5, agent_id, "available")


@pytest.mark.parametrize("how", ["timeout", "kick", "delete"])
async def test_waiting_ends_and_the_flow_goes_on(running5: Instance, how: str) -> None:
    timeouts = {"wait_timeout": 2500} if how == "timeout" else {}
    async with open_queue(running5, **timeouts) as queue_id, open_sip_peer("+15550106") as caller:
        calling = await caller.call(running5.sip_uri("7511"))
        await calling.wait_answered()
        await wait_statuses(running5, queue_id, "waiting")
        (row,) = await queuecalls(running5, queue_id)
        if how == "kick":
            assert (await running5.post(f"/queuecalls/{row['id']}/kick"))[0] == 200
        elif how == "delete":
            assert (await running5.delete(f"/queuecalls/{row['id']}"))[0] == 200
        if how != "delete":
            await wait_statuses(running5, queue_id, "abandoned")
        await calling.wait_ended()  # by the end of the flow


@pytest.mark.parametrize("how", ["timeout", "kick"])
async def test_the_service_ends(running5: Instance, how: str) -> None:
    timeouts = {"service_timeout": 1500} if how == "timeout" else {}
    async with (
        open_queue(running5, wait_flow_id="", **timeouts) as queue_id,
        open_agent(running5, "5107") as (phone, agent_id),
        open_sip_peer("+15550107") as caller,
    ):
        calling = await caller.call(running5.sip_uri("7511"))
        talking = await phone.wait_call()
        await wait_statuses(running5, queue_id, "service")
        if how == "kick":
            (row,) = await queuecalls(running5, queue_id)
            assert (await running5.post(f"/queuecalls/{row['id']}/kick"))[0] == 200
        await talking.wait_ended()
        await wait_statuses(running5, queue_id, "done")
        await agent_status(running5, agent_id, "available")
        await wait_loud(calling, "the next action")
        await calling.wait_ended()


async def test_an_agent_takes_itself_out(running5: Instance) -> None:
    async with (
        open_queue(running5) as queue_id,
        open_agent(running5, "5108") as (phone, agent_id),
        open_sip_peer("+15550108") as caller,
    ):
        await running5.put(f"/agents/{agent_id}/status", {"status": "away"})
        calling = await caller.call(running5.sip_uri("7511"))
        await wait_statuses(running5, queue_id, "waiting")
        await wait_loud(calling, "the wait flow")
        assert phone.incoming == []
        await running5.put(f"/agents/{agent_id}/status", {"status": "available"})
        talking = await phone.wait_call()
        await talking.wait_answered()
        await running5.put(f"/agents/{agent_id}/status", {"status": "offline"})
        await talking.hang_up()
        await wait_statuses(running5, queue_id, "done")
        assert (await running5.get(f"/agents/{agent_id}"))["status"] == "offline"
        await calling.hang_up()
