"""The flows of the flow folder that need other people: a call queue, a conference, a voicemail; as they are."""

import asyncio
import json
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiohttp import web

from app.cli.demo import find_free_port
from benchmarks.scores import normalise, word_error_rate
from tests.asterisk.calls.conversation import write_script
from tests.asterisk.calls.instance import Instance
from tests.asterisk.calls.sip_peer import PeerCall, SipPeer, open_sip_peer
from tests.asterisk.flows.phones import wait_loud, wait_quiet
from tests.asterisk.flows.test_queue import TAG, open_agent, wait_statuses
from tests.speech_files import english_files

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]

FOLDER = Path(__file__).parents[3] / "flows"
HOOK_PORT = find_free_port()


def load(name: str) -> Any:
    text = (FOLDER / f"{name}.json").read_text(encoding="utf-8")
    return json.loads(text.replace("127.0.0.1:9000", f"127.0.0.1:{HOOK_PORT}"))


FLOWS = {
    name: load(name) for name in ("call-queue-recording", "conference-transcripts", "voicemail", "voicemail-message")
}
SETTINGS = {"CALLSCRIBE_WEBHOOK_NETWORKS": "127.0.0.0/8"}


async def call_by(running: Instance, caller: str) -> Any:
    """Wait for the incoming call of that caller."""

    def found(instance: Instance) -> list[Any]:
        calls = instance.of_type("call_created")
        return [call for call in calls if call["source"]["target"] == caller and call["direction"] == "incoming"]

    await running.wait_for(found, 10, f"the call of {caller}")
    return found(running)[0]


async def recording_of(running: Instance, call_id: str, seconds: float = 15) -> Any:
    """Wait until the call's recording has ended."""

    def ended(instance: Instance) -> list[Any]:
        return [each for each in instance.of_type("recording_finished") if each["reference_id"] == call_id]

    await running.wait_for(ended, seconds, "the end of the recording")
    return ended(running)[0]


async def samples_of(running: Instance, recording_id: str) -> Any:
    """The two sides of a recording, as a client gets it."""
    async with running.session.get(f"{running.api}/recordingfiles/{recording_id}") as reply:
        assert reply.status == 200
        with wave.open(BytesIO(await reply.read())) as file:
            return np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())


async def test_a_call_queue_with_a_recording(running5: Instance, tmp_path: Path) -> None:
    voice = write_script(english_files()[9:10], tmp_path / "voice.wav").wav
    status, queue = await running5.post("/queues", {"name": "support", "tag_ids": [TAG]})
    assert status == 200, queue
    async with (
        open_agent(running5, "5201", answer_seconds=1) as (phone, _),
        open_sip_peer("+15550201") as caller,
    ):
        calling = await caller.call(running5.sip_uri("7005"))
        await wait_loud(calling, "the greeting")
        talking = await phone.wait_call(20)
        await talking.wait_answered()
        await wait_statuses(running5, queue["id"], "service")
        await calling.say(voice)
        await talking.say(voice)
        await talking.hang_up()
        await wait_statuses(running5, queue["id"], "done")
        await calling.wait_ended(20)
    call = await call_by(running5, "+15550201")
    sides = (await samples_of(running5, (await recording_of(running5, call["id"]))["id"])).astype(float)
    assert all(np.sqrt((sides[:, side] ** 2).mean()) > 100 for side in (0, 1))
    assert (await running5.delete(f"/queues/{queue['id']}"))[0] == 200


