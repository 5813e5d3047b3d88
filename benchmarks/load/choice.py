"""What is measured: engines, kinds of load, how long. And how progress is told."""

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.load.plan import Kind

CHECKOUT: Final = Path(__file__).resolve().parents[2]
RECOGNIZER: Final = "en=moonshine,ko=vosk"
QUICK_TALK_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class EngineRun:
    """An engine to measure: its name in the report, and its language.

    Where the search begins: two-sided calls for each call that the naive peer carries on this machine, or, where that
    was not measured, for each processor. About half of what is expected, so that it holds and the next step is near.
    """

    name: str
    language: str
    per_naive: float
    per_core: float


ENGINES: Final = {
    "moonshine": EngineRun("moonshine", "en-US", 3.5, 8.0),
    "vosk": EngineRun("vosk", "ko-KR", 0.8, 2.0),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """What to measure. `kinds` empty: the search, the peer and the set-up of calls, which make the summary."""

    is_quick: bool = False
    engines: tuple[str, ...] = ("moonshine", "vosk")
    kinds: tuple[Kind, ...] = ()
    calls: int | None = None
    talk_seconds: float = 55.0
    soak_minutes: float = 60.0
    overload_minutes: float = 5.0
    has_peer: bool = True
    most_trials: int = 6
    folder: Path = CHECKOUT / "var" / "bench"

    @property
    def step_seconds(self) -> float:
        """How long a call of the search talks."""
        return QUICK_TALK_SECONDS if self.is_quick else self.talk_seconds

    @property
    def scripts(self) -> int:
        """Different conversations at once."""
        return 4 if self.is_quick else 6


def tell(text: str) -> None:
    """Progress, on stderr: the last line of stdout is the result."""
    print(f"{time.strftime('%H:%M:%S')}  {text}", file=sys.stderr, flush=True)
