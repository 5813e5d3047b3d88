"""A real Asterisk of their own for the tests of this folder."""

import os
import random
import socket
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.asterisk.asterisk import Asterisk, open_asterisk
from app.asterisk.config import AsteriskConfig
from app.asterisk.install import find_asterisk

CHECKOUT = Path(__file__).parents[2]
INSTALL_DIR = Path(os.environ.get("CALLSCRIBE_INSTALL_DIR") or CHECKOUT / "var/install")


@dataclass(frozen=True, slots=True)
class RealAsterisk:
    """A running Asterisk: where its ARI is, and `sounds`, a folder whose files it can play."""

    url: str
    user: str
    password: str
    application: str
    program: Asterisk
    sounds: Path


@pytest.fixture(scope="session")
def asterisk_root() -> Path:
    """The installed root file system; tests that need it are skipped without it."""
    found = find_asterisk(INSTALL_DIR)
    if found is None:
        pytest.skip(f"no Asterisk in {INSTALL_DIR}; install it with: callscribe set-up")
    return found.root


@pytest.fixture
async def real_asterisk(asterisk_root: Path, tmp_path: Path) -> AsyncIterator[RealAsterisk]:
    """Start one on free ports of the loopback and stop it after the test."""
    for folder in (tmp_path, *tmp_path.parents[:2]):  # pytest's folders are closed to Asterisk's user
        folder.chmod(folder.stat().st_mode | 0o011)
    sounds = tmp_path / "sounds"
    sounds.mkdir()
    first_rtp_port = random.randrange(33000, 60000, 2)
    rtp_ports = (first_rtp_port, first_rtp_port + 39)
    config = AsteriskConfig(tmp_path / "asterisk", asterisk_root, "127.0.0.1", _free_port(), rtp_ports, "callscribe")
    async with open_asterisk(config) as program:
        yield RealAsterisk(program.ari_url, program.ari_user, program.ari_password, config.application, program, sounds)


def _free_port() -> int:
    """A UDP port that is free now, below those that the kernel gives to clients."""
    while True:
        port = random.randrange(15000, 32000)
        with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as udp:
            try:
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
