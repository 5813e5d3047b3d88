"""The search for the highest load that holds: pure, a few bounded steps."""

from dataclasses import dataclass
from typing import Final

PRECISION: Final = 0.08
"""A step this near to the best one is not worth its time."""
TRUST: Final = 0.92
"""Of what the CPU promises: latency gives way a little before the processors are full."""
MOST_GROWTH: Final = 4.0


@dataclass(frozen=True, slots=True)
class Trial:
    """One step: so many calls, whether they held, and which part of all processors was busy (0 to 1)."""

    calls: int
    is_held: bool
    busy: float


def next_calls(trials: list[Trial], *, most_calls: int, most_trials: int) -> int | None:
    """How many calls to try next; None when the limit is known well enough or the trials are used up.

    As long as everything holds, the processors tell how far it may go; between the highest that held and the lowest
    that did not, the middle.
    """
    if len(trials) >= most_trials:
        return None
    held = max((trial for trial in trials if trial.is_held), key=lambda trial: trial.calls, default=None)
    failed = min((trial.calls for trial in trials if not trial.is_held), default=None)
    if held is None:
        lowest = failed or 2
        return max(1, lowest // 2) if lowest > 1 else None
    if failed is None:
        promised = held.calls * min(MOST_GROWTH, TRUST / max(0.05, held.busy))
        wanted = min(most_calls, max(round(promised), held.calls + max(1, round(held.calls * PRECISION))))
        return wanted if wanted > held.calls else None
    if failed - held.calls <= max(1, round(held.calls * PRECISION)):
        return None
    promised = held.calls * TRUST / max(0.05, held.busy)
    middle = (held.calls + failed) / 2
    wanted = round(promised if held.calls + 1 <= promised < failed - 1 and held.busy < 0.6 else middle)
    return min(max(wanted, held.calls + 1), failed - 1)


def best(trials: list[Trial]) -> int:
    """The most calls that held; 0 when none did."""
    return max((trial.calls for trial in trials if trial.is_held), default=0)
