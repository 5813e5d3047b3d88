"""The action connect: what it asks for, what its variables are, and how the flow goes on."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from app.domain.call import Address, AddressType
from app.domain.ids import ZERO_ID, new_id
from app.errors import InvalidArgument, LegGone
from app.flow.ports import ConnectResult
from tests.unit.flow.doubles import Stage, check, types

BOB = {"type": "extension", "target_name": "1001"}
BEEP = {"type": "beep"}
PEER_ID = new_id()
TELL = {
    "type": "talk",
    "option": {"text": "${voipbin.connect.status} ${voipbin.connect.reason} ${voipbin.connect.call_id}"},
}


class ScriptedConnects:
    """Notes what is asked for and has one result."""

    def __init__(self, stage: Stage, result: ConnectResult | Exception) -> None:
        self._stage = stage
        self._result = result
        self.asked: list[tuple[Address | None, list[str], str, bool]] = []

    async def connect(
        self,
        call_id: str,
        source: Address | None,
        destinations: Sequence[Address],
        *,
        anonymous: str,
        is_early_media: bool,
    ) -> ConnectResult:
        assert call_id == self._stage.call.record.id
        named = [each.target_name or each.target for each in destinations]
        self.asked.append((source, named, anonymous, is_early_media))
        if isinstance(self._result, Exception):
            raise self._result
        return self._result


def stage_with(result: ConnectResult | Exception) -> tuple[Stage, ScriptedConnects]:
    stage = Stage()
    connects = ScriptedConnects(stage, result)
    stage.ports = replace(stage.ports, connects=connects)
    return stage, connects


def connect(**option: Any) -> Mapping[str, Any]:
    return {"type": "connect", "option": {"destinations": [BOB], **option}}


def said(stage: Stage) -> list[str]:
    return [each[1].rpartition("/")[2] for each in stage.call.done if each[0] == "play"]


ANSWERED = ConnectResult(is_answered=True, reason="normal", call_id=PEER_ID)


async def test_an_answered_one_sets_variables_and_the_flow_goes_on() -> None:
    stage, connects = stage_with(ANSWERED)
    ended = await stage.run(connect(), TELL)
    assert types(ended) == ["connect", "talk"]
    assert said(stage) == [f"answered normal {PEER_ID}"]
    assert connects.asked == [(None, ["1001"], "", False)]


@pytest.mark.parametrize("reason", ["busy", "noanswer", "failed", "dialout"])
async def test_nobody_answers_and_the_flow_goes_on_with_the_reason(reason: str) -> None:
    stage, _ = stage_with(ConnectResult(is_answered=False, reason=reason, call_id=""))
    await stage.run(connect(), TELL)
    assert said(stage) == [f"{reason} {reason} {ZERO_ID}"]


@pytest.mark.parametrize("result", [ANSWERED, ConnectResult(is_answered=False, reason="busy", call_id="")])
async def test_the_reason_is_relayed(result: ConnectResult) -> None:
    stage, _ = stage_with(result)
    ended = await stage.run(connect(relay_reason=True), BEEP)
    assert types(ended) == ["connect"]
    assert stage.call.done == [("hang_up", result.reason)]


async def test_its_options_reach_the_connection() -> None:
    stage, connects = stage_with(ANSWERED)
    desk = {"type": "tel", "target": "+15551230000", "name": "Desk"}
    sip = {"type": "sip", "target": "bob@192.0.2.1"}
    await stage.run(connect(destinations=[BOB, sip], source=desk, anonymous="yes", early_media=True))
    [(source, named, anonymous, is_early_media)] = connects.asked
    assert source == Address(AddressType.TEL, target="+15551230000", name="Desk")
    assert (named, anonymous, is_early_media) == (["1001", "bob@192.0.2.1"], "yes", True)


async def test_digits_that_were_for_the_other_party_are_forgotten() -> None:
    stage, _ = stage_with(ANSWERED)
    stage.call.digits.note("7")
    receive = {"type": "digits_receive", "option": {"duration": 0, "length": 1}}
    tell = {"type": "talk", "option": {"text": "(${voipbin.call.digits})"}}
    await stage.run(connect(), receive, tell)
    assert said(stage) == ["()"]


async def test_the_caller_hangs_up_meanwhile() -> None:
    stage, _ = stage_with(LegGone("hung up"))
    ended = await stage.run(connect(), BEEP)
    assert types(ended) == ["connect"]
    assert stage.call.done == []


async def test_a_connect_that_cannot_be_lets_the_flow_go_on() -> None:
    stage, _ = stage_with(InvalidArgument("option.destinations[0]", "cannot be reached"))
    assert types(await stage.run(connect(), BEEP)) == ["connect", "beep"]
    assert types(await Stage().run(connect(), BEEP)) == ["connect", "beep"]


@pytest.mark.parametrize(
    ("option", "path"),
    [
        ({"destinations": []}, ".destinations"),
        ({"destinations": [BOB] * 51}, ".destinations"),
        ({"anonymous": "perhaps"}, ".anonymous"),
        ({"early_media": "often"}, ".early_media"),
        ({"ring": 3}, ".ring"),
    ],
)
def test_wrong_options_are_refused(option: Mapping[str, Any], path: str) -> None:
    found = check({"language": "en-US", "actions": [connect(**option)]}).errors
    assert [each.path for each in found] == ["$.actions[0].option" + path]
