"""Transfers of connected calls on the real Asterisk, by the API and by telephone, blind and after a talk."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from benchmarks.scores import normalise, word_error_rate
from tests.asterisk.calls.conversation import wall_time, write_script
from tests.asterisk.calls.instance import Instance
from tests.asterisk.calls.sip_peer import PeerCall, open_sip_peer
from tests.asterisk.flows.phones import call_of, open_phone, wait_loud, wait_quiet
from tests.asterisk.flows.test_connect import HEAR, SAY, flow, to, transcripts_of
from tests.speech_files import english_files

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120)]

FLOWS = {"connect-transfers": flow("7505", {"type": "answer"}, HEAR, to("5005"), SAY)}


async def connected(running: Instance, caller: Any, phone: Any) -> tuple[PeerCall, PeerCall]:
    calling = await caller.call(running.sip_uri("7505"))
    called = await phone.wait_call()
    await called.wait_answered()
    await asyncio.sleep(0.3)
    return calling, called


async def talks(one: PeerCall, other: PeerCall, voice: Path) -> None:
    """Both hear each other; they talk at once, and nobody hears itself."""
    one.start_saying(voice)
    await wait_loud(other, "one does not hear the other")
    other.start_saying(voice)
    await wait_loud(one, "the other way")
    await one.wait_said()
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
        rows = await transcripts_of(running5, number)
        said_at = {
            way: wall_time([event["at"] for event in call.events if event["event"] == "saying"][-1]).timestamp()
            for way, call in (("in", calling), ("out", joined))
        }
    print([(row["direction"], row["offset_ms"], row["message"]) for row in rows])
    text = english_files()[9][1]
    for way, began in said_at.items():
        heard = " ".join(row["message"] for row in rows if row["direction"] == way and row["at"] > began - 0.5)
        assert word_error_rate([normalise(text)], [normalise(heard)]) < 0.5, (way, heard)
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
