"""connect on the real Asterisk: early media, ring-back, refusals, digits, hold, transfers by API and by telephone."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from benchmarks.scores import normalise, word_error_rate
from tests.asterisk.calls.conversation import write_script
from tests.asterisk.calls.instance import Instance
from tests.asterisk.calls.sip_peer import PeerCall, open_sip_peer
from tests.asterisk.flows.phones import call_of, open_phone, wait_loud, wait_quiet
from tests.speech_files import english_files

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120)]


def to(extension: str, **option: Any) -> dict[str, Any]:
    return {"type": "connect", "option": {"destinations": [{"type": "extension", "target_name": extension}], **option}}


HEAR = {"type": "transcribe_start"}
STAY = {"type": "sleep", "option": {"duration": 60_000}}
SAY = {"type": "talk", "option": {"text": "Sorry, nobody is there. Please try again later.", "language": "en-US"}}


def flow(number: str, *actions: dict[str, Any]) -> dict[str, Any]:
    return {"name": f"connect {number}", "numbers": [number], "language": "en-US", "actions": list(actions)}


FLOWS = {
    "connect": flow("7501", {"type": "answer"}, HEAR, to("5001"), SAY),
    "connect-early": flow("7502", to("5002", early_media=True), SAY),
    "connect-relay": flow("7503", to("5003", relay_reason=True)),
    "connect-answered": flow("7504", {"type": "answer"}, HEAR, to("5004"), SAY),
    "connect-transfers": flow("7505", {"type": "answer"}, HEAR, to("5005"), SAY),
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
    hers, his = [files[1], files[3]], [files[9], files[14]]
    one, other = write_script(hers, tmp_path / "one.wav"), write_script(his, tmp_path / "other.wav")
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
        await asyncio.sleep(2)
        called.unhold()
        await asyncio.sleep(0.5)
        await called.say(other.wav)
        await asyncio.sleep(1)
        await calling.hang_up()
        rows = await transcripts_of(running5, "+15550004")
    print([(row["direction"], row["offset_ms"], row["message"], row.get("speaker")) for row in rows])
    texts = {way: " ".join(row["message"] for row in rows if row["direction"] == way) for way in ("in", "out")}
    said, heard = " ".join(text for _, text in hers), " ".join(text for _, text in [*his, *his])
    assert word_error_rate([normalise(said)], [normalise(texts["in"])]) < 0.35
    assert word_error_rate([normalise(heard)], [normalise(texts["out"])]) < 0.4


async def transcripts_of(running: Instance, caller: str) -> list[dict[str, Any]]:
    """Wait for the end of the caller's transcribe; its rows in the order in which they were said."""
    call = call_of(running, direction="incoming", source=_source(running, caller))
    await running.wait_for(
        lambda it: any(each["reference_id"] == call["id"] for each in it.of_type("transcribe_done")), 10, "the end"
    )
    (transcribe,) = (await running.get("/transcribes", reference_type="call", reference_id=call["id"]))["result"]
    rows = (await running.get("/transcripts", transcribe_id=transcribe["id"]))["result"]
    return sorted(rows, key=lambda row: int(row["offset_ms"]))


def _source(running: Instance, caller: str) -> dict[str, Any]:
    for event in reversed(running.events):
        if event["type"].startswith("call_") and event["data"]["source"]["target"] == caller:
            return dict(event["data"]["source"])
    raise AssertionError(f"no call of {caller}")


async def connected(running: Instance, caller: Any, phone: Any) -> tuple[PeerCall, PeerCall]:
    calling = await caller.call(running.sip_uri("7505"))
    called = await phone.wait_call()
    await called.wait_answered()
    await asyncio.sleep(0.3)
    return calling, called


async def talks(one: PeerCall, other: PeerCall, voice: Path) -> None:
    """Both hear each other."""
    one.start_saying(voice)
    await wait_loud(other, "one does not hear the other")
    await one.wait_said()
    other.start_saying(voice)
    await wait_loud(one, "the other way")
    await other.wait_said()
    await asyncio.sleep(0.5)


