"""The search for the highest load that holds: pure, a few bounded steps.

Each step tells which part of the processors it kept busy. What a call costs falls as calls grow (there is a fixed
part), so two steps make a line; one alone makes a proportion, which promises too little. Where a step fails although
the processors were not full, latency gave way earlier, and the search aims lower from then on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

PRECISION: Final = 0.08
"""A step this near to the best one is not worth its time."""
TRUST: Final = 0.92
"""Of what the CPU promises: latency gives way a little before the processors are full."""
LAST_TRUST: Final = 0.86
"""The same for the last step: it should hold, or nothing came of it."""
SAFE_TRUST: Final = 0.75
"""The same for the last step after one that failed: it must hold, or the search has found little."""
MOST_GROWTH: Final = 4.0
INNER: Final = 0.25
"""Between what held and what failed a step stays away from both by this part of what is between them."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One step: so many calls, whether they held, and which part of all processors was busy (0 to 1)."""

    calls: int
    is_held: bool
    busy: float


def next_calls(trials: list[Trial], *, most_calls: int, most_trials: int) -> int | None:
    """How many calls to try next; None when the limit is known well enough or the trials are used up."""
    if len(trials) >= most_trials:
        return None
    held = max((trial for trial in trials if trial.is_held), key=lambda trial: trial.calls, default=None)
    failed = min((trial for trial in trials if not trial.is_held), key=lambda trial: trial.calls, default=None)
    if held is None:
        lowest = failed.calls if failed else 2
        return max(1, lowest // 2) if lowest > 1 else None
    is_last = len(trials) > 1 and len(trials) + 1 == most_trials
    if failed is None:
        promised = min(held.calls * MOST_GROWTH, promised_calls(trials, LAST_TRUST if is_last else TRUST))
        wanted = min(most_calls, max(round(promised), held.calls + max(1, round(held.calls * PRECISION))))
        return wanted if wanted > held.calls else None
    gap = failed.calls - held.calls
    if gap <= max(1, round(held.calls * PRECISION)):
        return None
    aim = SAFE_TRUST if is_last else TRUST
    # It failed at that much: what holds is less.
    promised = promised_calls([held, failed], min(aim, (held.busy + failed.busy) / 2 + INNER / 2))
    inner = max(1, round(INNER * gap))
    return min(max(round(promised), held.calls + inner), failed.calls - inner)


def promised_calls(trials: Sequence[Trial], busy: float) -> float:
    """How many calls would keep that part of the processors busy: by the last two of `trials`, or by the only one."""
    *before, last = sorted(trials, key=lambda trial: trial.calls)
    proportional = last.calls * busy / max(0.05, last.busy)
    if not before or last.busy <= before[-1].busy:
        return proportional
    slope = (last.calls - before[-1].calls) / (last.busy - before[-1].busy)
    return last.calls + slope * (busy - last.busy)


def first_calls(per_naive: float, per_core: float, naive_calls: int | None, cores: int) -> int:
    """Where the search begins: what the naive peer carried on this machine tells how fast it is; else its processors.

    `per_naive` and `per_core` are two-sided calls for each call of the peer, or each processor, that should hold.
    """
    return max(1, round(per_naive * naive_calls if naive_calls else per_core * cores))


def best(trials: list[Trial]) -> int:
    """The most calls that held; 0 when none did."""
    return max((trial.calls for trial in trials if trial.is_held), default=0)
