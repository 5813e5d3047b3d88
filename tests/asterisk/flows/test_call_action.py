"""The action call on the real Asterisk: calls of their own, and calls that end with the one that made them."""

from typing import Any

import pytest

from tests.asterisk.calls.instance import Instance
from tests.asterisk.calls.sip_peer import open_sip_peer
from tests.asterisk.flows.keys import call_id_of, ended_call
from tests.asterisk.flows.phones import wait_loud

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120)]

STAY: dict[str, Any] = {"type": "sleep", "option": {"duration": 20_000}}
SAY = {"type": "talk", "option": {"text": "Somebody is at the door."}}


def call(target: str, *, is_chained: bool) -> dict[str, Any]:
    """Calls whom the caller has named in its own name: the test's agents have free ports."""
    address = {"type": "sip", "target": target}
    return {"type": "call", "option": {"destinations": [address], "actions": [SAY, STAY], "chained": is_chained}}


async def test_calls_of_their_own_and_chained_ones(running5: Instance) -> None:
    async with open_sip_peer("tied") as tied, open_sip_peer("free") as free, open_sip_peer("maker") as maker:
        actions = [call(tied.uri, is_chained=True), call(free.uri, is_chained=False), {"type": "answer"}, STAY]
        status, flow = await running5.post("/flows", {"name": "call action", "actions": with_language(actions)})
        assert status == 200, flow
        status, number = await running5.post("/numbers", {"number": "7321", "call_flow_id": flow["id"]})
        assert status == 200, number
        calling = await maker.call(running5.sip_uri("7321"))
        first, second = await tied.wait_call(), await free.wait_call()
        assert (first.caller, second.caller) == ("maker", "maker")
        await first.wait_answered()
        await second.wait_answered()
        await calling.wait_answered()
        await wait_loud(first, "the nested flow is run")
        master = await running5.get(f"/calls/{call_id_of(running5, 'maker')}")
        assert len(master["chained_call_ids"]) == 1
        chained = await running5.get(f"/calls/{master['chained_call_ids'][0]}")
        assert chained["master_call_id"] == master["id"]
        await calling.hang_up()
        assert (await ended_call(running5, chained["id"]))["hangup_reason"] == "normal"
        await first.wait_ended()
        assert not second.has("ended")
        await second.hang_up()
        await running5.delete(f"/numbers/{number['id']}")


def with_language(actions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A flow made over the API has no language of its own."""
    spoken = {**SAY, "option": {**SAY["option"], "language": "en-US"}}  # type: ignore[dict-item]
    return [
        {**each, "option": {**each["option"], "actions": [spoken, STAY]}} if each["type"] == "call" else each
        for each in actions
    ]


async def test_a_flow_without_a_call_makes_calls_and_is_parked(running5: Instance) -> None:
    async with open_sip_peer("called") as called:
        option = {
            "source": {"type": "tel", "target": "+15551230000"},
            "destinations": [{"type": "sip", "target": called.uri}],
            "actions": [STAY],
        }
        status, started = await running5.post(
            "/activeflows", {"actions": [{"type": "call", "option": option}, {"type": "block"}]}
        )
        assert status == 200, started
        call = await called.wait_call()
        await call.wait_answered()
        assert call.caller == "+15551230000"
        current = await running5.get(f"/activeflows/{started['id']}")
        assert (current["status"], current["current_action"]["type"]) == ("running", "block")
        status, stopped = await running5.post(f"/activeflows/{started['id']}/stop")
        assert (status, stopped["status"]) == (200, "ended")
        await call.hang_up()
