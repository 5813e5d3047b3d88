"""Install Asterisk once for all instances: run the recipe (install.sh) and put the outcome in its place in one step."""

import fcntl
import os
import re
import shutil
import subprocess
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.asterisk.errors import AsteriskNotInstalled

MINIMUM_VERSION = (22, 10, 1)
"""Before it: leaks in media sockets and ARI's read-only users (Asterisk's release notes)."""

RECIPE = Path(__file__).with_name("install.sh")


@dataclass(frozen=True, slots=True)
class InstalledAsterisk:
    """A root file system with Asterisk in it; `version` is Asterisk's own, e.g. `22.10.1`."""

    root: Path
    version: str


def parse_version(text: str) -> tuple[int, ...]:
    """Return the numbers of `22.10.1`, `1:22.10.1+dfsg-1` or `22.10.0-rc1`; ValueError when it begins otherwise."""
    match = re.match(r"(?:\d+:)?(?:GIT-)?(\d+(?:\.\d+)+)", text)
    if match is None:
        raise ValueError(f"{text!r} is not a version of Asterisk; expected one such as 22.10.1")
    return tuple(int(number) for number in match.group(1).split("."))


def find_asterisk(install_dir: Path) -> InstalledAsterisk | None:
    """Return the Asterisk in `install_dir`; None when there is none, or one that is too old to be used."""
    root = install_dir / "asterisk"
    status = root / "var/lib/dpkg/status"
    if not (root / "usr/sbin/asterisk").is_file() or not status.is_file():
        return None
    match = re.search(r"^Package: asterisk\n(?:.+\n)*?Version: (.+)$", status.read_text(), re.MULTILINE)
    if match is None:
        return None
    version = parse_version(match.group(1))
    if version < MINIMUM_VERSION:
        return None
    return InstalledAsterisk(root.resolve(), ".".join(str(number) for number in version))


def install_asterisk(install_dir: Path, progress: Callable[[str], None]) -> InstalledAsterisk:
    """Put Asterisk into `install_dir/asterisk` unless it is there; blocks, some 20 s the first time.

    `progress` is told in short sentences what goes on. Two processes at once: the second waits for the first and
    uses its outcome. AsteriskNotInstalled says what is missing.
    """
    if found := find_asterisk(install_dir):
        return found
    if shutil.which("mmdebstrap") is None:
        raise AsteriskNotInstalled("mmdebstrap is missing, which unpacks Asterisk; get it: apt-get install mmdebstrap")
    install_dir.mkdir(parents=True, exist_ok=True)
    with _locked(install_dir / ".asterisk.lock", progress):
        if found := find_asterisk(install_dir):
            return found
        return _unpack(install_dir, progress)


def _unpack(install_dir: Path, progress: Callable[[str], None]) -> InstalledAsterisk:
    beside, place = install_dir / "asterisk.unpacking", install_dir / "asterisk"
    _remove_tree(beside)  # an earlier try that was cut off
    try:
        _run_recipe(beside, progress)
        _remove_tree(place)  # too old, or not whole
        beside.rename(place)
    finally:
        _remove_tree(beside)
    found = find_asterisk(install_dir)
    if found is None:
        raise AsteriskNotInstalled(f"the recipe ended well, but {place} holds no Asterisk that can be used")
    return found


def _run_recipe(target: Path, progress: Callable[[str], None]) -> None:
    last: deque[str] = deque(maxlen=12)
    command = ["/bin/sh", str(RECIPE), str(target)]
    with subprocess.Popen(  # noqa: S603 (our recipe, no shell text)
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as run:
        assert run.stdout is not None
        for line in run.stdout:
            last.append(line.rstrip())
            kind, _, text = line.rstrip().partition(": ")
            if kind in {"callscribe", "I"} and not text.startswith("main()"):  # not for people: a signal
                progress(text)
    if run.returncode != 0:
        shown = "\n  ".join(last)
        raise AsteriskNotInstalled(f"Asterisk could not be unpacked (exit code {run.returncode}):\n  {shown}")


def _remove_tree(path: Path) -> None:
    if path.exists():
        shutil.rmtree(path)


@contextmanager
def _locked(path: Path, progress: Callable[[str], None]) -> Iterator[None]:
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("another set-up is installing Asterisk; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            os.utime(path)
