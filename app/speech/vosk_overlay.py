"""A Vosk model with some of its files replaced, without a change to what is installed: Vosk reads folders only."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory


@contextmanager
def open_overlay(model: Path, files: Mapping[str, str | Path | None]) -> Iterator[Path]:
    """Yield a folder of links to what is in `model`, for as long as Vosk loads it.

    `files`, by their path in the model: a text is the file's content, a path is what is there instead, None is left
    out. Yields `model` itself where nothing differs.
    """
    if not files:
        yield model
        return
    with TemporaryDirectory(prefix="callscribe-vosk-") as name:
        folder = Path(name)
        changed = {Path(place): there for place, there in files.items()}
        real = {parent for place in changed for parent in place.parents}
        _link(model, folder, Path(), real, frozenset(changed))
        for place, there in changed.items():
            if isinstance(there, str):
                (folder / place).write_text(there, encoding="utf-8")
            elif there is not None:
                (folder / place).symlink_to(there.resolve())
        yield folder


def _link(model: Path, folder: Path, place: Path, real: set[Path], changed: frozenset[Path]) -> None:
    """Link what is in the folder `place`; folders in `real` are made, because something in them differs."""
    (folder / place).mkdir(exist_ok=True)
    for part in (model / place).iterdir():
        inner = place / part.name
        if inner in real:
            _link(model, folder, inner, real, changed)
        elif inner not in changed:
            (folder / inner).symlink_to(part.resolve())
