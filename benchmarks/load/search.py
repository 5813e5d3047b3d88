"""The search for the most two-sided calls that hold, with real loads: limit.py says which."""

import os
from typing import Any, Final

from benchmarks.load.choice import Choice, EngineRun, tell
from benchmarks.load.hearing import error_percent
from benchmarks.load.lasting import wait_calm
from benchmarks.load.limit import Trial, best, first_calls, next_calls
from benchmarks.load.plan import MOST_CALLS, steady
from benchmarks.load.report import EngineFigures, Report
from benchmarks.load.stage import Stage
from benchmarks.load.step import run_step
from benchmarks.load.step_result import StepResult

QUICK_TRIALS: Final = 3
FIRST_SECONDS: Final = 16.0
"""The first step of a quick search only tells what a call costs."""


async def search_limit(stage: Stage, report: Report, choice: Choice, run: EngineRun) -> None:
    """Find the highest number of two-sided calls that holds."""
    engine = report.engines[run.name]
    trials: list[Trial] = []
    naive = report.naive[0]["two_sided_calls"] if report.naive else None
    calls: int | None = choice.calls or first_calls(run.per_naive, run.per_core, naive, os.cpu_count() or 1)
    while calls is not None:
        seconds = min(FIRST_SECONDS, choice.step_seconds) if choice.is_quick and not trials else choice.step_seconds
        await wait_calm(stage)
        plan = steady(calls, seconds, run.language, scripts=choice.scripts)
        result = await run_step(stage, plan, seed=len(trials))
        row = report.add(result)
        compare_alone(engine, result, row)
        engine.trials.append(row | {"is_held": result.is_held()})
        # What else runs on the machine takes from it too.
        trials.append(Trial(calls, result.is_held(), max(result.busy, result.own_busy)))
        if result.is_held() and calls == best(trials):
            engine.calls, engine.best = calls, row
        tell(f"{run.name}: {calls} calls {'hold' if result.is_held() else 'do NOT hold'}: {brief(row)}")
        most = min(QUICK_TRIALS, choice.most_trials) if choice.is_quick else choice.most_trials
        calls = next_calls(trials, most_calls=MOST_CALLS // 2, most_trials=most)
    if engine.best is None and engine.trials:
        engine.best = min(engine.trials, key=lambda trial: int(trial["calls"]))


def compare_alone(engine: EngineFigures, result: StepResult, row: dict[str, Any]) -> None:
    """Put the error rate without load of exactly what was counted in a step into its figures."""
    heard = {(script, direction, number): (said, text) for script, direction, number, said, text in engine.texts}
    if result.plan.talk_seconds == engine.texts_seconds and all(key in heard for key in result.hearing.counted):
        pairs = [heard[key] for key in result.hearing.counted]
        row["error_percent_alone"] = error_percent(engine.language, [a for a, _ in pairs], [b for _, b in pairs])


def brief(row: dict[str, Any]) -> str:
    """A load in a line."""
    final = row["final_ms"]
    return (
        f"p50 {final['p50']} p95 {final['p95']} ms, errors {row['error_percent']} "
        f"(alone {row.get('error_percent_alone')}) %, {row['unheard']} of {row['said']} "
        f"unheard, transcribed {row['transcribed']}, failed {row['failed']}, gaps {row['gap_seconds']} s, "
        f"busy {row['busy_percent']} % (own {row['own_busy_percent']}), "
        f"CPU ms/call-s {row['cpu_ms_per_call_second']}"
    )
