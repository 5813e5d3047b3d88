"""The unprivileged user that Asterisk runs as, and whether that user can reach what Asterisk needs."""

import os
import pwd
import stat
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from app.asterisk.errors import AsteriskCannotEnter

USER_NAME = "callscribe"
"""The system user that set-up makes (app/set_up.sh)."""


@dataclass(frozen=True, slots=True)
class AsteriskUser:
    """Whom Asterisk runs as. `is_switch`: we are root and change to this user."""

    name: str
    uid: int
    gid: int
    is_switch: bool

    @property
    def switch_options(self) -> list[str]:
        """Options of setpriv(1) that make a program run as this user, without any further group or privilege."""
        if not self.is_switch:
            return ["--no-new-privs"]
        return ["--no-new-privs", f"--reuid={self.uid}", f"--regid={self.gid}", "--clear-groups"]


def choose_user() -> AsteriskUser:
    """Return ourselves when we are not root; else the user `callscribe` when it exists, else `nobody`."""
    uid = os.geteuid()
    if uid != 0:
        return AsteriskUser(_name_of(uid), uid, os.getegid(), is_switch=False)
    for name in (USER_NAME, "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return AsteriskUser(name, entry.pw_uid, entry.pw_gid, is_switch=True)
    return AsteriskUser("65534", 65534, 65534, is_switch=True)


def check_can_enter(user: AsteriskUser, paths: Iterable[Path]) -> None:
    """Try, as `user`, to enter every folder on the way to each of `paths`, and the paths themselves.

    A real try in a process of that user is the only exact answer (access lists, mounts, containers). Blocks for some
    milliseconds. AsteriskCannotEnter names the first folder that is closed.
    """
    on_the_way = list(dict.fromkeys(step for path in paths for step in _steps(path)))
    script = 'for path do [ -x "$path" ] || { printf %s "$path"; exit 9; }; done'
    command = ["setpriv", *user.switch_options, "--", "/bin/sh", "-c", script, "sh", *map(str, on_the_way)]
    tried = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)  # noqa: S603 (no shell text)
    if tried.returncode == 0:
        return
    if tried.returncode != 9:
        raise AsteriskCannotEnter(Path("/"), user.name, tried.stderr.strip(), "changing to that user must be possible")
    closed = Path(tried.stdout)
    raise AsteriskCannotEnter(
        closed,
        user.name,
        describe_access(closed),
        f"allow it with: chmod o+x {closed} - or set CALLSCRIBE_HOME and CALLSCRIBE_INSTALL_DIR to folders elsewhere",
    )


def describe_access(path: Path) -> str:
    """Return a path's mode and owner as a person reads them, e.g. `mode drwx------, owner root`."""
    try:
        found = path.stat()
    except OSError as error:
        return error.strerror or "cannot be read"
    return f"mode {stat.filemode(found.st_mode)}, owner {_name_of(found.st_uid)}"


def _steps(path: Path) -> Iterator[Path]:
    resolved = path.resolve()
    yield from reversed(resolved.parents)
    yield resolved


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
