"""VoIPBIN's own client, `voipbin-mcp` 0.3.0 as published, against Callscribe: only its address and key are set."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from app.cli.caller import CallPlan, open_caller
from benchmarks.scores import normalise, word_error_rate
from tests.asterisk.calls.instance import KEY, Instance
from tests.asterisk.calls.sip_peer import PeerCall, SipPeer, open_sip_peer
from tests.clients.mcp_client import McpClient, ToolFailed, open_mcp_client
from tests.speech_files import prompt_file

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]

SOURCE = "+15551234567"
LISTS = ("calls", "conferences", "flows", "numbers", "extensions", "activeflows", "agents")
WORDS = "queue-youarenext"
LOUD = 300
QUIET = 60
NO_ID = "00000000-0000-0000-0000-000000000000"


BOTH_WAYS = pytest.mark.parametrize("voipbin", ["cookie", "query"], indirect=True)
"""The client has two ways to show its key."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def voipbin(request: pytest.FixtureRequest, house: Instance, client_program: Path) -> AsyncIterator[McpClient]:
    """The client, as a user starts it."""
    transport = getattr(request, "param", "cookie")
    environment = {
        "VOIPBIN_API_BASE_URL": house.api,
        "VOIPBIN_API_KEY": KEY,
        "VOIPBIN_AUTH_TRANSPORT": transport,
    }
    log = house.home / f"mcp-{transport}.log"
    async with open_mcp_client(client_program, log, **environment) as client:
        yield client
    assert "Traceback" not in log.read_text(), log.read_text()


async def answer(call: PeerCall, wav: Path) -> None:
    """Answer as a person does: hear the other one out, then speak."""
    await heard_out(call)
    await call.say(wav)


async def heard_out(call: PeerCall) -> None:
    """Wait until the other side has begun to speak since now, and then is quiet."""
    async with asyncio.timeout(60):
        while call.heard_level(0.3) < LOUD:
            await asyncio.sleep(0.05)
        while call.heard_level(1.0) > QUIET:
            await asyncio.sleep(0.05)


@asynccontextmanager
async def on_the_phone(voipbin: McpClient, kind: str, target: str) -> AsyncIterator[dict[str, Any]]:
    """A call that the client has placed and that was answered; hung up by the client at the end."""
    started = await voipbin.call(
        "phone_call_start", source_number=SOURCE, destination_type=kind, destination_target=target
    )
    assert started.get("status") == "answered", started
    assert started["events_connected"] is True
    yield started
    assert await voipbin.call("phone_hangup", call_id=started["call_id"]) == {
        "call_id": started["call_id"],
        "status": "ended",
    }


async def wait_hangup(house: Instance, call_id: str) -> dict[str, Any]:
    await house.wait_for(
        lambda it: any(call["id"] == call_id for call in it.of_type("call_hangup")), 15, "the end of the call"
    )
    return dict(await house.get(f"/calls/{call_id}"))


@BOTH_WAYS
async def test_it_finds_its_tools_and_our_resources(voipbin: McpClient, house: Instance) -> None:
    assert voipbin.server["serverInfo"] == {"name": "voipbin", "version": "0.3.0"}
    tools = await voipbin.tools()
    assert {f"list_{name}" for name in LISTS} < set(tools)
    assert {"create_call", "create_flow", "phone_call_start", "phone_say_and_listen"} < set(tools)
    for name in LISTS:
        assert isinstance((await voipbin.call(f"list_{name}", page_size=2))["result"], list), name
    assert (await voipbin.call("get_customer"))["id"] == house.customer_id
    with pytest.raises(ToolFailed, match=r"404 .ROUTE_NOT_FOUND"):
        await voipbin.call("list_billings")


async def test_it_makes_and_changes_flows_and_conferences(voipbin: McpClient) -> None:
    # The example of its own documentation: names instead of ids, an empty next_id.
    actions = [
        {"id": "a1", "next_id": "a2", "type": "answer", "option": {}},
        {"id": "a2", "next_id": "", "type": "hangup", "option": {}},
    ]
    made = await voipbin.call("create_flow", name="greet", detail="of a client", actions=actions)
    assert [action["type"] for action in made["actions"]] == ["answer", "hangup"]
    shown = await voipbin.call("get_flow", flow_id=made["id"])
    assert {**shown, "warnings": []} == made  # what the checker thinks of it is told once
    # What it shows can be sent back as it is.
    changed = await voipbin.call(
        "update_flow", flow_id=made["id"], name="leave", detail="", actions=shown["actions"][1:]
    )
    assert (changed["name"], changed["detail"], len(changed["actions"])) == ("leave", "", 1)
    assert made["id"] in {flow["id"] for flow in (await voipbin.call("list_flows"))["result"]}
    assert (await voipbin.call("delete_flow", flow_id=made["id"]))["id"] == made["id"]
    with pytest.raises(ToolFailed, match=r"404 .FLOW_NOT_FOUND"):
        await voipbin.call("get_flow", flow_id=made["id"])

    room = await voipbin.call("create_conference", name="room")
    assert (room["status"], room["timeout"]) == ("progressing", 3600)
    assert (await voipbin.call("get_conference", conference_id=room["id"]))["id"] == room["id"]
    assert (await voipbin.call("delete_conference", conference_id=room["id"]))["status"] == "terminated"