async def test_a_conference_of_four_says_who_spoke(running5: Instance, tmp_path: Path) -> None:
    files = english_files()
    parts = {f"+15550{300 + number}": files[number : number + 1] for number in (8, 3, 6, 13)}
    async with (
        open_sip_peer("+15550308") as one,
        open_sip_peer("+15550306") as two,
        open_sip_peer("+15550303") as three,
        open_sip_peer("+15550313") as four,
    ):
        calls: dict[str, PeerCall] = {}
        scripts = {user: write_script(spoken, tmp_path / f"{user}.wav").wav for user, spoken in parts.items()}

        async def join(*peers: SipPeer) -> None:
            before = len(running5.of_type("conferencecall_joined"))
            for peer in peers:
                calls[peer.user] = await peer.call(running5.sip_uri("7006"))
            await running5.wait_for(
                lambda it: len(it.of_type("conferencecall_joined")) >= before + len(peers), 30, "in the conference"
            )

        def speak(peer: SipPeer) -> "asyncio.Task[None]":
            return asyncio.create_task(calls[peer.user].say(scripts[peer.user]))

        # The second talks over the first, who leaves after its last word; the fourth comes while the third talks.
        await join(one, two, three)
        first = speak(one)
        await wait_loud(calls[three.user], "who speaks")
        second = speak(two)
        await first
        await asyncio.sleep(0.5)
        await calls[one.user].hang_up()
        await second
        third = speak(three)
        await wait_loud(calls[two.user], "who speaks")
        await join(four)
        fourth = speak(four)
        await wait_loud(calls[two.user], "who speaks")
        await asyncio.gather(third, fourth)
        await asyncio.sleep(0.5)
        for call in (calls[peer.user] for peer in (two, three, four)):
            await call.hang_up()
        for user, spoken in parts.items():
            call = await call_by(running5, user)

            def is_done(instance: Instance, call_id: str = call["id"]) -> bool:
                return any(each["reference_id"] == call_id for each in instance.of_type("transcribe_done"))

            await running5.wait_for(is_done, 15, "the transcript")
            page = await running5.get("/transcribes", reference_type="call", reference_id=call["id"])
            rows = (await running5.get("/transcripts", transcribe_id=page["result"][0]["id"]))["result"]
            rows.sort(key=lambda row: int(row["offset_ms"]))
            text = " ".join(row["message"] for row in rows)
            print(user, text)
            assert {row["direction"] for row in rows} == {"in"}
            assert {row["speaker"]["name"] for row in rows} == {user}
            # Whose words they are is the question here, not how well they were understood.
            errors = {
                other: word_error_rate([normalise(said[0][1])], [normalise(text)]) for other, said in parts.items()
            }
            assert min(errors, key=lambda other: errors[other]) == user, errors
            assert errors[user] < 0.7 < min(rate for other, rate in errors.items() if other != user), errors
            assert len(normalise(text).split()) <= 1.3 * len(normalise(spoken[0][1]).split())


@asynccontextmanager
async def open_hook() -> AsyncIterator["asyncio.Queue[dict[str, Any]]"]:
    """The server of the one who gets the messages."""
    bodies: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def take(request: web.Request) -> web.Response:
        bodies.put_nowait(await request.json())
        return web.json_response({"ticket": "7"})

    app = web.Application()
    app.router.add_post("/voicemail", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", HOOK_PORT).start()
    try:
        yield bodies
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("end", ["key", "silence", "hang up"])
async def test_a_voicemail_and_its_transcript(running5: Instance, tmp_path: Path, end: str) -> None:
    path, text = english_files()[8]
    voice = write_script([(path, text)], tmp_path / "message.wav").wav
    number = {"key": "+15550401", "silence": "+15550402", "hang up": "+15550403"}[end]
    async with open_hook() as bodies, open_sip_peer(number) as caller:
        calling = await caller.call(running5.sip_uri("7007"))
        call = await call_by(running5, number)
        await running5.wait_for(
            lambda it: any(each["reference_id"] == call["id"] for each in it.of_type("recording_started")),
            30,
            "the tone",
        )
        await calling.say(voice)
        if end == "key":
            calling.send_digits("5#")
        elif end == "hang up":
            await calling.hang_up()
        recording = await recording_of(running5, call["id"])
        if end != "hang up":
            await wait_loud(calling, "thank you")
            await calling.wait_ended(15)
        body = await asyncio.wait_for(bodies.get(), 60)
    print(body)
    assert (body["from"], body["recording_id"]) == (number, recording["id"])
    assert word_error_rate([normalise(text)], [normalise(body["text"])]) < 0.3


async def test_nobody_waits_for_the_digits_of_a_recording(running5: Instance) -> None:
    async with open_sip_peer("+15550500") as caller:
        calling = await caller.call(running5.sip_uri("7007"))
        call = await call_by(running5, "+15550500")
        await running5.wait_for(
            lambda it: any(each["reference_id"] == call["id"] for each in it.of_type("recording_started")),
            30,
            "the tone",
        )
        await wait_quiet(calling, "after the tone")
        calling.send_digits("#", is_info=True)
        await recording_of(running5, call["id"], 3)
        await wait_loud(calling, "thank you")
        await calling.wait_ended(15)
