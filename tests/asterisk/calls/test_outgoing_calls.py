"""Calls that we make, on the real Asterisk to real SIP user agents: by sip address, over trunks, to phones."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.asterisk.calls.instance import Instance
from tests.asterisk.calls.sip_peer import SipPeer, open_sip_peer

pytestmark = pytest.mark.asyncio(loop_scope="session")

SOURCE = {"type": "tel", "target": "+15551230000"}
TALK = {"type": "talk", "option": {"text": "Hello from the machine.", "language": "en-US"}}
WAIT = {"type": "sleep", "option": {"duration": 60_000}}
UP_AND_DOWN = ["call_created", "call_dialing", "call_ringing", "call_progressing", "call_hangup"]


async def place(running: Instance, destinations: list[Any], actions: list[Any], **more: Any) -> Any:
    body = {"source": SOURCE, "destinations": destinations, "actions": actions, **more}
    status, reply = await running.post("/calls", body)
    assert status == 200, reply
    return reply


async def wait_hangup(running: Instance, call_id: str, seconds: float = 15) -> Any:
    def is_over(instance: Instance) -> bool:
        return any(call["id"] == call_id for call in instance.of_type("call_hangup"))

    await running.wait_for(is_over, seconds, "the end of the call")
    return await running.get(f"/calls/{call_id}")


def steps_of(running: Instance, call_id: str) -> list[str]:
    """The call's events but call_updated, in their order."""
    return [
        event["type"]
        for event in running.events
        if event["type"].startswith("call_") and event["data"]["id"] == call_id and event["type"] != "call_updated"
    ]


@asynccontextmanager
async def open_phone(running: Instance, extension: str, **how: Any) -> AsyncIterator[SipPeer]:
    """A phone that registers with an extension made by the API."""
    status, made = await running.post("/extensions", {"extension": extension, "password": "correct-horse-7"})
    assert status == 200, made
    try:
        registrar = f"sip:127.0.0.1:{running.sip_port}"
        async with open_sip_peer(made["username"], registrar=registrar, password="correct-horse-7", **how) as phone:
            assert await phone.wait_registered() == 200
            yield phone
    finally:
        await running.delete(f"/extensions/{made['id']}")


async def test_a_call_to_a_sip_address_runs_its_flow_when_answered(running: Instance) -> None:
    async with open_sip_peer("bob", answer_seconds=0.3) as bob:
        reply = await place(
            running,
            [{"type": "sip", "target": f"bob@{bob.host}"}],
            [{"type": "answer"}, TALK, {"type": "variable_set", "option": {"key": "k", "value": "${who}"}}],
            variables={"who": "bob"},
        )
        call_id = reply["calls"][0]["id"]
        assert reply["groupcalls"] == []
        assert (reply["calls"][0]["status"], reply["calls"][0]["direction"]) == ("dialing", "outgoing")
        heard = await bob.wait_call()
        assert heard.caller == "+15551230000"
        ended = await wait_hangup(running, call_id)
        assert heard.heard_level() > 300
        assert (ended["hangup_by"], ended["hangup_reason"]) == ("local", "normal")
        assert [step for step in steps_of(running, call_id) if step != "call_terminating"] == UP_AND_DOWN
        assert ended["tm_ringing"] <= ended["tm_progressing"] <= ended["tm_hangup"]


@pytest.mark.parametrize(("answer", "reason"), [(486, "busy"), (603, "noanswer"), (404, "failed"), (480, "noanswer")])
async def test_a_refused_call_says_why(running: Instance, answer: int, reason: str) -> None:
    async with open_sip_peer("bob", reject=answer) as bob:
        reply = await place(running, [{"type": "sip", "target": f"bob@{bob.host}"}], [TALK])
        ended = await wait_hangup(running, reply["calls"][0]["id"])
        assert (ended["hangup_by"], ended["hangup_reason"]) == ("remote", reason)


async def test_a_ringing_call_that_we_hang_up_is_cancelled(running: Instance) -> None:
    async with open_sip_peer("bob", answer_seconds=None) as bob:
        reply = await place(running, [{"target": f"sip:bob@{bob.host}"}], [TALK])
        call_id = reply["calls"][0]["id"]
        heard = await bob.wait_call()
        await running.wait_for(lambda it: "call_ringing" in steps_of(it, call_id), 10, "ringing")
        status, hung_up = await running.post(f"/calls/{call_id}/hangup")
        assert (status, hung_up["status"]) == (200, "canceling")
        assert (await heard.wait_ended()).status == 487
        ended = await wait_hangup(running, call_id)
        assert (ended["hangup_by"], ended["hangup_reason"]) == ("local", "cancel")
        assert "tm_progressing" not in ended


async def test_the_far_side_hangs_up_first(running: Instance) -> None:
    async with open_sip_peer("bob") as bob:
        reply = await place(running, [{"type": "sip", "target": f"bob@{bob.host}"}], [WAIT])
        heard = await bob.wait_call()
        await heard.wait_answered()
        await running.wait_for(lambda it: "call_progressing" in steps_of(it, reply["calls"][0]["id"]), 5, "answer")
        await heard.hang_up()
        ended = await wait_hangup(running, reply["calls"][0]["id"])
        assert (ended["hangup_by"], ended["hangup_reason"]) == ("remote", "normal")