async def test_it_calls_over_the_trunk_and_hangs_up(voipbin: McpClient, house: Instance, provider: SipPeer) -> None:
    flow = await voipbin.call(
        "create_flow", name="wait", detail="", actions=[{"type": "sleep", "option": {"duration": 60_000}}]
    )
    placed = await voipbin.call(
        "create_call",
        source_type="tel",
        source_target=SOURCE,
        destination_type="tel",
        destination_target="+15559876543",
        flow_id=flow["id"],
    )
    call_id = placed["calls"][0]["id"]
    heard = await provider.wait_call()
    assert heard.number == "+15559876543"
    await heard.wait_answered()
    await house.wait_for(
        lambda it: any(call["id"] == call_id for call in it.of_type("call_progressing")), 10, "call_progressing"
    )
    assert (await voipbin.call("get_call", call_id=call_id))["status"] == "progressing"
    running = (await voipbin.call("list_activeflows"))["result"]
    assert call_id in {each["reference_id"] for each in running}
    hung_up = await voipbin.call("hangup_call", call_id=call_id)
    assert (hung_up["id"], hung_up["status"]) == (call_id, "terminating")
    assert (await heard.wait_ended()).status == 200
    await voipbin.call("delete_flow", flow_id=flow["id"])


@BOTH_WAYS
async def test_it_talks_with_somebody_over_the_trunk(voipbin: McpClient, house: Instance, provider: SipPeer) -> None:
    spoken, words = prompt_file(WORDS)
    async with on_the_phone(voipbin, "tel", "+15559876543") as started:
        call = await provider.wait_call()
        speaking = asyncio.create_task(answer(call, spoken))
        turn = await voipbin.call(
            "phone_say_and_listen",
            call_id=started["call_id"],
            text="Good morning. Which extension would you like to be connected with?",
            listen_timeout_seconds=60,
        )
        await speaking
        assert (turn["call_ended"], turn["timed_out"], turn["events_connected"]) == (False, False, True), turn
        assert word_error_rate([normalise(words)], [normalise(turn["heard"])]) <= 0.3, turn
        (transcribe,) = (await house.get("/transcribes", reference_type="call", reference_id=started["call_id"]))[
            "result"
        ]
        assert (transcribe["provider"], transcribe["direction"]) == ("aws", "in")
    assert (await call.wait_ended()).status == 200
    ended = await wait_hangup(house, started["call_id"])
    assert (ended["hangup_by"], ended["hangup_reason"]) == ("local", "normal")
    again = await voipbin.call("phone_hangup", call_id=started["call_id"])
    assert (again["status"], again["ended_reason"]) == ("ended", "agent_hangup")


async def test_it_talks_to_a_sip_address_and_is_interrupted(voipbin: McpClient, house: Instance) -> None:
    spoken, words = prompt_file(WORDS)
    async with open_sip_peer("bob") as bob, on_the_phone(voipbin, "sip", f"bob@{bob.host}") as started:
        call = await bob.wait_call()
        said = await voipbin.call("phone_say", call_id=started["call_id"], text="This sentence is a long one. " * 12)
        assert (said["queued"], said["call_ended"]) == (True, False)
        async with asyncio.timeout(30):
            while call.heard_level(0.3) < LOUD:
                await asyncio.sleep(0.05)
        # The client takes interims for an interruption from one second after its first word on.
        await asyncio.sleep(1.0)
        call.start_saying(spoken)
        turn = await voipbin.call("phone_listen", call_id=started["call_id"], timeout_seconds=60)
        assert turn["barge_in"] is True, turn
        assert word_error_rate([normalise(words)], [normalise(turn["heard"])]) <= 0.3, turn
        async with asyncio.timeout(10):
            while call.heard_level(1.0) > QUIET:
                await asyncio.sleep(0.05)
        # It speaks again, with a new speaking.
        waiting = asyncio.create_task(heard_out(call))
        await voipbin.call("phone_say", call_id=started["call_id"], text="Very well, as you like.", wait=True)
        await waiting
    await wait_hangup(house, started["call_id"])


