"""The state folder of one instance: made, locked against a second app."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.errors import InvalidSetting


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
