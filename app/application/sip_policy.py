"""Where calls to sip addresses may go: the operator's CALLSCRIBE_SIP_DESTINATIONS."""

from __future__ import annotations

import asyncio
import re
import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from app.errors import InvalidSetting

_VARIABLE = "CALLSCRIBE_SIP_DESTINATIONS"
_HOST_NAME = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?")
ANYWHERE = "*"


class SipPolicy:
    """Networks, host names, or `*`. A name that is not listed is looked up: it may lead into an allowed network."""

    def __init__(self, setting: str, *, variable: str = _VARIABLE) -> None:
        """Read the setting; InvalidSetting names `variable` and what is neither."""
        parts = [part.strip() for part in setting.split(",") if part.strip()]
        self._is_anywhere = ANYWHERE in parts
        self._networks: list[IPv4Network | IPv6Network] = []
        self._hosts: set[str] = set()
        for part in parts:
            if part == ANYWHERE:
                continue
            try:
                self._networks.append(ip_network(part, strict=False))
            except ValueError:
                if part.replace(".", "").isdigit() or not _HOST_NAME.fullmatch(part):
                    raise InvalidSetting(
                        variable, f"{part!r} is no network; expected such as 10.0.0.0/8, a host name or *"
                    ) from None
                self._hosts.add(part.lower())

    async def is_allowed(self, target: str) -> bool:
        """Whether a call may go to `user@host[:port]`."""
        host = _host_of(target)
        if self._is_anywhere or host in self._hosts:
            return True
        return bool(await self.find_addresses(host))

    async def find_addresses(self, host: str) -> list[IPv4Address | IPv6Address]:
        """Look a host up; its addresses where they are all allowed, nothing else."""
        addresses = await _addresses_of(host)
        if self._is_anywhere or host.lower() in self._hosts:
            return addresses
        is_inside = all(any(address in network for network in self._networks) for address in addresses)
        return addresses if is_inside else []


def _host_of(target: str) -> str:
    place = target.rpartition("@")[2]
    if place.startswith("["):
        return place[1:].partition("]")[0].lower()
    return place.partition(":")[0].lower()


async def _addresses_of(host: str) -> list[IPv4Address | IPv6Address]:
    try:
        return [ip_address(host)]
    except ValueError:
        pass
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    except OSError:
        return []
    return [ip_address(str(entry[4][0])) for entry in found]