@pytest.mark.parametrize("by", ["api", "phone"])
async def test_the_callee_transfers_the_caller_blindly(running5: Instance, tmp_path: Path, by: str) -> None:
    voice = write_script(english_files()[9:10], tmp_path / "voice.wav").wav
    number = "+1555001" + str(len(by))
    async with (
        open_phone(running5, "5005") as phone,
        open_phone(running5, "5006", answer_seconds=1) as third,
        open_sip_peer(number) as caller,
    ):
        calling, called = await connected(running5, caller, phone)
        await talks(calling, called, voice)
        if by == "phone":
            called.refer(running5.sip_uri("5006"))
        else:
            callee = call_of(running5, direction="outgoing", status="progressing")
            status, transfer = await running5.post(
                "/transfers",
                {
                    "transfer_type": "blind",
                    "transferer_call_id": callee["id"],
                    "transferee_addresses": [{"type": "extension", "target_name": "5006"}],
                },
            )
            assert status == 200, transfer
        joined = await third.wait_call()
        await called.wait_ended()
        await wait_loud(calling, "ring tone")
        await joined.wait_answered()
        await wait_quiet(calling, "no ring tone any more")
        await talks(calling, joined, voice)
        await joined.hang_up()
        await wait_loud(calling, "the next action")
        await calling.hang_up()
        rows = await transcripts_of(running5, number)
    print([(row["direction"], row["offset_ms"], row["duration_ms"], row["message"]) for row in rows])
    heard = " ".join(row["message"] for row in rows if row["direction"] == "out")
    text = english_files()[9][1]
    assert word_error_rate([normalise(f"{text} {text}")], [normalise(heard)]) < 0.5, heard


@pytest.mark.parametrize("by", ["api", "phone"])
async def test_the_callee_transfers_the_caller_after_a_talk(running5: Instance, tmp_path: Path, by: str) -> None:
    voice = write_script(english_files()[9:10], tmp_path / "voice.wav").wav
    number = "+1555002" + str(len(by))
    async with (
        open_phone(running5, "5005") as phone,
        open_phone(running5, "5006", answer_seconds=1) as third,
        open_sip_peer(number) as caller,
    ):
        calling, called = await connected(running5, caller, phone)
        callee = call_of(running5, direction="outgoing", status="progressing")
        if by == "phone":
            called.hold()
            await wait_loud(calling, "music")
            asking = await phone.call(running5.sip_uri("5006"))
            joined = await third.wait_call()
            await asking.wait_answered()
            await talks(asking, joined, voice)
            called.refer_to_call(asking)
            await asking.wait_ended()
        else:
            status, transfer = await running5.post(
                "/transfers",
                {
                    "transfer_type": "attended",
                    "transferer_call_id": callee["id"],
                    "transferee_addresses": [{"type": "extension", "target_name": "5006"}],
                },
            )
            assert status == 200, transfer
            joined = await third.wait_call()
            await joined.wait_answered()
            await wait_loud(calling, "music")
            await talks(called, joined, voice)
            await called.hang_up()
        await called.wait_ended()
        await wait_quiet(calling, "no music any more")
        await talks(calling, joined, voice)
        await calling.hang_up()
        await joined.wait_ended()
    async with asyncio.timeout(10):
        while (await running5.residue())["bridges"]:
            await asyncio.sleep(0.1)


async def test_the_caller_transfers_the_callee(running5: Instance, tmp_path: Path) -> None:
    voice = write_script(english_files()[9:10], tmp_path / "voice.wav").wav
    async with (
        open_phone(running5, "5005") as phone,
        open_phone(running5, "5006", answer_seconds=1) as third,
        open_phone(running5, "5007") as caller,
    ):
        calling, called = await connected(running5, caller, phone)
        calling.refer(running5.sip_uri("5006"))
        joined = await third.wait_call()
        await calling.wait_ended()
        await joined.wait_answered()
        await talks(called, joined, voice)
        await called.hang_up()
        await joined.wait_ended()


async def test_a_stranger_may_not_transfer(running5: Instance) -> None:
    async with (
        open_phone(running5, "5005") as phone,
        open_phone(running5, "5006", answer_seconds=1) as third,
        open_sip_peer("+15550030") as caller,
    ):
        calling, called = await connected(running5, caller, phone)
        calling.refer(running5.sip_uri("5006"))
        calling.send_digits("1")
        assert await called.wait_digits(1) == "1"
        await asyncio.sleep(1)
        assert third.incoming == []
        assert not called.has("ended")
        await calling.hang_up()
