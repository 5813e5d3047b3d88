"""connect on the real Asterisk: early media, ring-back, refusals, digits, hold, and who said what when."""

import asyncio
import itertools
from pathlib import Path
from typing import Any

import pytest

from app.domain.timestamps import parse_timestamp
from benchmarks.scores import normalise, word_error_rate
from tests.asterisk.calls.conversation import Script, wall_time, write_script
from tests.asterisk.calls.instance import Instance
from tests.asterisk.calls.sip_peer import PeerCall, open_sip_peer
from tests.asterisk.flows.phones import call_of, open_phone, wait_loud, wait_quiet
from tests.speech_files import english_files

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120)]


def to(extension: str, **option: Any) -> dict[str, Any]:
    return {"type": "connect", "option": {"destinations": [{"type": "extension", "target_name": extension}], **option}}


HEAR = {"type": "transcribe_start"}
MOST_OFF_SECONDS = 0.8
SAY = {"type": "talk", "option": {"text": "Sorry, nobody is there. Please try again later.", "language": "en-US"}}


def flow(number: str, *actions: dict[str, Any]) -> dict[str, Any]:
    return {"name": f"connect {number}", "numbers": [number], "language": "en-US", "actions": list(actions)}


FLOWS = {
    "connect": flow("7501", {"type": "answer"}, HEAR, to("5001"), SAY),
    "connect-early": flow("7502", to("5002", early_media=True), SAY),
    "connect-relay": flow("7503", to("5003", relay_reason=True)),
    "connect-answered": flow("7504", {"type": "answer"}, HEAR, to("5004"), SAY),
}


async def test_the_caller_hears_the_callee_before_its_answer(running5: Instance, tmp_path: Path) -> None:
    voice = write_script(english_files()[9:10], tmp_path / "voice.wav").wav
    async with (
        open_phone(running5, "5002", answer_seconds=None, is_ringing=False) as phone,
        open_sip_peer("+15550001") as caller,
    ):
        calling = await caller.call(running5.sip_uri("7502"))
        ringing = await phone.wait_call()
        ringing.progress()
        ringing.start_saying(voice)
        await wait_loud(calling, "early media")
        assert not calling.has("answered")
        await ringing.answer()
        await calling.wait_answered()
        ringing.start_saying(voice)
        await wait_loud(calling, "after the answer")
        calling.start_saying(voice)
        await wait_loud(ringing, "the caller")
        calling.send_digits("42#")
        assert await ringing.wait_digits(3) == "42#"
        await ringing.hang_up()
        before = len(calling.heard())
        await asyncio.sleep(1)
        assert len(calling.heard()) > before
        await wait_loud(calling, "the next action")
        await calling.hang_up()


async def test_early_media_of_one_who_does_not_answer(running5: Instance, tmp_path: Path) -> None:
    voice = write_script(english_files()[9:10], tmp_path / "voice.wav").wav
    async with (
        open_phone(running5, "5002", answer_seconds=None) as phone,
        open_sip_peer("+15550002") as caller,
    ):
        calling = await caller.call(running5.sip_uri("7502"))
        ringing = await phone.wait_call()
        await calling.wait_ringing()
        ringing.progress()
        ringing.start_saying(voice)
        await wait_loud(calling, "early media")
        await ringing.hang_up(486)
        await calling.wait_answered()
        await wait_loud(calling, "the next action")
        await calling.hang_up()


@pytest.mark.parametrize(("status", "reason", "answered_with"), [(486, "busy", 486), (603, "noanswer", 480)])
async def test_the_reason_is_relayed(running5: Instance, status: int, reason: str, answered_with: int) -> None:
    number = f"+15550{status}"

    def ended_calls(running: Instance) -> list[dict[str, Any]]:
        ended = running.of_type("call_hangup")
        return [call for call in ended if call["source"]["target"] == number and call["direction"] == "incoming"]

    async with open_phone(running5, "5003", reject=status), open_sip_peer(number) as caller:
        calling = await caller.call(running5.sip_uri("7503"))
        assert (await calling.wait_ended()).status == answered_with
        await running5.wait_for(ended_calls, 5, "the end")
        assert ended_calls(running5)[0]["hangup_reason"] == reason


