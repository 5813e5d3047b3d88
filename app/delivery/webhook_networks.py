"""Which addresses webhooks may reach: public ones, and the networks that the operator names (contract 7)."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from app.errors import InvalidSetting

_VARIABLE = "CALLSCRIBE_WEBHOOK_NETWORKS"
_EXPECTED = "expected networks with commas between them, e.g. 127.0.0.0/8,192.168.0.0/16,::1, or * for any address"

Network = IPv4Network | IPv6Network

# What `is_global` of the standard library still takes for public.
_NEVER_PUBLIC_4 = (
    IPv4Network("192.0.0.0/24"),  # protocol assignments, RFC 6890; a cloud's metadata among them
    IPv4Network("192.88.99.0/24"),  # 6to4 relays, given up by RFC 7526
)
_GLOBAL_UNICAST_6 = IPv6Network("2000::/3")
_NEVER_PUBLIC_6 = (
    IPv6Network("2001::/23"),  # protocol assignments, Teredo among them
    IPv6Network("2002::/16"),  # 6to4: holds an IPv4 address
    IPv6Network("3fff::/20"),  # documentation, RFC 9637
)
_NAT64 = IPv6Network("64:ff9b::/96")
"""The well-known prefix of RFC 6052: the last 32 bits are the IPv4 address that is really reached."""


@dataclass(frozen=True, slots=True)
class WebhookNetworks:
    """The networks that the operator allows beside public addresses; `is_any` = every address."""

    networks: tuple[Network, ...] = ()
    is_any: bool = False

    def allow(self, address: str) -> bool:
        """Tell whether a webhook may be sent to this IP address; what is no IP address may not."""
        try:
            reached = _reached(ip_address(address))
        except ValueError:
            return False
        return self.is_any or _is_public(reached) or any(reached in network for network in self.networks)


def read_webhook_networks(text: str) -> WebhookNetworks:
    """Return what `CALLSCRIBE_WEBHOOK_NETWORKS` allows; InvalidSetting names the part that is wrong."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if "*" in parts:
        return WebhookNetworks(is_any=True)
    return WebhookNetworks(tuple(_read_network(part) for part in parts))


def _read_network(part: str) -> Network:
    try:
        return ip_network(part)
    except ValueError:
        pass
    try:
        meant = ip_network(part, strict=False)
    except ValueError:
        raise InvalidSetting(_VARIABLE, f"{part!r} is no network; {_EXPECTED}") from None
    raise InvalidSetting(_VARIABLE, f"{part!r} has bits behind its mask; did you mean {meant}?")


def _reached(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address that an IPv6 form of one leads to, any other address as it is."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if not address.is_global or address.is_multicast:
        return False
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NEVER_PUBLIC_4)
    return address in _GLOBAL_UNICAST_6 and not any(address in network for network in _NEVER_PUBLIC_6)