async def test_calls_to_places_that_the_operator_does_not_allow_are_refused(running: Instance) -> None:
    body = {"source": SOURCE, "destinations": [{"type": "sip", "target": "bob@192.0.2.1"}], "actions": [TALK]}
    status, reply = await running.post("/calls", body)
    assert status == 400
    assert reply["error"]["details"][0]["field"] == "destinations.0.target"
    assert "CALLSCRIBE_SIP_DESTINATIONS" in reply["error"]["message"]


async def test_telephone_numbers_need_an_allowed_country_and_a_trunk_and_go_on_to_the_next_trunk(
    running: Instance,
) -> None:
    tel = {"type": "tel", "target": "+821012345678"}
    order = {"source": SOURCE, "destinations": [tel], "actions": [TALK]}
    status, reply = await running.post("/calls", order)
    assert status == 400
    assert "destination_whitelist" in reply["error"]["message"]
    await running.put("/outbound_config", {"destination_whitelist": ["kr"]})
    status, reply = await running.post("/calls", order)
    assert status == 400
    assert "trunk" in reply["error"]["message"]
    async with open_sip_peer("broken", reject=503) as broken, open_sip_peer("provider") as provider:
        trunks = []
        for priority, peer in enumerate((broken, provider)):
            status, trunk = await running.post(
                "/trunks",
                {"name": peer.user, "domain_name": f"{peer.user}.test", "hostname": peer.host, "priority": priority},
            )
            assert status == 200, trunk
            trunks.append(trunk["id"])
        placed = await place(running, [tel], [TALK])
        assert (await broken.wait_call()).number == "+821012345678"
        heard = await provider.wait_call()
        assert heard.number == "+821012345678"
        ended = await wait_hangup(running, placed["calls"][0]["id"])
        assert ended["hangup_reason"] == "normal"
        for trunk_id in trunks:
            assert (await running.delete(f"/trunks/{trunk_id}"))[0] == 200
    await running.put("/outbound_config", {"destination_whitelist": []})


async def test_a_groupcall_rings_all_and_the_first_has_it(running: Instance) -> None:
    async with (
        open_sip_peer("slow", answer_seconds=None) as slow,
        open_sip_peer("quick", answer_seconds=0.5) as quick,
    ):
        body = {
            "source": SOURCE,
            "destinations": [{"type": "sip", "target": f"{peer.user}@{peer.host}"} for peer in (slow, quick)],
            "actions": [TALK],
            "ring_method": "ring_all",
        }
        status, group = await running.post("/groupcalls", body)
        assert status == 200, group
        assert len(group["call_ids"]) == 2
        assert (await (await slow.wait_call()).wait_ended()).status == 487
        await running.wait_for(
            lambda it: any(each["id"] == group["id"] for each in it.of_type("groupcall_hangup")), 15, "the end"
        )
        ended = await running.get(f"/groupcalls/{group['id']}")
        answered = await running.get(f"/calls/{ended['answer_call_id']}")
        assert (ended["status"], answered["groupcall_id"]) == ("hangup", group["id"])
        assert answered["destination"]["target"].startswith("quick@")


async def test_phones_register_and_call_each_other_and_hear_each_other(running: Instance) -> None:
    async with open_phone(running, "2001") as alice, open_phone(running, "2002", answer_seconds=0.3) as bob:
        calling = await alice.call(running.sip_uri("2002"))
        ringing = await bob.wait_call()
        assert ringing.caller == "2001"
        await calling.wait_answered()
        calling.send_digits("42")
        assert await ringing.wait_digits(2) == "42"
        await calling.hang_up()
        assert (await ringing.wait_ended()).status == 200
    assert (await running.residue())["bridges"] == []


async def test_a_phone_that_is_busy_is_told_to_the_caller(running: Instance) -> None:
    async with open_phone(running, "2003") as alice, open_phone(running, "2004", reject=486) as bob:
        calling = await alice.call(running.sip_uri("2004"))
        await bob.wait_call()
        await calling.wait_ended()
        calls = (await running.get("/calls"))["result"]
        callee = next(
            call for call in calls if call["destination"]["target_name"] == "2004" and call["direction"] == "outgoing"
        )
        assert callee["hangup_reason"] == "busy"
        assert callee["master_call_id"] != "00000000-0000-0000-0000-000000000000"


async def test_an_extension_of_the_api_rings_as_a_groupcall(running: Instance) -> None:
    async with open_phone(running, "2005") as phone:
        reply = await place(running, [{"type": "extension", "target_name": "2005"}], [TALK])
        assert (reply["calls"], len(reply["groupcalls"])) == ([], 1)
        heard = await phone.wait_call()
        await heard.wait_ended()
        assert heard.heard_level() > 300
