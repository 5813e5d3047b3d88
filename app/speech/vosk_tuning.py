"""How thoroughly Vosk searches: a beam and a number of paths other than the model's own."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

CONFIG: Final = "conf/model.conf"

LOOK_AHEAD_BEAM: Final = 9.0
LOOK_AHEAD_MAX_ACTIVE: Final = 2000
"""Where the graph is composed while decoding every path costs much: two thirds of the time of 10 and 3000, and no error
more that could be measured (ADR 0041). With a graph that is there already both take the same."""


@dataclass(frozen=True, slots=True)
class VoskTuning:
    """`beam`: how much worse than the best a path may be; `max_active`: how many are followed.

    0 = as the model has it; None = so too, or what LOOK_AHEAD says where that is less and the graph is composed while
    decoding.
    """

    beam: float | None = None
    max_active: int | None = None

    def change(self, model: Path, *, is_composed: bool) -> dict[str, str]:
        """Return the model's configuration, by its place in `model`, where it differs; else nothing."""
        path = model / CONFIG
        if not path.is_file():
            return {}
        written = path.read_text(encoding="utf-8").splitlines()
        lines: dict[str, str] = {}
        for name, wanted, most in (
            ("--beam", self.beam, LOOK_AHEAD_BEAM),
            ("--max-active", self.max_active, LOOK_AHEAD_MAX_ACTIVE),
        ):
            if wanted:
                lines[name] = f"{name}={wanted:g}"
            elif wanted is None and not is_composed and _own(written, name) > most:
                lines[name] = f"{name}={most:g}"
        if not lines:
            return {}
        kept = [line for line in written if line.partition("=")[0].strip() not in lines]
        return {CONFIG: "\n".join([*kept, *lines.values()]) + "\n"}


def _own(lines: list[str], name: str) -> float:
    """The model's own number; 0 where it says none, and Vosk has its own."""
    for line in lines:
        option, _, value = line.partition("=")
        if option.strip() == name:
            try:
                return float(value)
            except ValueError:
                return 0
    return 0
