"""What a flow learns of a connect, whom the called party sees, and a transcribe that begins while two talk."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks.scores import normalise, word_error_rate
from tests.asterisk.calls.conversation import write_script
from tests.asterisk.calls.instance import Instance
from tests.asterisk.calls.sip_peer import open_sip_peer
from tests.asterisk.flows.keys import call_id_of, ended_call
from tests.asterisk.flows.phones import PASSWORD, open_phone
from tests.asterisk.flows.test_connect import flow, to, transcripts_of
from tests.speech_files import english_files

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120)]

DESK = {"type": "tel", "target": "+15557770000", "name": "Desk"}


def ends(name: str, reason: str, **option: Any) -> dict[str, Any]:
    return {"id": name, "type": "hangup", "option": {"reason": reason, **option}}


WHY = {
    "type": "branch",
    "option": {
        "variable": "voipbin.connect.status",
        "target_ids": {"busy": "as-told", "noanswer": "noanswer", "answered": "as-the-other"},
        "default_target_id": "else",
    },
}
FLOWS = {
    "connect-why": flow(
        "7506",
        to("5010"),
        WHY,
        ends("as-told", "${voipbin.connect.reason}"),
        ends("noanswer", "timeout"),
        ends("as-the-other", "failed", reference_id="${voipbin.connect.call_id}"),
        ends("else", "cancel"),
    ),
    "connect-as": flow("7507", {"type": "answer"}, to("5011", source=DESK)),
    "connect-anonymous": flow("7508", to("5012", anonymous="yes")),
}


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"reject": 486}, "busy"),
        ({"reject": 603}, "timeout"),
        ({"reject": 480}, "timeout"),
        ({"answer_seconds": 0.2}, "normal"),
    ],
    ids=["busy", "declined", "away", "answered"],
)
async def test_the_flow_knows_why(running5: Instance, how: dict[str, Any], reason: str) -> None:
    """The reason is in a variable; `hangup` takes over that of the called party's call."""
    user = f"why-{next(iter(how.values()))}"
    async with open_phone(running5, "5010", **how) as phone, open_sip_peer(user) as caller:
        calling = await caller.call(running5.sip_uri("7506"))
        called = await phone.wait_call()
        if "reject" not in how:
            await calling.wait_answered()
            await called.hang_up()
        await calling.wait_ended()
    assert (await ended_call(running5, call_id_of(running5, user)))["hangup_reason"] == reason


async def test_a_telephone_that_is_not_there(running5: Instance) -> None:
    status, made = await running5.post("/extensions", {"extension": "5010", "password": PASSWORD})
    assert status == 200, made
    async with open_sip_peer("why-nobody") as caller:
        calling = await caller.call(running5.sip_uri("7506"))
        await calling.wait_ended()
    await running5.delete(f"/extensions/{made['id']}")
    assert (await ended_call(running5, call_id_of(running5, "why-nobody")))["hangup_reason"] in {"timeout", "cancel"}


async def test_a_transcribe_that_begins_while_two_talk(running5: Instance, tmp_path: Path) -> None:
    """And the called party sees the address that the flow gives, not the caller's."""
    files = english_files()
    hers, his = files[8:9], files[9:10]
    one, other = write_script(hers, tmp_path / "one.wav"), write_script(his, tmp_path / "other.wav")
    number = "+15550070"
    async with open_phone(running5, "5011") as phone, open_sip_peer(number) as caller:
        calling = await caller.call(running5.sip_uri("7507"))
        called = await phone.wait_call()
        assert called.caller == DESK["target"]
        assert DESK["name"] in called.header("From")
        assert number not in called.message
        await called.wait_answered()
        await calling.say(write_script(files[6:7], tmp_path / "before.wav").wav)
        asked = {"reference_type": "call", "reference_id": call_id_of(running5, number), "language": "en-US"}
        status, transcribe = await running5.post("/transcribes", {**asked, "direction": "both"})
        assert status == 200, transcribe
        await called.say(other.wav)
        await calling.say(one.wav)
        await calling.hang_up()
        rows = await transcripts_of(running5, number)
    print([(row["direction"], row["offset_ms"], row["message"]) for row in rows])
    texts = {way: " ".join(row["message"] for row in rows if row["direction"] == way) for way in ("in", "out")}
    for way, spoken in (("in", hers), ("out", his)):
        assert word_error_rate([normalise(spoken[0][1])], [normalise(texts[way])]) < 0.35, way
    assert [row["direction"] for row in rows] == sorted((row["direction"] for row in rows), reverse=True)


async def test_an_anonymous_caller(running5: Instance) -> None:
    async with open_phone(running5, "5012") as phone, open_sip_peer("+15550071") as caller:
        calling = await caller.call(running5.sip_uri("7508"))
        called = await phone.wait_call()
        assert "+15550071" not in called.message
        assert called.caller.lower() == "anonymous"
        await calling.hang_up()
        await called.wait_ended()
