"""A real Asterisk of their own for the tests of this folder."""

import os
import random
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

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
def open_folder() -> Iterator[Path]:
    """A folder that Asterisk's user may enter. Not below `tmp_path`: every pytest that starts closes its parents."""
    with TemporaryDirectory(prefix="callscribe-test-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


@pytest.fixture
async def real_asterisk(asterisk_root: Path, open_folder: Path) -> AsyncIterator[RealAsterisk]:
    """Start one on free ports of the loopback and stop it after the test."""
    async with open_real_asterisk(asterisk_root, open_folder) as running:
        yield running


@asynccontextmanager
async def open_real_asterisk(root: Path, folder: Path) -> AsyncIterator[RealAsterisk]:
    """Start one with its state in `folder`, which must be its own."""
    sounds = folder / "sounds"
    sounds.mkdir(mode=0o755)
    first_rtp_port = random.randrange(33000, 60000, 2)
    rtp_ports = (first_rtp_port, first_rtp_port + 39)
    config = AsteriskConfig(folder / "asterisk", root, "127.0.0.1", _free_port(), rtp_ports, "callscribe")
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
