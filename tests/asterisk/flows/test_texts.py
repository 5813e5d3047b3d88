"""message_send on the real Asterisk: a registered telephone gets a SIP MESSAGE, and nobody can send us one."""

import socket
from typing import Any

import pytest

from tests.asterisk.calls.instance import Instance
from tests.asterisk.calls.sip_peer import open_sip_peer
from tests.asterisk.flows.keys import call_id_of, ended_call
from tests.asterisk.flows.phones import open_phone

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120)]

LONG = ("Zwölf Boxkämpfer jagen Viktor quer über den Sylter Deich. " * 30)[:1600]


def texting(text: str, extension: str) -> list[dict[str, Any]]:
    return [
        {
            "type": "message_send",
            "option": {
                "source": {"type": "extension", "target_name": "1000"},
                "destinations": [{"type": "extension", "target_name": extension}],
                "text": text,
            },
        },
        {"type": "hangup", "option": {"reason": "busy"}},
    ]


FLOWS = {
    "texts": {
        "numbers": ["7381"],
        "actions": texting("${voipbin.call.destination.target} — was called & more", "1381"),
    },
    "long-texts": {"numbers": ["7382"], "actions": texting(LONG, "1381")},
    "texts-to-nobody": {"numbers": ["7383"], "actions": texting("hello", "1389")},
}


async def ring(running5: Instance, number: str) -> dict[str, Any]:
    user = f"texter-{number}"
    async with open_sip_peer(user) as caller:
        call = await caller.call(running5.sip_uri(number))
        await call.wait_ended()
    return await ended_call(running5, call_id_of(running5, user))


async def test_a_telephone_gets_the_text(running5: Instance) -> None:
    async with open_phone(running5, "1381") as phone:
        assert (await ring(running5, "7381"))["hangup_reason"] == "busy"
        text = await phone.wait_text()
        assert text["text"] == "7381 — was called & more"
        assert "sip:1000@" in text["sender"]
        assert text["type"] == "text/plain"


async def test_a_text_of_the_greatest_length(running5: Instance) -> None:
    async with open_phone(running5, "1381") as phone:
        await ring(running5, "7382")
        assert (await phone.wait_text())["text"] == LONG


async def test_an_extension_that_is_not_there_ends_the_flow(running5: Instance) -> None:
    assert (await ring(running5, "7383"))["hangup_reason"] == "normal"


async def test_nobody_can_send_us_a_text(running5: Instance) -> None:
    """A text in a dialplan would look like a call of a channel that is none."""
    calls = len(running5.of_type("call_created"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind(("127.0.0.1", 0))
        sender.settimeout(5)
        port = sender.getsockname()[1]
        request = (
            f"MESSAGE sip:7381@127.0.0.1:{running5.sip_port} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bKtext;rport\r\nMax-Forwards: 70\r\n"
            "From: <sip:guest@127.0.0.1>;tag=1\r\nTo: <sip:7381@127.0.0.1>\r\n"
            f"Call-ID: text-{port}\r\nCSeq: 1 MESSAGE\r\n"
            "Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
        )
        sender.sendto(request.encode(), ("127.0.0.1", running5.sip_port))
        status = int(sender.recv(65536).split()[1])
    assert status == 404
    await ring(running5, "7383")
    assert len(running5.of_type("call_created")) == calls + 1
