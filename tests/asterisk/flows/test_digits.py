"""Digits on the real Asterisk: a menu by keys, typed ahead, in all three ways in which telephones send them."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.asterisk.calls.instance import Instance
from tests.asterisk.calls.sip_peer import PeerCall, open_sip_peer
from tests.asterisk.flows.keys import call_id_of, ended_call, loudness, pitches_of, places, write_keys

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120)]

ROOT = Path(__file__).parents[3]
WAYS = ["rfc4733", "info", "inband", "info without events"]
KEYS = "1234567890*"
SOURCE = {"type": "tel", "target": "+15551230000"}
STAY = {"type": "sleep", "option": {"duration": 1000}}


def ends_with(reason: str, name: str) -> dict[str, Any]:
    return {"id": name, "type": "hangup", "option": {"reason": reason}}


def receive(**option: Any) -> dict[str, Any]:
    return {"type": "digits_receive", "option": {"duration": 8000, **option}}


FLOWS = {
    "ivr-digits": json.loads((ROOT / "flows" / "ivr-digits.json").read_text()),
    "all-keys": {
        "numbers": ["7301"],
        "language": "en-US",
        "actions": [
            {"type": "answer"},
            {"type": "talk", "option": {"text": "Please type what you know, and then the hash key, or the star."}},
            receive(key="#", length=20),
            {"type": "branch", "option": {"target_ids": {KEYS: "more"}, "default_target_id": "bad"}},
            {"id": "more", **receive(length=1)},
            {"type": "branch", "option": {"variable": "${voipbin.call.digits}", "target_ids": {"7": "good"}}},
            ends_with("busy", "good"),
            ends_with("failed", "bad"),
        ],
    },
    "no-keys": {
        "numbers": ["7302"],
        "actions": [
            {"type": "answer"},
            receive(duration=300),
            {"type": "branch", "option": {"target_ids": {"": "good"}, "default_target_id": "bad"}},
            ends_with("failed", "bad"),
            ends_with("busy", "good"),
        ],
    },
}


async def press(call: PeerCall, keys: str, way: str, folder: Path) -> None:
    """Press keys; returns when they are on their way."""
    if way == "inband":
        await call.say(write_keys(folder / "keys.wav", keys))
    else:
        call.send_digits(keys, is_info=way.startswith("info"))


@pytest.mark.parametrize("way", WAYS)
async def test_a_menu_by_keys_that_are_typed_ahead(running5: Instance, tmp_path: Path, way: str) -> None:
    user = "menu-" + way.replace(" ", "-")
    async with open_sip_peer(user, has_events=way in {"rfc4733", "info"}) as caller:
        call = await caller.call(running5.sip_uri("7003"))
        await call.wait_answered()
        await press(call, "21234#9", way, tmp_path)
        await call.wait_ended(25)
    call_id = call_id_of(running5, user)
    ended = await ended_call(running5, call_id)
    assert (ended["hangup_by"], ended["hangup_reason"]) == ("local", "normal")
    path = await places(running5, call_id, "ivr-digits", "menu", "wrong", "order", "again", "goodbye")
    assert path == ["menu", "order", "again", "menu", "goodbye"]


@pytest.mark.parametrize("way", WAYS)
async def test_every_key_is_received_once(running5: Instance, tmp_path: Path, way: str) -> None:
    """Twelve keys and the ending one, which is none of the digits; the last is for the next digits_receive."""
    user = "keys-" + way.replace(" ", "-")
    async with open_sip_peer(user, has_events=way in {"rfc4733", "info"}) as caller:
        call = await caller.call(running5.sip_uri("7301"))
        await call.wait_answered()
        await press(call, f"{KEYS}#7", way, tmp_path)
        await call.wait_ended(25)
    assert (await ended_call(running5, call_id_of(running5, user)))["hangup_reason"] == "busy"


async def test_a_wrong_key_is_asked_for_again_twice(running5: Instance) -> None:
    async with open_sip_peer("wrong") as caller:
        call = await caller.call(running5.sip_uri("7003"))
        await call.wait_answered()
        call.send_digits("555")
        await call.wait_ended(40)
    call_id = call_id_of(running5, "wrong")
    await ended_call(running5, call_id)
    path = await places(running5, call_id, "ivr-digits", "menu", "wrong", "goodbye", "order")
    assert path == ["menu", "wrong", "menu", "wrong", "menu", "wrong", "goodbye"]


async def test_no_key_at_all(running5: Instance) -> None:
    async with open_sip_peer("mute") as caller:
        call = await caller.call(running5.sip_uri("7302"))
        await call.wait_ended(10)
    assert (await ended_call(running5, call_id_of(running5, "mute")))["hangup_reason"] == "busy"


@pytest.mark.parametrize("interval", [0, 100])
async def test_digits_are_sent_to_the_other_side(running5: Instance, interval: int) -> None:
    digits = "1122ABCD*#"
    send = {"type": "digits_send", "option": {"digits": digits, "duration": 100, "interval": interval}}
    async with open_sip_peer("bank") as bank:
        status, reply = await running5.post(
            "/calls", {"source": SOURCE, "destinations": [{"type": "sip", "target": bank.uri}], "actions": [send]}
        )
        assert status == 200, reply
        heard = await bank.wait_call()
        ended = await ended_call(running5, reply["calls"][0]["id"])
        assert ended["hangup_by"] == "local"
        assert heard.digits == digits, "the flow goes on, here to its end, when all are sent"


async def test_digits_are_sent_as_tones_to_who_knows_nothing_else(running5: Instance) -> None:
    send = {"type": "digits_send", "option": {"digits": "19", "duration": 300, "interval": 100}}
    # What is recorded lags behind what is heard: the call goes on for a while.
    async with open_sip_peer("old", has_events=False) as old:
        status, reply = await running5.post(
            "/calls",
            {"source": SOURCE, "destinations": [{"type": "sip", "target": old.uri}], "actions": [send, STAY]},
        )
        assert status == 200, reply
        heard = await old.wait_call()
        await heard.wait_ended(20)
        assert heard.digits == ""
        for key in "19":
            assert [pitch for pitch in pitches_of(key) if loudness(heard.heard(), pitch) < 500] == []
