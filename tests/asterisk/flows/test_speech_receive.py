"""Answers by voice on real calls: human speech, hints, silence, barge-in, and Korean with a grammar of Vosk."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest

from app.cli.wav_file import write_wav
from tests.asterisk.calls.instance import Instance
from tests.asterisk.calls.sip_peer import PeerCall, open_sip_peer
from tests.asterisk.flows.keys import call_id_of, ended_call, places
from tests.speech_files import NO_KOREAN, PROMPTS, korean_files, read_samples

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120)]

ROOT = Path(__file__).parents[3]
SECOND_BYTES = 16_000
ENGLISH = ["family", "friends", "work"]
COFFEE, PRESIDENT, REGION = "한 잔의 커피", "박근혜 대통령이", "다른 지역에서는"
KOREAN = [COFFEE, PRESIDENT, REGION]
LONG_PROMPT = "Please tell me now what this call is about. " * 5
REASONS = ["busy", "noanswer", "dialout"]
"""How the tests see which hint it was: the call ends with one of these."""


def ends_with(reason: str, name: str) -> dict[str, Any]:
    return {"id": name, "type": "hangup", "option": {"reason": reason}}


def ask(hints: list[str], *before: dict[str, Any], **option: Any) -> list[dict[str, Any]]:
    """Ask, and end the call with the reason of the hint; failed = not understood, timeout = silence."""
    return [
        {"type": "answer"},
        *before,
        {"type": "speech_receive", "option": {"hints": hints, "timeout": 4000, **option}},
        {
            "type": "branch",
            "option": {
                "variable": "voipbin.call.speech",
                "target_ids": dict(zip(hints, REASONS, strict=True)),
                "default_target_id": "none",
            },
        },
        *(ends_with(reason, reason) for reason in REASONS),
        {
            "id": "none",
            "type": "condition_variable",
            "option": {
                "variable": "voipbin.call.speech_status",
                "condition": "==",
                "value_string": "silence",
                "false_target_id": "not-understood",
            },
        },
        ends_with("timeout", "silence"),
        ends_with("failed", "not-understood"),
    ]


FLOWS = {
    "ivr-voice": json.loads((ROOT / "flows" / "ivr-voice.json").read_text()),
    "voice-english": {"numbers": ["7401"], "language": "en-US", "actions": ask(ENGLISH)},
    "voice-barge-in": {
        "numbers": ["7402"],
        "language": "en-US",
        "actions": ask(ENGLISH, {"type": "transcribe_start"}, prompt=LONG_PROMPT),
    },
    "voice-korean": {"numbers": ["7403"], "language": "ko-KR", "actions": ask(KOREAN)},
}


async def answer_by(running: Instance, number: str, user: str, *spoken: Path) -> dict[str, Any]:
    """Call, say files at once when it is answered, wait for the end; the call as it ended."""
    async with open_sip_peer(user) as caller:
        call = await caller.call(running.sip_uri(number))
        await call.wait_answered()
        for path in spoken:
            await call.say(path)
        await call.wait_ended(15)
    return await ended_call(running, call_id_of(running, user))


def reason_of(hints: list[str], hint: str) -> str:
    return REASONS[hints.index(hint)]


@pytest.mark.parametrize("word", ENGLISH)
async def test_a_word_that_is_said_at_once_is_understood(running5: Instance, word: str) -> None:
    ended = await answer_by(running5, "7401", f"says-{word}", PROMPTS / f"vm-{word.capitalize()}.wav")
    assert ended["hangup_reason"] == reason_of(ENGLISH, word)


async def test_another_sentence_is_not_understood(running5: Instance) -> None:
    ended = await answer_by(running5, "7401", "says-something-else", PROMPTS / "one-moment-please.wav")
    assert ended["hangup_reason"] == "failed"


async def test_silence_is_silence(running5: Instance) -> None:
    assert (await answer_by(running5, "7401", "says-nothing"))["hangup_reason"] == "timeout"


async def test_speech_stops_the_prompt_beside_a_running_transcribe(running5: Instance) -> None:
    user = "barges-in"
    async with open_sip_peer(user) as caller:
        call = await caller.call(running5.sip_uri("7402"))
        await call.wait_answered()
        await heard_for(call, 2.5)
        began = time.monotonic()
        await call.say(PROMPTS / "vm-Friends.wav")
        await call.wait_ended(8)
        assert time.monotonic() - began < 4, "the prompt alone lasts longer"
    call_id = call_id_of(running5, user)
    assert (await ended_call(running5, call_id))["hangup_reason"] == reason_of(ENGLISH, "friends")
    [transcribe] = (await running5.get("/transcribes", reference_type="call", reference_id=call_id))["result"]
    rows = (await running5.get("/transcripts", transcribe_id=transcribe["id"]))["result"]
    said = {
        direction: " ".join(row["message"] for row in rows if row["direction"] == direction)
        for direction in ("in", "out")
    }
    assert "friend" in said["in"].lower()
    assert "tell me now" in said["out"].lower()
    assert said["out"].lower().count("tell me") < 5, "the prompt was cut off"


async def heard_for(call: PeerCall, seconds: float) -> None:
    """Wait until so much of the prompt was heard."""
    async with asyncio.timeout(15):
        while call.heard_level(0.3) < 200:
            await asyncio.sleep(0.05)
    await asyncio.sleep(seconds)


@pytest.mark.skipif(not korean_files(), reason=NO_KOREAN)
@pytest.mark.parametrize(
    ("number", "start", "end", "expected"),
    [(5, 0.0, 1.95, COFFEE), (8, 0.0, 2.5, PRESIDENT), (6, 0.0, 2.6, REGION), (1, 1.0, 2.2, None), (9, 1.0, 2.2, None)],
)
async def test_korean_answers_are_heard_with_a_grammar(
    running5: Instance, tmp_path: Path, number: int, start: float, end: float, expected: str | None
) -> None:
    pcm = read_samples(korean_files()[number - 1][0])
    spoken = tmp_path / "answer.wav"
    write_wav(spoken, pcm[int(start * SECOND_BYTES) // 2 * 2 : int(end * SECOND_BYTES) // 2 * 2])
    ended = await answer_by(running5, "7403", f"korean-{number}", spoken)
    assert ended["hangup_reason"] == (reason_of(KOREAN, expected) if expected else "failed")


async def test_our_ivr_by_voice(running5: Instance) -> None:
    """The flow that ships: something it cannot take, then goodbye."""
    user = "ivr-voice-caller"
    async with open_sip_peer(user) as caller:
        call = await caller.call(running5.sip_uri("7004"))
        await call.wait_answered()
        for name in ("one-moment-please", "goodbye"):
            await wait_place(running5, user, "speech_receive", 1 if name == "goodbye" else 0)
            await heard_for(call, 0.7)
            await call.say(PROMPTS / f"{name}.wav")
        await call.wait_ended(20)
    call_id = call_id_of(running5, user)
    assert (await ended_call(running5, call_id))["hangup_reason"] == "normal"
    path = await places(running5, call_id, "ivr-voice", "question", "not-understood", "again", "goodbye")
    log = (await running5.log_text())[-3000:]
    assert path == ["question", "not-understood", "again", "question", "goodbye"], log


async def wait_place(running: Instance, user: str, type_name: str, before: int) -> None:
    """Wait until the flow of this caller is at an action of this type, which ran `before` times until then."""

    def is_there(instance: Instance) -> bool:
        call_ids = {data["id"] for data in instance.of_type("call_created") if data["source"]["target"] == user}
        for data in instance.of_type("activeflow_updated"):
            if data["reference_id"] in call_ids and data["current_action"]["type"] == type_name:
                ran = [each for each in data["executed_actions"] if each["type"] == type_name]
                if len(ran) == before:
                    return True
        return False

    await running.wait_for(is_there, 20, f"{type_name} of {user}")


async def test_nothing_of_answers_is_left(running5: Instance) -> None:
    async with asyncio.timeout(10):
        while (left := await running5.residue()) != {"channels": [], "bridges": [], "calls": 0, "transcribes": 0}:
            await asyncio.sleep(0.2)
    assert left["bridges"] == []
