"""Where the sound of calls may be sent: the operator's CALLSCRIBE_MEDIA_DESTINATIONS."""

from __future__ import annotations

from app.application.sip_policy import SipPolicy
from app.errors import InvalidArgument

_HIGHEST_PORT = 65535


class MediaPolicy:
    """Turns `HOST:PORT` into an address; a host name is looked up once, so that it cannot lead elsewhere later."""

    def __init__(self, setting: str) -> None:
        """Read the setting; InvalidSetting names what is wrong."""
        self._policy = SipPolicy(setting, variable="CALLSCRIBE_MEDIA_DESTINATIONS")

    async def resolve(self, external_host: str) -> tuple[str, int]:
        """Return address and port; InvalidArgument where it is none, or not allowed."""
        host, colon, port = external_host.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not (colon and host and port.isascii() and port.isdigit() and 0 < int(port) <= _HIGHEST_PORT):
            raise InvalidArgument("option.external_host", "expected HOST:PORT, such as 127.0.0.1:5004")
        addresses = await self._policy.find_addresses(host)
        if not addresses:
            raise InvalidArgument(
                "option.external_host",
                "sound may not be sent there; the operator lists networks and hosts in CALLSCRIBE_MEDIA_DESTINATIONS",
            )
        return str(addresses[0]), int(port)
