"""How thoroughly Vosk searches: a beam and a number of paths other than the model's own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

_CONFIG: Final = Path("conf") / "model.conf"


@dataclass(frozen=True, slots=True)
class VoskTuning:
    """`beam`: how much worse than the best a path may be; `max_active`: how many are followed. None = the model's."""

    beam: float | None = None
    max_active: int | None = None

    @property
    def lines(self) -> dict[str, str]:
        """The options of the model's configuration that differ, by name."""
        named = {"--beam": self.beam, "--max-active": self.max_active}
        return {name: f"{value:g}" for name, value in named.items() if value is not None}


@contextmanager
def open_tuned(path: Path, tuning: VoskTuning) -> Iterator[Path]:
    """Yield a model folder like `path` with these options, for as long as the model is being loaded.

    Vosk takes options from a file in the model's folder only, so this is a folder of links beside one file of our own;
    what is installed stays as it is. Yields `path` itself where nothing differs, and where the model has no such file.
    """
    lines = tuning.lines
    if not lines or not (path / _CONFIG).is_file():
        yield path
        return
    with TemporaryDirectory(prefix="callscribe-vosk-") as name:
        folder = Path(name)
        (folder / _CONFIG.parent).mkdir()
        for part in [*path.iterdir(), *(path / _CONFIG.parent).iterdir()]:
            place = part.relative_to(path)
            if place not in (_CONFIG, _CONFIG.parent):
                (folder / place).symlink_to(part.resolve())
        kept = [line for line in (path / _CONFIG).read_text().splitlines() if line.partition("=")[0] not in lines]
        changed = [f"{option}={value}" for option, value in lines.items()]
        (folder / _CONFIG).write_text("\n".join([*kept, *changed]) + "\n")
        yield folder
