"""The state folder of one instance: made, locked against a second app, with the secret that signs log-in tokens."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.errors import InvalidSetting

SECRET_BYTES = 48


@contextmanager
def open_home(home: Path) -> Iterator[Path]:
    """Make the folder and hold it for this process; InvalidSetting when it cannot be had or another app has it."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        lock = (home / "lock").open("w")
    except OSError as error:
        raise InvalidSetting("CALLSCRIBE_HOME", f"{home} cannot be used: {error.strerror}; expected a folder") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InvalidSetting(
                "CALLSCRIBE_HOME", f"another Callscribe runs on {home}; stop it, or give this one another folder"
            ) from None
        yield home


def read_token_secret(home: Path) -> bytes:
    """The secret of this instance, made at its first start, readable by its owner only."""
    path = home / "token-secret"
    if not path.exists():
        beside = home / f".token-secret-{os.getpid()}"
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(SECRET_BYTES))
        beside.rename(path)
    return path.read_bytes()