async def test_both_voices_of_a_connected_call_overlapping(running5: Instance, tmp_path: Path) -> None:
    files = english_files()
    hers, his = [files[8], files[13]], [files[9], files[14]]
    one, other = write_script(hers, tmp_path / "one.wav"), write_script(his, tmp_path / "other.wav")
    after_hold = write_script(his[:1], tmp_path / "after.wav")
    async with open_phone(running5, "5001") as phone, open_sip_peer("+15550004") as caller:
        calling = await caller.call(running5.sip_uri("7501"))
        called = await phone.wait_call()
        await calling.wait_answered()
        await called.wait_answered()
        # The callee begins in the middle of the caller's first sentence.
        saying = asyncio.create_task(calling.say(one.wav))
        await asyncio.sleep(3)
        await called.say(other.wav)
        await saying
        called.hold()
        await called.wait_media("recvonly")
        await wait_loud(calling, "music")
        called.unhold()
        await called.wait_media("sendrecv")
        await wait_quiet(calling, "no music any more")
        await called.say(after_hold.wav)
        await asyncio.sleep(1)
        await calling.hang_up()
        rows = await transcripts_of(running5, "+15550004")
        spoken = sorted([*moments(calling, "in", one), *moments(called, "out", other, after_hold)])
    print([(row["direction"], row["offset_ms"], row["message"], row.get("speaker")) for row in rows])
    assert_written_where_said(rows, spoken)
    texts = {way: " ".join(row["message"] for row in rows if row["direction"] == way) for way in ("in", "out")}
    said, heard = " ".join(text for _, text in hers), " ".join(text for _, text in [*his, *his[:1]])
    assert word_error_rate([normalise(said)], [normalise(texts["in"])]) < 0.35
    assert word_error_rate([normalise(heard)], [normalise(texts["out"])]) < 0.4


def moments(call: PeerCall, direction: str, *scripts: Script) -> list[tuple[float, float, str]]:
    """When a telephone spoke: begin and end (POSIX seconds) of each sentence, and the direction it is written as."""
    saying_at = [wall_time(event["at"]).timestamp() for event in call.events if event["event"] == "saying"]
    return [
        (began + said.start, began + said.end, direction)
        for began, script in zip(saying_at, scripts, strict=True)
        for said in script.said
    ]


def assert_written_where_said(rows: list[dict[str, Any]], spoken: list[tuple[float, float, str]]) -> None:
    """Every sentence has its first row, on its side, at its time; so the rows are in the order of the sentences."""
    firsts = []
    for begin, end, direction in spoken:
        own = [row["at"] for row in rows if row["direction"] == direction and begin - 1 < row["at"] < end]
        assert own, f"nothing of {direction} from {begin} to {end}"
        assert abs(own[0] - begin) < MOST_OFF_SECONDS, (own[0] - begin, direction)
        firsts.append(own[0])
    print("off by", [round(first - begin, 2) for first, (begin, _, _) in zip(firsts, spoken, strict=True)])
    for (first, other), ((begin, _, _), (next_begin, _, _)) in zip(
        itertools.pairwise(firsts), itertools.pairwise(spoken), strict=True
    ):
        assert first < other or next_begin - begin < MOST_OFF_SECONDS


async def transcripts_of(running: Instance, caller: str) -> list[dict[str, Any]]:
    """Wait for the end of the caller's transcribe; its rows as they were said, with `at`, when (POSIX seconds)."""
    call = call_of(running, direction="incoming", source=_source(running, caller))
    await running.wait_for(
        lambda it: any(each["reference_id"] == call["id"] for each in it.of_type("transcribe_done")), 10, "the end"
    )
    (transcribe,) = (await running.get("/transcribes", reference_type="call", reference_id=call["id"]))["result"]
    rows = (await running.get("/transcripts", transcribe_id=transcribe["id"]))["result"]
    began = parse_timestamp(transcribe["tm_create"]).timestamp()
    return [
        {**row, "at": began + row["offset_ms"] / 1000} for row in sorted(rows, key=lambda row: int(row["offset_ms"]))
    ]


def _source(running: Instance, caller: str) -> dict[str, Any]:
    for event in reversed(running.events):
        if event["type"].startswith("call_") and event["data"]["source"]["target"] == caller:
            return dict(event["data"]["source"])
    raise AssertionError(f"no call of {caller}")
