"""Past the limit, with real calls: an instance that calls a millisecond too late, so that two calls are too many."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.asterisk.calls.conversation import write_script
from tests.asterisk.calls.instance import Instance, open_instance
from tests.asterisk.calls.sip_peer import open_sip_peer
from tests.speech_files import librivox_files

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]

SPEAKERS = 4
AUDIBLE = 300.0
LEVEL = "callscribe_recognition_level"
FLOWS: dict[str, Any] = {
    "load": {
        "name": "load",
        "numbers": ["7901"],
        "language": "en-US",
        "actions": [
            {"type": "answer"},
            {"type": "transcribe_start", "option": {"direction": "in"}},
            {"type": "sleep", "option": {"duration": 600_000}},
        ],
    },
    "late": {
        "name": "late",
        "numbers": ["7902"],
        "language": "en-US",
        "actions": [
            {"type": "answer"},
            {"type": "transcribe_start"},
            {"type": "talk", "option": {"text": "Please hold the line. " * 20, "digits_handle": "next"}},
            {"type": "hangup"},
        ],
    },
}


async def wait_level(instance: Instance, level: int, seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while await instance.metric(LEVEL) != level:
            await asyncio.sleep(0.1)


async def test_new_transcribes_are_refused_calls_go_on_and_it_recovers(tmp_path: Path) -> None:
    """All speak the same at the same time, so that their ends wait for the one thread."""
    script = write_script(librivox_files() * 3, tmp_path / "speech.wav")
    async with (
        open_instance(FLOWS, CALLSCRIBE_RECOGNITION_THREADS="1", CALLSCRIBE_MOST_RECOGNITION_DELAY_MS="1") as instance,
        open_sip_peer("late") as late,
        AsyncExitStack() as stack,
    ):
        peers = [await stack.enter_async_context(open_sip_peer(f"speaker{number}")) for number in range(SPEAKERS)]
        calls = [await peer.call(instance.sip_uri("7901")) for peer in peers]
        for call in calls:
            await call.wait_answered()
        await instance.wait_for(lambda it: len(it.of_type("transcribe_progressing")) == SPEAKERS, 10, "all are heard")
        for call in calls:
            call.start_saying(script.wav)
        await wait_level(instance, 2, 30)

        refused = await late.call(instance.sip_uri("7902"))
        await refused.wait_answered()
        await instance.wait_for(lambda it: it.of_type("transcribe_refused"), 5, "an event says why")
        (refusal,) = instance.of_type("transcribe_refused")
        (record,) = [each for each in instance.of_type("call_progressing") if each["id"] == refusal["reference_id"]]
        assert (refusal["reason"], refusal["reference_type"]) == ("RECOGNITION_OVERLOADED", "call")
        body = {"reference_type": "call", "reference_id": record["id"], "language": "en-US"}
        async with instance.session.post(f"{instance.api}/transcribes", json=body) as reply:
            answer = await reply.json()
            assert (reply.status, answer["error"]["reason"]) == (503, "RECOGNITION_OVERLOADED"), answer
            assert int(reply.headers["Retry-After"]) > 0
        async with asyncio.timeout(10):
            while refused.heard_level(0.5) < AUDIBLE:
                await asyncio.sleep(0.1)
        refused.send_digits("5")
        assert (await refused.wait_ended(5)).status == 200, "the digit stopped the prompt, and the flow came to its end"

        for call in calls:
            await call.hang_up()
        await instance.wait_for(lambda it: len(it.of_type("transcribe_done")) == SPEAKERS, 10, "all have their texts")
        assert instance.of_type("transcript_created")
        await wait_level(instance, 0, 30)
        again = await late.call(instance.sip_uri("7902"))
        await again.wait_answered()
        await instance.wait_for(
            lambda it: len(it.of_type("transcribe_progressing")) == SPEAKERS + 1, 10, "one more is transcribed"
        )
        await again.hang_up()
