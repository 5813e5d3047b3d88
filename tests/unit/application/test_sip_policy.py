import pytest

from app.application.sip_policy import SipPolicy
from app.errors import InvalidSetting


@pytest.mark.parametrize(
    ("setting", "target", "expected"),
    [
        ("127.0.0.0/8,::1", "bob@127.0.0.1:5080", True),
        ("127.0.0.0/8,::1", "bob@[::1]:5080", True),
        ("127.0.0.0/8", "bob@192.168.1.4", False),
        ("192.168.0.0/16", "bob@192.168.1.4", True),
        ("127.0.0.0/8", "bob@localhost", True),
        ("pbx.example.org", "bob@PBX.example.org:5060", True),
        ("pbx.example.org", "bob@other.invalid", False),
        ("*", "bob@198.51.100.7", True),
        ("", "bob@127.0.0.1", False),
    ],
)
async def test_only_listed_places_are_allowed(setting: str, target: str, expected: bool) -> None:
    assert await SipPolicy(setting).is_allowed(target) is expected


@pytest.mark.parametrize("setting", ["10.0.0.0/99", "300.1.1.1", "10.0.0.0/x", "a b", "sip:pbx.example"])
def test_a_wrong_network_is_told(setting: str) -> None:
    with pytest.raises(InvalidSetting, match="CALLSCRIBE_SIP_DESTINATIONS"):
        SipPolicy(setting)