async def test_it_talks_to_an_extension(voipbin: McpClient, house: Instance) -> None:
    code, made = await house.post("/extensions", {"extension": "2001", "password": "correct-horse-7"})
    assert code == 200, made
    registrar = f"sip:127.0.0.1:{house.sip_port}"
    async with open_sip_peer(
        made["username"], registrar=registrar, password="correct-horse-7", answer_seconds=0.3
    ) as phone:
        assert await phone.wait_registered() == 200
        async with on_the_phone(voipbin, "extension", "2001") as started:
            call = await phone.wait_call()
            hearing = asyncio.create_task(heard_out(call))
            await voipbin.call("phone_say", call_id=started["call_id"], text="Hello, extension two thousand and one.")
            await hearing
            status = await voipbin.call("phone_status")
            assert [each["state"] for each in status["sessions"] if each["call_id"] == started["call_id"]] == [
                "answered"
            ]
        assert (await call.wait_ended()).status == 200
    assert (await house.delete(f"/extensions/{made['id']}"))[0] == 200


async def test_it_is_told_when_nobody_answers(voipbin: McpClient, house: Instance) -> None:
    async with open_sip_peer("busy", reject=486) as busy:
        refused = await voipbin.call(
            "phone_call_start",
            source_number=SOURCE,
            destination_type="sip",
            destination_target=f"busy@{busy.host}",
        )
        assert (refused["reason"], refused["hangup_reason"]) == ("call_failed", "busy")
    async with open_sip_peer("sleeper", answer_seconds=None) as sleeper:
        refused = await voipbin.call(
            "phone_call_start",
            source_number=SOURCE,
            destination_type="sip",
            destination_target=f"sleeper@{sleeper.host}",
            answer_timeout_seconds=5,
        )
        assert refused["reason"] == "no_answer"
        assert (await (await sleeper.wait_call()).wait_ended()).status == 487


async def test_it_takes_calls_of_a_number(voipbin: McpClient, house: Instance, tmp_path: Path) -> None:
    spoken, words = prompt_file(WORDS)
    code, before = await house.post("/flows", {"name": "before", "actions": [{"type": "hangup"}]})
    assert code == 200, before
    code, number = await house.post("/numbers", {"number": "+15550001111", "call_flow_id": before["id"]})
    assert code == 200, number
    taken = await voipbin.call("phone_incoming_configure", number_id=number["id"], enabled=True)
    assert (taken["number"], taken["previous_call_flow_id"]) == ("+15550001111", before["id"])
    again = await voipbin.call("phone_incoming_configure", number_id=number["id"], enabled=True)
    assert again == taken
    waiting = asyncio.create_task(
        voipbin.call(
            "phone_wait_incoming",
            number_id=number["id"],
            timeout_seconds=60,
            greeting="Good morning, how can I help you?",
        )
    )
    while not (await voipbin.call("phone_status"))["waiting_numbers"]:
        await asyncio.sleep(0.05)
    async with open_sip_peer("ann", proxy=f"sip:127.0.0.1:{house.sip_port}") as ann:
        call = await ann.call(house.sip_uri("+15550001111"))
        hearing = asyncio.create_task(answer(call, spoken))
        arrived = await waiting
        assert arrived["status"] == "answered", arrived
        assert arrived["caller"]["target"] == "ann"
        turn = await voipbin.call("phone_listen", call_id=arrived["call_id"], timeout_seconds=60)
        await hearing
        assert word_error_rate([normalise(words)], [normalise(turn["heard"])]) <= 0.3, turn
        hearing = asyncio.create_task(heard_out(call))
        await voipbin.call("phone_say", call_id=arrived["call_id"], text="Thank you, goodbye.", wait=True)
        await hearing
        await voipbin.call("phone_hangup", call_id=arrived["call_id"])
        assert (await call.wait_ended()).status == 200
    given_back = await voipbin.call("phone_incoming_configure", number_id=number["id"], enabled=False)
    assert (given_back["call_flow_id"], given_back["enabled"]) == (before["id"], False)
    assert (await house.get(f"/numbers/{number['id']}"))["call_flow_id"] == before["id"]
    # The number is its owner's again.
    async with open_caller(CallPlan(house.sip_uri("+15550001111"), user="ben")) as caller:
        events = await caller.finish()
    assert events[-1].name == "ended"
    await house.delete(f"/numbers/{number['id']}")
    await house.delete(f"/flows/{before['id']}")


async def test_nothing_is_left(voipbin: McpClient, house: Instance) -> None:
    async with asyncio.timeout(10):
        while (residue := await house.residue()) != {"channels": [], "bridges": [], "calls": 0, "transcribes": 0}:
            await asyncio.sleep(0.1)
    assert residue["channels"] == []
    assert " [error" not in await house.log_text()
