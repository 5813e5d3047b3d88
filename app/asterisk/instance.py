"""The folders of one Asterisk: made, given to its user, locked against a second app, swept."""

import fcntl
import os
import shutil
import signal
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from app.asterisk.config import MUSIC_FOLDER, AsteriskConfig, render_config
from app.asterisk.errors import AsteriskCannotEnter
from app.asterisk.root import loader_command
from app.asterisk.user import AsteriskUser, check_can_enter, describe_access
from app.errors import Unavailable

SOCKET_PATH_BYTES = 107
"""A Unix socket's path has at most this many bytes (unix(7))."""

FORGET_FETCHED = """
    DELETE FROM astdb WHERE key LIKE '/MediaCache/%'
    OR (substr(key, 42, 1) = '/' AND substr(key, 2, 40) NOT GLOB '*[^0-9a-f]*')
"""
"""Asterisk notes a fetched file under its address, and what it knows of it under the address's SHA-1."""

LOG_BYTES = 10_000_000
_FOLDERS = ("etc", "lib", MUSIC_FOLDER, "spool", "cache", "log", "run")


@contextmanager
def open_instance(config: AsteriskConfig, user: AsteriskUser) -> Iterator[AsteriskConfig]:
    """Yield `config` with everything in place to start Asterisk as `user`; blocks shortly.

    AsteriskCannotEnter and Unavailable (another app has this folder) say what is wrong. Afterwards the run folder is
    empty or gone.
    """
    try:
        config.instance_dir.mkdir(parents=True, exist_ok=True)
        lock = (config.instance_dir / "lock").open("w")
    except OSError as error:
        raise AsteriskCannotEnter(
            config.instance_dir, user.name, error.strerror or str(error), "set CALLSCRIBE_HOME to a folder of yours"
        ) from error
    with lock:
        _lock(lock.fileno(), config.instance_dir)
        config = _with_short_run_dir(config)
        _end_leftover(config)
        _make_folders(config, user)
        check_can_enter(user, [config.instance_dir / "etc", config.run_path])
        check_can_enter(user, [Path(loader_command(config.root, "usr/sbin/asterisk")[0])])
        try:
            yield config
        finally:
            _remove_run_files(config)


def write_config(config: AsteriskConfig, user: AsteriskUser) -> Path:
    """Render the config files for `user`'s eyes only; return the path of asterisk.conf."""
    folder = config.instance_dir / "etc"
    render_config(config, folder)
    _give(folder, user)
    _give(config.instance_dir / MUSIC_FOLDER, user)
    return folder / "asterisk.conf"


def pid_file(config: AsteriskConfig) -> Path:
    """Where the app notes the process id of its Asterisk, for the app's next start."""
    return config.instance_dir / "asterisk.pid"


def read_log_end(config: AsteriskConfig, count: int = 12) -> tuple[str, ...]:
    """Return the last lines of what Asterisk wrote in this run, errors first of all."""
    lines: list[str] = []
    for name in ("console.log", "asterisk.log"):
        path = config.instance_dir / "log" / name
        if path.exists():
            lines += path.read_text(encoding="utf-8", errors="replace").splitlines()[-100:]
    errors = [line for line in lines if "ERROR" in line]
    return tuple((errors or lines)[-count:])


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Unavailable(
            f"another Callscribe runs on {folder}; stop it, or give this one its own CALLSCRIBE_HOME"
        ) from None


def _with_short_run_dir(config: AsteriskConfig) -> AsteriskConfig:
    if len(os.fsencode(config.run_path / "asterisk.ctl")) <= SOCKET_PATH_BYTES:
        return config
    return replace(config, run_dir=Path(tempfile.mkdtemp(prefix="callscribe-")))


def _end_leftover(config: AsteriskConfig) -> None:
    """End the Asterisk of an app that was killed, should it still be there: it has our ports."""
    note = pid_file(config)
    if not note.exists():
        return
    pid_text, _, old_run_dir = note.read_text().strip().partition("\n")
    command_line = Path("/proc") / pid_text / "cmdline"
    wanted = os.fsencode(config.instance_dir / "etc/asterisk.conf")
    patience = time.monotonic() + 5
    while command_line.exists() and wanted in command_line.read_bytes().split(b"\0"):
        os.kill(int(pid_text), signal.SIGTERM if time.monotonic() < patience else signal.SIGKILL)
        time.sleep(0.1)
    if old_run_dir and Path(old_run_dir) != config.instance_dir / "run":
        shutil.rmtree(old_run_dir, ignore_errors=True)
    note.unlink()


def _make_folders(config: AsteriskConfig, user: AsteriskUser) -> None:
    for name in _FOLDERS:
        folder = config.instance_dir / name
        folder.mkdir(mode=0o700, exist_ok=True)
        _give(folder, user)
    _drop_fetched_prompts(config)
    _remove_run_files(config, is_final=False)
    _give(config.run_path, user)
    for name in ("asterisk.log", "security.log"):
        log = config.instance_dir / "log" / name
        if log.exists() and log.stat().st_size > LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))


def _drop_fetched_prompts(config: AsteriskConfig) -> None:
    """Drop what Asterisk fetched for earlier runs, files and their entries: texts with variables would pile up."""
    for path in (config.instance_dir / "cache").iterdir():
        path.unlink()
    database = config.instance_dir / "lib/astdb.sqlite3"
    if database.exists():
        with closing(sqlite3.connect(database)) as connection, connection:
            connection.execute(FORGET_FETCHED)


def _remove_run_files(config: AsteriskConfig, *, is_final: bool = True) -> None:
    for path in config.run_path.iterdir():
        path.unlink()
    if is_final and config.run_dir is not None:
        config.run_dir.rmdir()


def _give(folder: Path, user: AsteriskUser) -> None:
    """Make `folder` and all in it the user's own; only root can and must."""
    if not user.is_switch:
        if not os.access(folder, os.W_OK | os.X_OK):
            raise AsteriskCannotEnter(
                folder, user.name, describe_access(folder), "make it yours, or set CALLSCRIBE_HOME to another folder"
            )
        return
    for path in (folder, *folder.rglob("*")):
        if path.lstat().st_uid != user.uid:
            os.chown(path, user.uid, user.gid, follow_symlinks=False)
