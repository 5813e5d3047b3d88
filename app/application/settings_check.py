"""The settings that reading them cannot judge, tried before anything slow begins."""

from __future__ import annotations

import socket
from contextlib import closing
from ipaddress import ip_address

from app.application.mail_server import read_mail_server
from app.application.media_policy import MediaPolicy
from app.application.sip_policy import SipPolicy
from app.delivery.webhook_networks import read_webhook_networks
from app.errors import InvalidSetting
from app.settings import Settings


def check_settings(settings: Settings) -> None:
    """Raise InvalidSetting, which names the variable, for what cannot be used here.

    Every address has to be one of this machine: each is bound once. Blocking where a name has to be looked up.
    """
    SipPolicy(settings.sip_destinations)
    MediaPolicy(settings.media_destinations)
    read_webhook_networks(settings.webhook_networks)
    read_mail_server(settings.smtp_url, settings.mail_from)
    if not settings.flows.is_dir():
        raise InvalidSetting("CALLSCRIBE_FLOWS", f"{settings.flows} is no folder; expected a folder of flow files")
    _check_address("CALLSCRIBE_HTTP_HOST", settings.http_host)
    if not settings.ari_url:
        try:
            ip_address(settings.sip_host)
        except ValueError:
            raise InvalidSetting(
                "CALLSCRIBE_SIP_HOST", f"{settings.sip_host!r} is not an IP address; expected one such as 127.0.0.1"
            ) from None
        _check_address("CALLSCRIBE_SIP_HOST", settings.sip_host)
    # What Asterisk sends to us comes over IPv4, and where nothing is set to HTTP's address.
    hint = "" if settings.media_host else " in this variable"
    _check_address("CALLSCRIBE_MEDIA_HOST", settings.effective_media_host, hint=hint, is_ipv4=True)


def _check_address(variable: str, host: str, *, hint: str = "", is_ipv4: bool = False) -> None:
    family = socket.AF_INET if is_ipv4 or ":" not in host else socket.AF_INET6
    try:
        with closing(socket.socket(family, socket.SOCK_DGRAM)) as probe:
            probe.bind((host, 0))
    except (OSError, UnicodeError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "it is no name of a machine"
        kind = "IPv4 address" if is_ipv4 else "address"
        raise InvalidSetting(
            variable, f"{host!r} cannot be used: {reason}; expected an {kind} of this machine{hint}"
        ) from None
