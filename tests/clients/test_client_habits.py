"""What clients of VoIPBIN have always sent: empty ids, addresses without a type, engines of a cloud."""

from typing import Any

import pytest

from tests.asterisk.calls.instance import Instance
from tests.asterisk.calls.sip_peer import SipPeer, open_sip_peer

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120)]

NO_ID = "00000000-0000-0000-0000-000000000000"
WAIT = {"type": "sleep", "option": {"duration": 60_000}}


async def place(house: Instance, target: str, actions: list[Any]) -> str:
    """Place a call with addresses that have no type; its id when it is up."""
    body = {"source": {"target": "+15551234567"}, "destinations": [{"target": target}], "actions": actions}
    code, reply = await house.post("/calls", body)
    assert code == 200, reply
    call_id = str(reply["calls"][0]["id"])
    await house.wait_for(
        lambda it: any(call["id"] == call_id for call in it.of_type("call_progressing")), 15, "call_progressing"
    )
    return call_id


async def end(house: Instance, call_id: str) -> None:
    await house.post(f"/calls/{call_id}/hangup")
    await house.wait_for(lambda it: any(call["id"] == call_id for call in it.of_type("call_hangup")), 15, "call_hangup")


async def test_addresses_without_a_type(house: Instance, provider: SipPeer) -> None:
    call_id = await place(house, "+15559876543", [WAIT])
    await provider.wait_call()
    call = await house.get(f"/calls/{call_id}")
    assert (call["source"]["type"], call["destination"]["type"]) == ("tel", "tel")
    await end(house, call_id)
    async with open_sip_peer("bob") as bob:
        call_id = await place(house, f"sip:bob@{bob.host}", [WAIT])
        assert (await house.get(f"/calls/{call_id}"))["destination"]["type"] == "sip"
        await end(house, call_id)


async def test_empty_ids_and_engines_of_a_cloud(house: Instance, provider: SipPeer) -> None:
    talk = {"text": "Good morning.", "language": "en-US", "provider": "aws", "voice_id": ""}
    start = {"language": "en-US", "provider": "gcp", "direction": "out", "on_end_flow_id": ""}
    actions = [
        {"id": "", "next_id": "", "type": "answer"},
        {"type": "transcribe_start", "option": start},
        {"type": "talk", "option": talk},
        WAIT,
    ]
    call_id = await place(house, "+15559876543", actions)
    await provider.wait_call()
    await house.wait_for(
        lambda it: any(each["reference_id"] == call_id for each in it.of_type("transcribe_progressing")),
        15,
        "transcribe_progressing",
    )
    (by_flow,) = (await house.get("/transcribes", reference_type="call", reference_id=call_id))["result"]
    assert (by_flow["provider"], by_flow["direction"], by_flow["on_end_flow_id"]) == ("gcp", "out", NO_ID)
    code, stopped = await house.post(f"/transcribes/{by_flow['id']}/stop")
    assert (code, stopped["status"]) == (200, "done")

    asked = {"reference_type": "call", "reference_id": call_id, "language": "en-us", "direction": ""}
    code, by_api = await house.post("/transcribes", {**asked, "on_end_flow_id": "", "provider": "aws"})
    assert code == 200, by_api
    assert (by_api["provider"], by_api["on_end_flow_id"], by_api["language"]) == ("aws", NO_ID, "en-US")
    assert by_api["direction"] == "both"
    code, body = await house.post(f"/calls/{call_id}/talk", talk)
    assert (code, body) == (200, None)
    code, recorded = await house.post(f"/calls/{call_id}/recording_start", {"format": "wav", "on_end_flow_id": ""})
    assert code == 200, recorded
    assert (await house.get(f"/recordings/{recorded['recording_id']}"))["on_end_flow_id"] == NO_ID
    speaking = {"reference_type": "call", "reference_id": call_id, "language": "en-US", "direction": "out"}
    code, made = await house.post("/speakings", {**speaking, "provider": "aws", "voice_id": ""})
    assert code == 201, made
    await end(house, call_id)


async def test_a_number_without_flows_and_a_flow_without_a_follower(house: Instance) -> None:
    code, number = await house.post("/numbers", {"number": "+15550002222", "call_flow_id": "", "message_flow_id": ""})
    assert (code, number["call_flow_id"]) == (200, NO_ID), number
    code, flow = await house.post("/flows", {"name": "x", "actions": [WAIT], "on_complete_flow_id": ""})
    assert (code, flow["on_complete_flow_id"]) == (200, NO_ID), flow
    for path in (f"/numbers/{number['id']}", f"/flows/{flow['id']}"):
        assert (await house.delete(path))[0] == 200
