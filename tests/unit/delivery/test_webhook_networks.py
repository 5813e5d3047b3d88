"""Which addresses webhooks may reach, and that the address that was checked is the one that is connected to."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from app.delivery.webhook_connector import open_webhook_session
from app.delivery.webhook_networks import read_webhook_networks
from app.delivery.webhook_request import RequestLimits, receiver_of, send_webhook
from app.errors import InvalidSetting
from tests.unit.delivery.receiver import Receiver, delivery, free_port, open_receiver

PUBLIC = ["8.8.8.8", "1.1.1.1", "203.0.114.1", "2606:4700:4700::1111", "2001:4860:4860::8888", "64:ff9b::8.8.8.8"]
NOT_PUBLIC = [
    *("127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
    *("169.254.169.254", "169.254.0.1", "100.64.0.1", "100.100.100.200", "192.0.0.192", "192.0.2.1", "198.18.0.1"),
    *("198.51.100.1", "203.0.113.1", "192.88.99.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::127.0.0.1"),
    *("64:ff9b::10.0.0.1", "64:ff9b:1::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1"),
    *("2001::1", "2001:db8::1", "2002:7f00:1::1", "2002:a00:1::1", "3fff::1", "100::1", "5f00::1"),
    *("", "nothing", "127.1", "2130706433", "0x7f000001", "8.8.8.8/32"),
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_be_reached(address: str) -> None:
    assert read_webhook_networks("").allow(address)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_others_may_not(address: str) -> None:
    assert not read_webhook_networks("").allow(address)


def test_but_those_that_the_operator_names() -> None:
    networks = read_webhook_networks(" 127.0.0.0/8, 192.168.1.7 ,fd00::/8,")
    for address in ("127.0.0.1", "::ffff:127.0.0.1", "64:ff9b::127.0.0.1", "192.168.1.7", "fd00::5", "8.8.8.8"):
        assert networks.allow(address)
    for address in ("192.168.1.8", "10.0.0.1", "::1", "169.254.169.254"):
        assert not networks.allow(address)
    anything = read_webhook_networks("10.0.0.0/8,*")
    assert anything.allow("127.0.0.1")
    assert anything.allow("fe80::1")
    assert not anything.allow("nothing")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("localhost", "'localhost' is no network"),
        ("10.0.0.0/33", "'10.0.0.0/33' is no network"),
        ("127.0.0.0/8;10.0.0.0/8", "is no network"),
        ("10.0.0.5/8", "'10.0.0.5/8' has bits behind its mask; did you mean 10.0.0.0/8?"),
    ],
)
def test_a_wrong_setting_is_named(text: str, fault: str) -> None:
    with pytest.raises(InvalidSetting, match="CALLSCRIBE_WEBHOOK_NETWORKS") as raised:
        read_webhook_networks(text)
    assert fault in raised.value.message


class Names(AbstractResolver):
    """Knows the addresses of one name, which may be others the next time."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked += 1
        addresses = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [
            ResolveResult(hostname=host, host=each, port=port, family=socket.AF_INET, proto=0, flags=0)
            for each in addresses
        ]

    async def close(self) -> None:
        pass


async def attempt(uri: str, networks: str = "", resolver: AbstractResolver | None = None) -> Any:
    async with open_webhook_session(read_webhook_networks(networks), resolver) as session:
        return await send_webhook(session, delivery("c", uri), "", RequestLimits(total_seconds=10))


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "localhost", "[::]"])
async def test_no_private_receiver_hears_anything(host: str) -> None:
    async with open_receiver() as receiver:
        outcome = await attempt(f"http://{host}:{receiver.port}/")
        assert outcome.is_final
        assert "CALLSCRIBE_WEBHOOK_NETWORKS" in outcome.error
        assert not receiver.heard


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "017700000001", "127.0.0.1."])
async def test_odd_forms_of_an_address_lead_nowhere(host: str) -> None:
    async with open_receiver() as receiver:
        outcome = await attempt(f"http://{host}:{receiver.port}/")
        assert outcome.error
        assert not receiver.heard


async def test_every_address_of_a_name_counts() -> None:
    async with open_receiver() as receiver:
        outcome = await attempt(f"http://a.example:{receiver.port}/", resolver=Names(["8.8.8.8", "127.0.0.1"]))
        assert (outcome.is_final, receiver.heard) == (True, [])
        assert outcome.error.startswith("a.example is not a public address")
        assert "127.0.0.1" not in outcome.error  # whom a name leads to is not the customer's to learn


async def test_a_name_is_looked_up_once_for_check_and_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names(["127.0.0.1"], ["10.0.0.1"])
    async with open_receiver() as receiver:
        outcome = await attempt(f"http://a.example:{receiver.port}/", "127.0.0.1", names)
        assert (outcome.error, len(receiver.heard), names.asked) == ("", 1, 1)
        outcome = await attempt(f"http://a.example:{receiver.port}/", "127.0.0.1", names)
        assert (outcome.is_final, len(receiver.heard)) == (True, 1)


async def test_a_name_that_nobody_knows() -> None:
    class Nobody(Names):
        async def resolve(self, *_values: Any, **_more: Any) -> list[ResolveResult]:
            raise socket.gaierror("unknown")

    outcome = await attempt("http://a.example/", resolver=Nobody([]))
    assert (outcome.error, outcome.is_final, outcome.is_silent) == ("the host name is unknown", False, True)


async def test_a_redirect_is_checked_as_the_first_address_is() -> None:
    async with open_receiver() as receiver:
        receiver.answer = Receiver.say(302, Location="http://inside.example/")
        names = Names(["10.0.0.1"])
        outcome = await attempt(receiver.uri, "127.0.0.0/8", names)
        assert (outcome.is_final, names.asked) == (True, 1)
        assert outcome.error.startswith("inside.example is not")


async def test_what_a_failed_connection_is_called() -> None:
    outcome = await attempt(f"http://127.0.0.1:{free_port()}/", "127.0.0.0/8")
    assert outcome.error.lower().startswith("no connection: connect")
    async with open_receiver() as receiver:
        outcome = await attempt(f"https://127.0.0.1:{receiver.port}/", "127.0.0.0/8")
        assert outcome.error == "no TLS connection (1.2 at least)"


def test_a_receiver_is_host_and_port() -> None:
    assert receiver_of("https://a.example/x?y") == receiver_of("https://A.example:443/z") == "a.example:443"
    assert receiver_of("http://a.example/x") == "a.example:80"
    assert receiver_of("http://[") == "none"
