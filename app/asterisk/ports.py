"""Ports of an Asterisk that is about to start: is SIP's free, which one takes ARI."""

import socket
from contextlib import closing
from pathlib import Path

from app.asterisk.errors import PortTaken

_FIRST_UNPRIVILEGED = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")


def check_port_free(variable: str, host: str, port: int, *, kinds: tuple[str, ...] = ("UDP", "TCP")) -> None:
    """Raise PortTaken, naming the setting `variable`, unless an unprivileged program can bind `port` on `host`."""
    for kind in kinds:
        try:
            _bind(kind, host, port)
        except OSError as error:
            raise PortTaken(variable, kind, host, port, error.strerror or str(error)) from error
    first = int(_FIRST_UNPRIVILEGED.read_text()) if _FIRST_UNPRIVILEGED.exists() else 1024
    if port < first:
        raise PortTaken(
            variable, kinds[0], host, port, f"ports below {first} are root's, and Asterisk runs unprivileged"
        )


def is_port_bound(kind: str, host: str, port: int) -> bool:
    """Tell whether some program has `port` (kind: UDP or TCP)."""
    try:
        _bind(kind, host, port)
    except OSError:
        return True
    return False


def pick_free_port(host: str) -> int:
    """Return a TCP port on `host` that was free a moment ago; who takes it in between must be noticed by the caller."""
    return _bind("TCP", host, 0)


def _bind(kind: str, host: str, port: int) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family, socket.SOCK_DGRAM if kind == "UDP" else socket.SOCK_STREAM)) as probe:
        if kind == "TCP":  # as Asterisk does it: connections of the last run that linger do not count
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        if kind == "TCP":
            probe.listen(1)
        bound: int = probe.getsockname()[1]
        return bound
