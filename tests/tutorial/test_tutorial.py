"""The tutorial from its first line to its last, in its order, on one running Callscribe with real calls.

`samples/` holds its samples word for word. What was started by one test is looked at by the next, as in the tutorial.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from app.cli.caller import CallPlan, open_caller
from app.cli.demo import find_free_port
from tests.asterisk.calls.instance import KEY, Instance
from tests.asterisk.calls.sip_peer import PeerCall, SipPeer, open_sip_peer
from tests.speech_files import SpokenFile
from tests.tutorial.conftest import ROOM
from tests.tutorial.program import open_program
from tests.tutorial.samples import CALL, CONFERENCE, RECORDING, TRANSCRIBE, Localizer, read_json, read_sample
from tests.tutorial.stories import (
    FIRST_IN_LINE,
    NEVER,
    NOBODY_AVAILABLE,
    PROMPT,
    call_with_transcription,
    check_form,
    errors_of,
    share_heard,
    text_of,
    transcripts_of,
    wait_event,
    words,
)
from tests.unit.delivery.receiver import Receiver, open_receiver

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]

EXAMPLES = Path(__file__).parents[2] / "examples"
LANGUAGES = {"en-US", "en-GB", "es-ES", "fr-FR", "de-DE", "ja-JP", "ko-KR", "zh-CN"}
SIX = {
    "transcribe_created",
    "transcribe_progressing",
    "transcribe_done",
    "transcribe_deleted",
    "transcript_created",
    "transcript_deleted",
}


# Prerequisites


async def test_a_token_comes_from_login_or_is_an_access_key(house: Instance, tutorial: Localizer) -> None:
    for token in (tutorial.token, KEY):
        for resource in ("accesskeys", "calls", "conferences", "recordings"):
            async with house.session.get(f"{house.api}/{resource}", params={"token": token}, headers={}) as reply:
                assert reply.status == 200
                assert set(await reply.json()) == {"result", "next_page_token"}


# Start Transcription with Flow Action


async def test_create_call_with_automatic_transcription(
    house: Instance, tutorial: Localizer, provider: SipPeer
) -> None:
    spoken = words(NOBODY_AVAILABLE)
    transcribe = await call_with_transcription(house, tutorial, provider, spoken)
    assert (transcribe["language"], transcribe["direction"], transcribe["status"]) == ("en-US", "both", "done")
    assert transcribe["activeflow_id"] == (await house.get(f"/calls/{transcribe['reference_id']}"))["activeflow_id"]
    rows = await transcripts_of(house, transcribe["id"])
    assert errors_of(PROMPT, text_of(rows, "out")) <= 0.25, rows
    assert share_heard(spoken[1], text_of(rows, "in")) >= 0.5, rows


# Start Transcription via API (Manual)


@dataclass
class ActiveCall:
    """A call that is up: Ann's telephone, and the call as the API has it."""

    phone: PeerCall
    id: str


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def active(house: Instance) -> AsyncIterator[ActiveCall]:
    """Ann has called and was answered; the id comes from GET /calls, as the tutorial says."""
    async with open_sip_peer("ann") as ann:
        phone = await ann.call(house.sip_uri("7601"))
        await phone.wait_answered()
        await house.wait_for(
            lambda it: any(call["source"]["target"] == "ann" for call in it.of_type("call_progressing")), 10, "a call"
        )
        calls = (await house.get("/calls"))["result"]
        yield ActiveCall(phone, next(call["id"] for call in calls if call["status"] == "progressing"))


