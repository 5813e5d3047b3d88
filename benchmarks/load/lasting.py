"""What lasts: an hour of steady calls, and twice the limit. What must stay flat, and how soon all is well again."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Final

from benchmarks.load.plan import MOST_CALLS, Flow, Kind, Plan, plan_kind
from benchmarks.load.probe import Probed, probe_along
from benchmarks.load.processes import find_asterisk
from benchmarks.load.stage import Sample, Stage
from benchmarks.load.step import CHANNELS, run_step
from benchmarks.load.step_result import DELAY, GAPS, SHED, StepResult, spread

LEVEL: Final = "callscribe_recognition_level"
REFUSED: Final = "callscribe_recognition_refused_total"
QUIET_PROBES: Final = 8
PROBE_EVERY_SECONDS: Final = 10.0
MOST_PROBES: Final = 720
CALM_DELAY_SECONDS: Final = 0.2
RECOVERY_SECONDS: Final = 60.0
"""So long a recovery is watched at most."""
_WARM_SHARE: Final = 0.2
"""Caches, pools and recognizers reach their size in the first fifth: not part of a slope."""


def slope_per_hour(points: Sequence[tuple[float, float]]) -> float:
    """Slope of the least-squares line through (seconds, value), per hour; 0 for fewer than two moments."""
    if len(points) < 2:
        return 0.0
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    square = sum((x - mean_x) ** 2 for x, _ in points)
    if square == 0:
        return 0.0
    return 3600 * sum((x - mean_x) * (y - mean_y) for x, y in points) / square


def lasting_figures(samples: Sequence[Sample]) -> dict[str, Any]:
    """Slopes over the settled part; memory in MB."""
    settled = list(samples)[int(len(samples) * _WARM_SHARE) :]
    if not settled:
        return {}
    values = {
        "app_mb": [(s.usage.at, s.usage.app_rss / 2**20) for s in settled],
        "asterisk_mb": [(s.usage.at, s.usage.asterisk_rss / 2**20) for s in settled],
        "files": [(s.usage.at, float(s.usage.files)) for s in settled],
        "threads": [(s.usage.at, float(s.usage.threads)) for s in settled],
        "live_calls": [(s.usage.at, float(s.live)) for s in settled],
        "channels": [(s.usage.at, s.metrics[CHANNELS]) for s in settled if CHANNELS in s.metrics],
        "tasks": [(s.usage.at, s.metrics.get("callscribe_tasks", 0.0)) for s in settled],
    }
    figures: dict[str, Any] = {"minutes": round((settled[-1].usage.at - settled[0].usage.at) / 60, 1)}
    for name, points in values.items():
        if not points:
            continue
        figures[name] = {
            "slope_per_hour": round(slope_per_hour(points), 2),
            "least": round(min(y for _, y in points), 1),
            "most": round(max(y for _, y in points), 1),
        }
    return figures


async def run_soak(stage: Stage, calls: int, minutes: float, language: str) -> tuple[StepResult, dict[str, Any]]:
    """Steady calls of a minute each, one after the other in each place, for so many minutes."""
    result = await run_step(stage, plan_kind(Kind.SOAK, calls, 60 * minutes, language))
    figures = {"calls": calls, "set_up": len(result.caller.answered), "failed": result.failed}
    return result, lasting_figures(result.samples) | figures | {"residue": result.residue}


async def run_overload(stage: Stage, limit: int, minutes: float, language: str) -> tuple[StepResult, dict[str, Any]]:
    """Twice the limit for so many minutes, then nothing; when recognition is as before.

    `recovery_seconds` counts from the moment at which the live calls are back at the limit for good. A probe calls
    before and all along: what it waits for says whether calls themselves notice the load.
    """
    plan: Plan = plan_kind(Kind.OVERLOAD, min(MOST_CALLS, 2 * limit), 60 * minutes, language)
    quiet: list[Probed] = []
    loaded: list[Probed] = []
    probe = (stage.blocks.probe, ("127.0.0.1", stage.instance.sip_port), f"{Flow.PROBE}00")
    await probe_along(quiet, *probe, 0.0, QUIET_PROBES)
    asterisk = find_asterisk(stage.instance.ps)

    async def probe_beside() -> None:
        # Not before all calls are there: the load is what is measured.
        await asyncio.sleep(plan.spread_seconds)
        await probe_along(loaded, *probe, PROBE_EVERY_SECONDS, MOST_PROBES)

    result = await run_step(stage, plan, beside=probe_beside)
    samples = [*result.samples, *await wait_calm(stage)]
    return result, lasting_figures(result.samples) | {
        "limit": limit,
        "calls": plan.calls,
        "set_up": len(result.caller.answered),
        "failed": result.failed,
        "crashes": int(stage.instance.process.returncode is not None)
        + int(asterisk is None or not asterisk.is_running()),
        "refused_transcribes": round(result.grown(REFUSED)),
        "gap_seconds": round(result.grown(GAPS), 1),
        "shed_interims": round(result.grown(SHED)),
        "recovery_seconds": recovery_seconds(samples, limit),
        "is_healthy": (await stage.metrics()).get(LEVEL, 0.0) == 0.0,
        "probe": {"without_load": probe_figures(quiet), "under_load": probe_figures(loaded)},
        "bridged_ms": spread(result.bridged_ms),
        "residue": result.residue,
    }


def probe_figures(found: Sequence[Probed]) -> dict[str, Any]:
    """What the probe's calls waited for; `unanswered` and `silent` are those in which nothing came."""
    answered = [each.answered_ms for each in found if each.answered_ms is not None]
    prompted = [each.digit_to_prompt_ms for each in found if each.digit_to_prompt_ms is not None]
    return {
        "calls": len(found),
        "unanswered": len(found) - len(answered),
        "silent": len(answered) - len(prompted),
        "answered_ms": spread(answered),
        "digit_to_prompt_ms": spread(prompted),
    }


async def wait_calm(stage: Stage, timeout_seconds: float = RECOVERY_SECONDS) -> list[Sample]:
    """Wait until recognition is as without load, at most `timeout_seconds`; what was seen."""
    samples = [stage.sample([], await stage.metrics())]
    deadline = time.monotonic() + timeout_seconds
    while not is_calm(samples[-1]) and time.monotonic() < deadline:
        await asyncio.sleep(0.5)
        samples.append(stage.sample([], await stage.metrics()))
    return samples


def is_calm(sample: Sample) -> bool:
    """Whether recognition was as without load at that moment."""
    return sample.metrics.get(LEVEL, 0.0) == 0.0 and sample.metrics.get(DELAY, 0.0) < CALM_DELAY_SECONDS


def recovery_seconds(samples: Sequence[Sample], limit: int) -> float | None:
    """Seconds from when the live calls were back at `limit` for good to when it was calm for good; None = never."""
    over = [n for n, sample in enumerate(samples) if sample.live > limit]
    begun = samples[min(over[-1] + 1, len(samples) - 1)].usage.at if over else samples[0].usage.at
    excited = [n for n, sample in enumerate(samples) if not is_calm(sample)]
    if not excited:
        return 0.0
    if excited[-1] + 1 >= len(samples):
        return None
    return round(max(0.0, samples[excited[-1] + 1].usage.at - begun), 1)
