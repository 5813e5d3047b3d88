"""Asterisk, embedded or the operator's, and the connection to it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from app.ari.ari import Ari, open_ari
from app.asterisk.asterisk import Asterisk, open_asterisk
from app.asterisk.config import AsteriskConfig
from app.asterisk.errors import AsteriskNotInstalled
from app.asterisk.install import find_asterisk
from app.logs import get_log
from app.media.rtp_ports import RtpPorts
from app.settings import Settings

log = get_log("application")


@dataclass(frozen=True, slots=True)
class Telephony:
    """`asterisk` is None with an operator's Asterisk."""

    ari: Ari
    asterisk: Asterisk | None

    @property
    def fault(self) -> str | None:
        """What keeps calls from coming in now; None when nothing does."""
        if self.asterisk is not None and not self.asterisk.is_up:
            return "Asterisk is being restarted"
        if not self.ari.is_connected:
            return "the ARI connection is down; it is being made again"
        return None


@asynccontextmanager
async def open_telephony(settings: Settings, asterisk: Asterisk | None) -> AsyncIterator[Telephony]:
    """Connect to the Asterisk that serves this instance."""
    if asterisk is not None:
        url, user, password = asterisk.ari_url, asterisk.ari_user, asterisk.ari_password
    else:
        url, user, password = settings.ari_url, settings.ari_user, settings.ari_password
    async with open_ari(url, user, password, settings.ari_application) as ari:
        yield Telephony(ari, asterisk)


@asynccontextmanager
async def open_embedded_asterisk(settings: Settings, ports: RtpPorts) -> AsyncIterator[Asterisk | None]:
    """Start our own Asterisk; None when the operator brings one."""
    if settings.ari_url:
        log.info("using the operator's Asterisk", url=settings.ari_url)
        yield None
        return
    installed = find_asterisk(settings.install_dir)
    if installed is None:
        raise AsteriskNotInstalled(
            f"CALLSCRIBE_INSTALL_DIR: there is no Asterisk in {settings.install_dir}; "
            "install it with: make set-up (or callscribe set-up)"
        )
    config = AsteriskConfig(
        instance_dir=settings.home / "asterisk",
        root=installed.root,
        sip_host=settings.sip_host,
        sip_port=settings.sip_port,
        rtp_ports=(ports.asterisk_start, ports.asterisk_end),
        ari_port=settings.ari_port,
        ari_user="callscribe",
        ari_password="",
        application=settings.ari_application,
    )
    async with open_asterisk(config) as asterisk:
        yield asterisk