async def test_a_language_is_needed_and_must_be_one(house: Instance, active: ActiveCall) -> None:
    asked = {"reference_type": "call", "reference_id": active.id}
    for wrong in ({}, {"language": "klingonese!"}, {"language": ""}, {"language": "english"}):
        code, body = await house.post("/transcribes", {**asked, **wrong})
        error = body["error"]
        assert (code, error["status"], error["reason"]) == (400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"), body
        assert error["details"][0]["field"] == "language"
    code, body = await house.post("/transcribes", {"language": "en-US"})
    assert (code, body["error"]["details"][0]["field"]) == (400, "reference_type")


async def test_transcribe_an_active_call(house: Instance, tutorial: Localizer, active: ActiveCall) -> None:
    tutorial.ids[CALL] = active.id
    reply = await tutorial.run("02_transcribe_call.sh")
    check_form(reply, read_json("02_transcribe_call.reply.json"))
    assert (reply["reference_id"], reply["customer_id"]) == (active.id, house.customer_id)
    assert reply["tm_update"] == reply["tm_create"]
    tutorial.ids[TRANSCRIBE] = reply["id"]
    again = await tutorial.run("02_transcribe_call.sh")
    assert again["error"]["reason"] == "TRANSCRIBE_ALREADY_PROGRESSING"
    await active.phone.say(words(FIRST_IN_LINE)[0])
    code, body = await house.post(f"/calls/{active.id}/talk", {"text": PROMPT, "language": "en-US"})
    assert (code, body) == (200, None)
    await wait_event(house, "transcript_created", "direction", "out")


async def test_transcribe_a_conference_of_three(house: Instance, tutorial: Localizer) -> None:
    tutorial.ids[CONFERENCE] = ROOM
    missing = await tutorial.run("03_transcribe_conference.sh")
    assert missing["error"]["reason"] == "CONFERENCE_NOT_FOUND"
    code, conference = await house.post("/conferences", {"id": ROOM, "name": "three"})
    assert (code, conference["status"]) == (200, "progressing")
    reply = await tutorial.run("03_transcribe_conference.sh")
    check_form(reply, read_json("02_transcribe_call.reply.json") | {"reference_type": "confbridge"})
    assert (reply["reference_id"], reply["status"]) == (ROOM, "progressing")

    said = {"cleo": words("conf-waitforleader"), "dan": words("followme/status"), "eve": words("vm-nobox")}
    await asyncio.gather(*(attend(house, person, spoken) for person, spoken in said.items()))
    call_ids = {each["source"]["target"]: each["id"] for each in house.of_type("call_created")}
    code, _ = await house.delete(f"/conferences/{ROOM}")
    assert code == 200
    await wait_event(house, "transcribe_done", "id", reply["id"])
    rows = await transcripts_of(house, reply["id"])
    for person, (_, text) in said.items():
        own = [row for row in rows if row["speaker"]["call_id"] == call_ids[person]]
        assert {row["speaker"]["name"] for row in own} == {person}
        assert errors_of(text, text_of(own, "in")) <= 0.3, own


async def attend(house: Instance, person: str, spoken: SpokenFile) -> None:
    """Join, speak when all three are there, and leave after the last word."""
    async with open_sip_peer(person) as peer:
        phone = await peer.call(house.sip_uri("7603"))
        await phone.wait_answered()
        await house.wait_for(lambda it: len(it.of_type("conferencecall_joined")) == 3, 30, "three members")
        await phone.say(spoken[0])
        await asyncio.sleep(0.3)
        await phone.hang_up()


async def test_transcribe_a_recording(house: Instance, tutorial: Localizer) -> None:
    path, text = words(FIRST_IN_LINE)
    async with open_caller(CallPlan(house.sip_uri("7602"), say=path, user="fay", stay_seconds=0.3)) as caller:
        await house.wait_for(lambda it: it.of_type("recording_started"), 15, "recording_started")
        tutorial.ids[RECORDING] = house.of_type("recording_started")[0]["id"]
        early = await tutorial.run("04_transcribe_recording.sh")
        assert early["error"]["reason"] == "STATE_INVALID"
        await caller.finish()
    await wait_event(house, "recording_finished", "id", tutorial.ids[RECORDING])
    (recording,) = (await house.get("/recordings"))["result"]
    assert (recording["id"], recording["status"]) == (tutorial.ids[RECORDING], "ended")
    reply = await tutorial.run("04_transcribe_recording.sh")
    check_form(reply, read_json("02_transcribe_call.reply.json") | {"reference_type": "recording"})
    await wait_event(house, "transcribe_done", "id", reply["id"])
    assert (await house.get(f"/transcribes/{reply['id']}"))["status"] == "done"
    rows = await transcripts_of(house, reply["id"])
    assert errors_of(text, text_of(rows, "in")) <= 0.3, rows


# Get Transcription Results


async def test_get_transcription_by_id(house: Instance, tutorial: Localizer, active: ActiveCall) -> None:
    assert (await tutorial.run("05_get_transcribe.sh"))["status"] == "progressing"
    await active.phone.hang_up()
    await wait_event(house, "transcribe_done", "id", tutorial.ids[TRANSCRIBE])
    for token in (tutorial.token, KEY):
        reply = await tutorial.run("05_get_transcribe.sh", token=token)
        check_form(reply, read_json("05_get_transcribe.reply.json"))
        assert reply["tm_update"] > reply["tm_create"]
        assert reply["tm_delete"] == NEVER


async def test_get_transcripts(tutorial: Localizer) -> None:
    reply = await tutorial.run("06_get_transcripts.sh")
    check_form(reply, read_json("06_get_transcripts.reply.json"))
    rows = reply["result"]
    assert {row["transcribe_id"] for row in rows} == {tutorial.ids[TRANSCRIBE]}
    assert [row["tm_create"] for row in rows] == sorted((row["tm_create"] for row in rows), reverse=True)
    # "in" is what the customer said, "out" what was played to the customer.
    assert errors_of(words(FIRST_IN_LINE)[1], text_of(rows, "in")) <= 0.3, rows
    assert errors_of(PROMPT, text_of(rows, "out")) <= 0.25, rows


async def test_the_lifecycle_of_a_transcription(house: Instance, tutorial: Localizer) -> None:
    transcribe_id = tutorial.ids[TRANSCRIBE]
    told = [
        event["type"]
        for event in house.events
        if transcribe_id in (event["data"]["id"], event["data"].get("transcribe_id")) and "speech" not in event["type"]
    ]
    middle = told[2:-1]
    assert told[:2] == ["transcribe_created", "transcribe_progressing"]
    assert len(middle) >= 2
    assert set(middle) == {"transcript_created"}
    assert told[-1] == "transcribe_done"


# Real-Time Transcription with WebSocket


async def test_receive_real_time_transcripts(house: Instance, tutorial: Localizer, provider: SipPeer) -> None:
    frames: list[dict[str, Any]] = []
    program = tutorial.localize(read_sample("10_websocket_program.py.txt"))
    async with (
        house.session.ws_connect(tutorial.localize(read_sample("07_websocket_address.txt")).strip()) as feed,
        open_program("-c", program) as running,
    ):
        await running.wait_until(lambda it: bool(it.printed), "the subscription")
        await feed.send_str(tutorial.localize(read_sample("08_subscribe.json")))
        transcribe = await call_with_transcription(house, tutorial, provider, words(NOBODY_AVAILABLE))
        while not any(frame["type"] == "transcribe_done" for frame in frames):
            frames.append(await feed.receive_json(timeout=30))
        created = [frame for frame in frames if frame["type"] == "transcript_created"]
        await running.wait_until(lambda it: len(it.printed) > len(created), "the transcripts")
    for frame in created:
        check_form(frame, read_json("09_websocket_event.json"))
    rows = await transcripts_of(house, transcribe["id"])
    assert {frame["data"]["id"] for frame in created} == {row["id"] for row in rows}
    assert {frame["type"] for frame in frames} - {"transcript_created"} >= {
        "transcribe_created",
        "transcribe_progressing",
        "transcribe_done",
    }
    told = [f"[{frame['data']['direction']}] {frame['data']['message']}" for frame in created]
    assert running.printed == ["Subscribed to transcription events", *told]


# Receive Transcripts via Webhook


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def receiver() -> AsyncIterator[Receiver]:
    """The customer's server."""
    async with open_receiver() as receiver:
        yield receiver


async def test_configure_your_webhook_endpoint(house: Instance, tutorial: Localizer, receiver: Receiver) -> None:
    mine = {
        "name": "Examplia",
        "detail": "of the tutorial",
        "email": "a@example.com",
        "phone_number": "+15551230000",
        "address": "1 Street",
    }
    code, before = await house.put("/customer", mine)
    assert code == 200, before
    tutorial.hook_port = receiver.port
    reply = await tutorial.run("11_set_webhook.sh")
    uri = f"http://127.0.0.1:{receiver.port}/voipbin/webhook"
    changed = {"webhook_uri": uri, "webhook_method": "POST"}
    for after in (reply, await house.get("/customer")):
        left_out = {"tm_update", "webhook_secret", *changed}
        assert {key: after[key] for key in changed} == changed
        assert {key: value for key, value in after.items() if key not in left_out} == {
            key: value for key, value in before.items() if key not in left_out
        }


async def test_all_six_event_types_arrive(
    house: Instance, tutorial: Localizer, provider: SipPeer, receiver: Receiver
) -> None:
    transcribe = await call_with_transcription(house, tutorial, provider, words(NOBODY_AVAILABLE))
    code, deleted = await house.delete(f"/transcribes/{transcribe['id']}")
    assert (code, deleted["tm_delete"] < NEVER) == (200, True)

    def payloads() -> list[dict[str, Any]]:
        return [json.loads(each.body) for each in receiver.heard]

    async with asyncio.timeout(60):
        while not {payload["type"] for payload in payloads()} >= SIX:
            await receiver.wait_heard(len(receiver.heard) + 1)
    assert {(each.method, each.path) for each in receiver.heard} == {("POST", "/voipbin/webhook")}
    assert {each.headers["Content-Type"] for each in receiver.heard} == {"application/json"}
    for payload in payloads():
        assert set(payload) == {"type", "data"}
        if payload["type"].startswith("transcript_"):
            check_form(payload["data"], read_json("12_webhook.txt")["data"], "payload.data")
    check_form(
        next(payload for payload in payloads() if payload["type"] == "transcript_created"), read_json("12_webhook.txt")
    )
    types = [payload["type"] for payload in payloads() if payload["data"]["id"] == transcribe["id"]]
    assert types == ["transcribe_created", "transcribe_progressing", "transcribe_done", "transcribe_deleted"]
    created, gone = (
        {payload["data"]["id"] for payload in payloads() if payload["type"] == f"transcript_{word}"}
        for word in ("created", "deleted")
    )
    assert created == gone != set()
    async with house.session.get(f"{house.api}/transcribes/{transcribe['id']}") as reply:
        assert (reply.status, (await reply.json())["error"]["reason"]) == (404, "TRANSCRIBE_NOT_FOUND")


async def test_process_webhook_in_your_server(
    house: Instance, tutorial: Localizer, provider: SipPeer, tmp_path: Path
) -> None:
    stored = tmp_path / "transcripts.jsonl"
    tutorial.hook_port = find_free_port()
    serve = ("-m", "flask", "--app", EXAMPLES / "tutorial_webhook.py", "run", "--port", str(tutorial.hook_port))
    async with open_program(*serve, TRANSCRIPTS_FILE=str(stored)) as server:
        await server.wait_until(lambda it: any("Running on" in line for line in it.complaints), "the server")
        await tutorial.run("11_set_webhook.sh")
        transcribe = await call_with_transcription(house, tutorial, provider, words("vm-marked-urgent"))
        rows = await transcripts_of(house, transcribe["id"])
        urgent = f"urgent: look at transcribe {transcribe['id']}"
        await server.wait_until(
            lambda it: len(read_lines(stored)) >= len(rows) and urgent in it.complaints, "the transcripts"
        )
        await house.put("/customer", {"webhook_uri": ""})
    assert all(line["transcribe_id"] == transcribe["id"] for line in read_lines(stored))
    assert sorted((line["direction"], line["message"]) for line in read_lines(stored)) == sorted(
        (row["direction"], row["message"]) for row in rows
    )


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


# Supported Languages


async def test_the_common_languages_are_known(house: Instance) -> None:
    known = {language["code"] for language in (await house.get("/languages"))["result"]}
    assert known >= LANGUAGES


async def test_a_different_language(house: Instance, provider: SipPeer) -> None:
    languages = (await house.get("/languages"))["result"]
    is_installed = any(each["code"] == "ja-JP" and each["installed"] for each in languages)
    wait = {"type": "sleep", "option": {"duration": 60_000}}
    body = {
        "source": {"type": "tel", "target": "+15551234567"},
        "destinations": [{"type": "tel", "target": "+15559876543"}],
        "actions": [read_json("14_japanese.json"), wait],
    }
    code, reply = await house.post("/calls", body)
    assert code == 200, reply
    call_id = reply["calls"][0]["id"]
    await provider.wait_call()

    def is_waiting(instance: Instance) -> bool:
        flows = (flow for flow in instance.of_type("activeflow_updated") if flow["reference_id"] == call_id)
        return any(flow["current_action"]["type"] == "sleep" for flow in flows)

    await house.wait_for(is_waiting, 20, "the action after transcribe_start")
    transcribes = (await house.get("/transcribes", reference_type="call", reference_id=call_id))["result"]
    code, refused = await house.post(
        "/transcribes", {"reference_type": "call", "reference_id": call_id, "language": "ja-JP"}
    )
    if is_installed:
        assert [each["language"] for each in transcribes] == ["ja-JP"]
        assert (code, refused["error"]["reason"]) == (409, "TRANSCRIBE_ALREADY_PROGRESSING")
    else:
        # The flow goes on without; who asks by the API is told what to install.
        assert transcribes == []
        assert (code, refused["error"]["reason"]) == (400, "LANGUAGE_NOT_INSTALLED")
        assert "callscribe models install ja-JP" in refused["error"]["message"]
    await house.post(f"/calls/{call_id}/hangup")
    await wait_event(house, "call_hangup", "id", call_id)
