"""echo, mute and amd on the real Asterisk, by ear: what a caller hears, and who seems to have answered."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.cli.wav_file import write_wav
from app.domain.audio import SAMPLE_RATE
from tests.asterisk.calls.instance import Instance
from tests.asterisk.calls.sip_peer import open_sip_peer
from tests.asterisk.ears import tone
from tests.asterisk.flows.keys import call_id_of, ended_call, loudness
from tests.speech_files import PROMPTS, read_samples

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120)]

SOURCE = {"type": "tel", "target": "+15551230000"}
ANSWER = {"type": "answer"}
ECHO = {"type": "echo", "option": {"duration": 3000}}
MOST_DELAY_SECONDS = 0.4
PIECE = SAMPLE_RATE // 2
Sound = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def mute(direction: str, *, is_on: bool = True) -> dict[str, Any]:
    return {"type": "mute", "option": {"direction": direction, "is_on": is_on}}


def flow(number: str, *actions: dict[str, Any]) -> dict[str, Any]:
    return {"numbers": [number], "language": "en-US", "actions": list(actions)}


FLOWS = {
    "echo": flow("7311", ANSWER, {"type": "echo", "option": {"duration": 6000}}),
    "stream-echo": flow("7312", ANSWER, {"type": "stream_echo", "option": {"duration": 6000}}),
    "mute-in": flow("7313", ANSWER, mute("in"), ECHO, mute("in", is_on=False), ECHO),
    "mute-out": flow("7314", ANSWER, mute("out"), ECHO, mute("both", is_on=False), ECHO),
}


@pytest.mark.parametrize("number", ["7311", "7312"])
async def test_a_party_hears_itself_until_the_time_is_up(running5: Instance, tmp_path: Path, number: str) -> None:
    voice = read_samples(PROMPTS / "vm-intro.wav")
    write_wav(tmp_path / "voice.wav", voice)
    async with open_sip_peer(f"echo{number}") as caller:
        call = await caller.call(running5.sip_uri(number))
        answered_at = await call.wait_answered()
        call.send_digits("#*1")  # no digit ends it
        await call.say(tmp_path / "voice.wav")
        ended = await call.wait_ended()
        heard = np.frombuffer(call.heard(), "<i2").astype(float)
    assert 5.8 < ended.at - answered_at < 7.5
    said = np.frombuffer(voice, "<i2").astype(float)[: 4 * SAMPLE_RATE]
    # In pieces: a machine that is busy makes Asterisk put a frame of silence between two of them.
    pieces = [said[at : at + PIECE] for at in range(0, len(said) - PIECE + 1, PIECE)]
    assert np.median([likeness(heard, piece) for piece in pieces]) > 0.9


def likeness(heard: Sound, piece: Sound) -> float:
    """How much of `heard`, at its best place, is the piece: their correlation there."""
    size = 1 << (len(heard) + len(piece)).bit_length()
    product = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(piece, size)), size)[: len(heard)]
    alike = heard[(at := int(product.argmax())) : at + len(piece)]
    return float(np.corrcoef(alike, piece[: len(alike)])[0, 1])


async def test_the_echo_comes_back_soon(running5: Instance, tmp_path: Path) -> None:
    """The telephone records from its answer on: where the tone is in that says when it came back."""
    write_wav(tmp_path / "tone.wav", bytes(SAMPLE_RATE) + tone(1000, 0.2) + bytes(SAMPLE_RATE))
    async with open_sip_peer("delay") as caller:
        call = await caller.call(running5.sip_uri("7311"))
        answered_at = await call.wait_answered()
        await asyncio.sleep(1)
        await call.say(tmp_path / "tone.wav")
        await call.wait_ended()
        heard = np.frombuffer(call.heard(), "<i2").astype(float)
        [saying_at] = [event["at"] for event in call.events if event["event"] == "saying"]
    came_back_at = answered_at + int(np.flatnonzero(abs(heard) > 2000)[0]) / SAMPLE_RATE
    delay = came_back_at - (saying_at + 0.5)
    assert delay < MOST_DELAY_SECONDS, delay
    print(f"the echo came back after {delay * 1000:.0f} ms")


@pytest.mark.parametrize("number", ["7313", "7314"])
async def test_a_muted_party_is_not_heard_or_hears_nothing(running5: Instance, tmp_path: Path, number: str) -> None:
    write_wav(tmp_path / "tone.wav", tone(1000, 8))
    async with open_sip_peer(f"muted{number}") as caller:
        call = await caller.call(running5.sip_uri(number))
        await call.wait_answered()
        call.start_saying(tmp_path / "tone.wav")
        await call.wait_ended()
        heard = call.heard()
    middle = len(heard) // 4 * 2
    assert loudness(heard[: middle - SAMPLE_RATE], 1000) < 50
    assert loudness(heard[middle + SAMPLE_RATE :], 1000) > 2000
    muted = {
        each["mute_direction"]
        for each in running5.of_type("call_updated")
        if each["id"] == call_id_of(running5, f"muted{number}")
    }
    assert muted >= {"in" if number == "7313" else "out"}


HUMAN = read_samples(PROMPTS / "hello.wav") + bytes(3 * 2 * SAMPLE_RATE)
GREETING = read_samples(PROMPTS / "vm-intro.wav") + read_samples(PROMPTS / "beep.wav") + bytes(2 * SAMPLE_RATE)
SHORT_GREETING = read_samples(PROMPTS / "hello.wav") + read_samples(PROMPTS / "beep.wav") + bytes(2 * SAMPLE_RATE)
NOBODY = bytes(8 * 2 * SAMPLE_RATE)


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(
    ("sound", "reason"),
    [(HUMAN, "busy"), (GREETING, "amd"), (SHORT_GREETING, "amd"), (NOBODY, "timeout")],
    ids=["human", "greeting", "beep", "nobody"],
)
async def test_who_has_answered(running5: Instance, tmp_path: Path, sound: bytes, reason: str, is_async: bool) -> None:
    write_wav(tmp_path / "answer.wav", bytes(SAMPLE_RATE) + sound)
    targets = {"human": "human", "unsure": "unsure"}
    actions = [
        {"type": "amd", "option": {"machine_handle": "hangup", "async": is_async}},
        *([{"type": "sleep", "option": {"duration": 6000}}] if is_async else []),
        {"type": "branch", "option": {"variable": "voipbin.call.amd", "target_ids": targets}},
        {"id": "human", "type": "hangup", "option": {"reason": "busy"}},
        {"id": "unsure", "type": "hangup", "option": {"reason": "timeout"}},
    ]
    async with open_sip_peer("callee") as callee:
        status, reply = await running5.post(
            "/calls", {"source": SOURCE, "destinations": [{"type": "sip", "target": callee.uri}], "actions": actions}
        )
        assert status == 200, reply
        call = await callee.wait_call()
        await call.wait_answered()
        call.start_saying(tmp_path / "answer.wav")
        ended = await ended_call(running5, reply["calls"][0]["id"])
    assert (ended["hangup_by"], ended["hangup_reason"]) == ("local", reason)
