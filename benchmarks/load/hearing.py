"""What was heard of what was said: final latency, interims, word errors, what is missing, for each call and side.

Time zero of a side is when SIPp began to play its capture file, by its own log, in wall time; the watcher's arrivals
are wall time of the same machine. So the latency of an utterance is from the end of its last word in the sound to the
arrival of its (last) transcript here, with the way through SIPp, kernel and Asterisk in it (20 to 40 ms).
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from benchmarks.load.script import Script
from benchmarks.load.sipp import Moments
from benchmarks.load.watcher import WatchedCall
from benchmarks.scores import character_error_rate, word_error_rate

SLACK_SECONDS: Final = 0.45
DIRECTIONS: Final = ("in", "out")


@dataclass(slots=True)
class Hearing:
    """All calls of a load together; latencies in ms."""

    final_ms: list[float] = field(default_factory=list)
    finals_at: list[tuple[float, float]] = field(default_factory=list)
    """(arrival in wall time, latency) of the same."""
    interim_ms: list[float] = field(default_factory=list)
    references: list[str] = field(default_factory=list)
    hypotheses: list[str] = field(default_factory=list)
    said: int = 0
    unheard: int = 0
    degraded: int = 0
    counted: list[tuple[int, str, int]] = field(default_factory=list)
    """(script, direction, number in the side) of everything in `references`"""
    slowest: list[tuple[float, str, str, float]] = field(default_factory=list)
    """(latency, call, direction, seconds in the script)"""

    def error_percent(self, language: str) -> float | None:
        """The error rate of everything that was counted."""
        return error_percent(language, self.references, self.hypotheses)


def percentile(values: Sequence[float], percent: float) -> float | None:
    """The smallest of `values` that at least `percent` of them do not exceed; None for none."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100).__int__() - 1)]


def mean(values: Sequence[float]) -> float | None:
    """The mean; None for none."""
    return statistics.fmean(values) if values else None


def hear(
    calls: dict[str, WatchedCall],
    scripts: Sequence[Script],
    caller: Moments,
    callee: Moments,
    window: tuple[float, float],
) -> Hearing:
    """Compare. Counted is what was said, to its end, within `window` (wall time), of calls that had a transcribe."""
    total = Hearing()
    for name, call in calls.items():
        script = scripts[script_number(name)]
        for direction, moments in zip(DIRECTIONS, (caller, callee), strict=True):
            begun = moments.playing.get(name)
            if begun is None or call.transcribe_began is None:
                continue
            left = min(caller.leaving.get(name, window[1]), callee.leaving.get(name, window[1]))
            _hear_side(total, call, script, direction, begun, (window[0], min(window[1], left)))
        total.interim_ms += [1000 * age for at, age in call.interim_ages if window[0] <= at <= window[1]]
    total.slowest = sorted(total.slowest, reverse=True)[:8]
    return total


def _hear_side(
    total: Hearing, call: WatchedCall, script: Script, direction: str, begun: float, window: tuple[float, float]
) -> None:
    rows = sorted((row for row in call.heard if row.direction == direction), key=lambda row: row.start)
    references, hypotheses = [], []
    for number, said in enumerate(script.side(direction).said):
        if not (window[0] <= begun + said.start and begun + said.end + SLACK_SECONDS <= window[1]):
            continue
        own = [row for row in rows if is_of(row.start, row.end, begun + said.start, begun + said.end)]
        total.said += 1
        total.counted.append((script_number(call.name), direction, number))
        references.append(said.text)
        hypotheses += [row.text for row in own]
        if not own:
            total.unheard += 1
            continue
        total.degraded += any(row.is_degraded for row in own)
        latency = (max(row.arrival for row in own) - begun - said.end) * 1000
        total.final_ms.append(latency)
        total.finals_at.append((begun + said.end + latency / 1000, latency))
        total.slowest.append((round(latency), call.name, direction, round(said.end, 1)))
    total.references.append(" ".join(references))
    total.hypotheses.append(" ".join(hypotheses))


def is_of(row_start: float, row_end: float, start: float, end: float) -> bool:
    """Whether a transcript belongs to what was said from `start` to `end`: its middle lies there."""
    return start - SLACK_SECONDS <= (row_start + row_end) / 2 <= end + SLACK_SECONDS


def error_percent(language: str, references: Sequence[str], hypotheses: Sequence[str]) -> float | None:
    """Word error rate, of Korean character error rate, in percent; None where nothing was said."""
    if not any(references):
        return None
    rate = character_error_rate if language.startswith("ko") else word_error_rate
    return round(100 * rate(references, hypotheses), 1)


def script_number(name: str) -> int:
    """Which conversation a caller of that name plays: `s{number}x...`."""
    return int(name[1:].partition("x")[0])
