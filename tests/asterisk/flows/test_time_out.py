"""The time-out of a conference on a real call."""

import pytest

from tests.asterisk.calls.instance import Instance
from tests.asterisk.calls.sip_peer import open_sip_peer
from tests.asterisk.flows.keys import call_id_of, ended_call
from tests.asterisk.flows.test_conference_flows import joining, stays

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(150)]

ROOM = "5f0c1b1e-6a0c-4a43-9c0f-51d5a4b0f7b2"
LEAST_SECONDS = 60
"""The least time-out of a conference; it counts from the moment when the conference was made."""
FLOWS = {"room-for-short": joining("7353", ROOM)}


async def begin(running: Instance) -> None:
    """Make the conference: its time goes by while other tests run."""
    status, made = await running.post("/conferences", {"id": ROOM, "name": "short"})
    assert status == 200, made


async def test_the_time_of_a_conference_is_over(running5: Instance) -> None:
    """Its member is sent out, and the member's flow goes on."""
    async with open_sip_peer("room-short") as caller:
        call = await caller.call(running5.sip_uri("7353"))
        await running5.wait_for(lambda it: stays(it, "conferencecall_joined", ROOM), 15, "the member")
        status, changed = await running5.put(f"/conferences/{ROOM}", {"timeout": LEAST_SECONDS})
        assert (status, changed["timeout"]) == (200, LEAST_SECONDS)
        await call.wait_ended(LEAST_SECONDS + 10)
    assert (await ended_call(running5, call_id_of(running5, "room-short")))["hangup_reason"] == "busy"

    def is_over(instance: Instance) -> bool:
        told = [each for each in instance.of_type("conference_updated") if each["id"] == ROOM]
        return bool(told) and told[-1]["status"] == "terminated"

    await running5.wait_for(is_over, 5, "the end of the conference")
