"""Writing to a disk that may fill up: room is asked for before, and a short write is an error that says so."""

import shutil
from io import FileIO
from pathlib import Path

from app.speech.model_errors import DiskFull, cannot_write

# Left free, so that an installation does not take the last byte from the database of a running instance.
_RESERVE_BYTES = 100_000_000


def require_room(folder: Path, needed: int) -> None:
    """Raise DiskFull when fewer than `needed` bytes and a reserve of 100 MB are free on the disk of `folder`."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    if free < needed + _RESERVE_BYTES:
        raise DiskFull(existing, needed + _RESERVE_BYTES, free)


def write_all(output: FileIO, chunk: bytes, path: Path) -> None:
    """Write a whole chunk to an unbuffered file; DiskFull or ModelInstallFailed name `path` when that fails."""
    view = memoryview(chunk)
    try:
        while view:
            # A raw write may be short when the disk is nearly full; the next one then says why.
            view = view[output.write(view) :]
    except OSError as error:
        raise cannot_write(path, error) from None


def make_folder(path: Path) -> None:
    """Make a folder and its parents; ModelInstallFailed when that is not allowed, DiskFull when it does not fit."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from None


def remove_tree(path: Path) -> None:
    """Remove a file or folder with all in it, there or not."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
