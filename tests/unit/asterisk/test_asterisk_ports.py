import socket
from contextlib import closing

import pytest

from app.asterisk.errors import PortTaken
from app.asterisk.ports import check_port_free, is_port_bound, pick_free_port


@pytest.mark.parametrize(("kind", "name"), [(socket.SOCK_DGRAM, "UDP"), (socket.SOCK_STREAM, "TCP")])
def test_taken_port_names_setting_protocol_and_port(kind: socket.SocketKind, name: str) -> None:
    with closing(socket.socket(socket.AF_INET, kind)) as other:
        other.bind(("127.0.0.1", 0))
        if kind is socket.SOCK_STREAM:
            other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"CALLSCRIBE_SIP_PORT: {name} port {port} on 127.0.0.1"):
            check_port_free("CALLSCRIBE_SIP_PORT", "127.0.0.1", port, kinds=(name,))
        assert is_port_bound(name, "127.0.0.1", port)
    assert not is_port_bound(name, "127.0.0.1", port)


def test_free_port_passes() -> None:
    check_port_free("CALLSCRIBE_SIP_PORT", "127.0.0.1", pick_free_port("127.0.0.1"))


def test_address_of_another_machine_is_said() -> None:
    with pytest.raises(PortTaken, match=r"192\.0\.2\.1"):
        check_port_free("CALLSCRIBE_SIP_PORT", "192.0.2.1", 5060)


def test_port_of_root_is_refused() -> None:
    with pytest.raises(PortTaken, match=r"ports below|ermission"):
        check_port_free("CALLSCRIBE_SIP_PORT", "127.0.0.1", 1)
