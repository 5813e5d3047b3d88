"""Learn from Asterisk itself when it has booted: it tells the socket that NOTIFY_SOCKET names (sd_notify(3))."""

import asyncio
import os
import socket
from pathlib import Path


class ReadyNotice:
    """A datagram socket in the run folder that Asterisk writes READY=1 to. Close it when the wait is over."""

    def __init__(self, path: Path, uid: int) -> None:
        self.path = path
        self._uid = uid
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def open(self) -> None:
        """Bind the socket so that only root and Asterisk's user can write to it."""
        self.path.unlink(missing_ok=True)
        self._socket.bind(str(self.path))
        self.path.chmod(0o600)
        if self.path.stat().st_uid != self._uid:
            os.chown(self.path, self._uid, -1)

    async def wait(self) -> None:
        """Return when Asterisk says that it is ready."""
        loop = asyncio.get_running_loop()
        while b"READY=1" not in (await loop.sock_recv(self._socket, 4096)).split(b"\n"):
            pass

    def close(self) -> None:
        """Give the socket and its file back."""
        self._socket.close()
        self.path.unlink(missing_ok=True)
