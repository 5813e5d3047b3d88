from dataclasses import replace
from typing import Any

import pytest

from app.application.media_policy import MediaPolicy
from app.errors import InvalidArgument, InvalidSetting
from app.flow.ports import ExternalMediaOrder
from tests.unit.flow.doubles import Stage, check

ANSWER = {"type": "answer"}
UUID = "8c5a9e2a-2a7f-4a6f-9f1d-debd72c279ce"


class ScriptedMedia:
    """Notes what is asked."""

    def __init__(self) -> None:
        self.orders: list[ExternalMediaOrder] = []
        self.stopped: list[str] = []

    async def start(self, call_id: str, order: ExternalMediaOrder) -> str:
        self.orders.append(order)
        return "media"

    async def stop(self, call_id: str) -> None:
        self.stopped.append(call_id)


def open_stage() -> tuple[Stage, ScriptedMedia]:
    stage, media = Stage(), ScriptedMedia()
    stage.ports = replace(stage.ports, external_media=media)
    return stage, media


def start(**option: Any) -> dict[str, Any]:
    return {"type": "external_media_start", "option": {"external_host": "127.0.0.1:5004", **option}}


async def test_rtp_by_default_and_stop() -> None:
    stage, media = open_stage()
    await stage.run(ANSWER, start(), {"type": "external_media_stop"})
    assert media.orders == [ExternalMediaOrder("127.0.0.1:5004", "rtp", "udp", "ulaw", "both", "")]
    assert media.stopped == [stage.call.record.id]


async def test_audiosocket() -> None:
    stage, media = open_stage()
    await stage.run(ANSWER, start(encapsulation="audiosocket", data=UUID, direction_speak="out", format="slin"))
    assert media.orders == [ExternalMediaOrder("127.0.0.1:5004", "audiosocket", "tcp", "slin", "both", "out", UUID)]


@pytest.mark.parametrize(
    "option",
    [
        {"encapsulation": "none", "transport": "websocket"},
        {"transport": "tcp"},
        {"encapsulation": "audiosocket", "transport": "udp"},
        {"direction_listen": ""},
        {"encapsulation": "audiosocket", "data": "not a uuid"},
    ],
)
async def test_what_cannot_be_is_refused_and_the_flow_goes_on(option: dict[str, str]) -> None:
    checked = check({"actions": [ANSWER, start(**option)]})
    assert [each.path.rpartition(".")[0] for each in checked.errors][:1] == ["$.actions[1].option"]
    stage, media = open_stage()
    later = {key: f"${{{key}}}" for key in option}
    sets = [{"type": "variable_set", "option": {"key": key, "value": value}} for key, value in option.items()]
    await stage.run(ANSWER, *sets, start(**later), {"type": "beep"})
    assert media.orders == []
    assert ("play", "tone:beep") in stage.call.done


async def test_only_listed_hosts_are_reached() -> None:
    policy = MediaPolicy("127.0.0.0/8,media.test")
    assert await policy.resolve("127.0.0.1:5004") == ("127.0.0.1", 5004)
    for wrong in ("192.0.2.1:5004", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:70000", ":5004", "[::1]:5004", "a b:1"):
        with pytest.raises(InvalidArgument, match="external_host"):
            await policy.resolve(wrong)
    assert await MediaPolicy("::1/128").resolve("[::1]:5004") == ("::1", 5004)
    assert await MediaPolicy("*").resolve("192.0.2.1:5004") == ("192.0.2.1", 5004)
    with pytest.raises(InvalidSetting, match="CALLSCRIBE_MEDIA_DESTINATIONS"):
        MediaPolicy("10.0.0.0/99")
