"""The whole benchmark, or parts of it: what is measured in which order."""

import asyncio
import json
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.load.hearing import error_percent
from benchmarks.load.lasting import run_overload, run_soak, wait_calm
from benchmarks.load.limit import Trial, best, next_calls
from benchmarks.load.machine import describe_machine
from benchmarks.load.plan import MOST_CALLS, Kind, plan_kind, steady
from benchmarks.load.report import EngineFigures, Report, setup_figures
from benchmarks.load.stage import Stage, open_stage
from benchmarks.load.step import run_step
from benchmarks.load.step_result import StepResult

CHECKOUT: Final = Path(__file__).resolve().parents[2]
PEER_SECONDS: Final = 900.0


@dataclass(frozen=True, slots=True)
class EngineRun:
    """An engine to measure: its name in the report, the language, and the setting that chooses it."""

    name: str
    language: str
    first_calls: int


ENGINES: Final = {"moonshine": EngineRun("moonshine", "en-US", 12), "vosk": EngineRun("vosk", "ko-KR", 5)}
RECOGNIZER: Final = "en=moonshine,ko=vosk"


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


def tell(text: str) -> None:
    """Progress, on stderr: the last line of stdout is the result."""
    print(f"{time.strftime('%H:%M:%S')}  {text}", file=sys.stderr, flush=True)


async def run_bench(choice: Choice) -> Report:
    """Measure what was chosen; the report is written after each part, so that an abort loses little."""
    report = Report(describe_machine(notes(choice)))
    report.engines = {name: EngineFigures(name, ENGINES[name].language) for name in choice.engines}
    if choice.has_peer and not choice.kinds:
        await measure_peers(report, choice)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="callscribe-load-")))
        tell("starting Asterisk and the app")
        stage = await stack.enter_async_context(open_stage(folder, CALLSCRIBE_RECOGNIZER=RECOGNIZER))
        for kind in choice.kinds:
            for name in choice.engines:
                await run_kind(stage, report, choice, kind, name)
        if not choice.kinds:
            await measure_setup(stage, report)
            for name in choice.engines:
                await search_limit(stage, report, choice, ENGINES[name])
                report.write(choice.folder)
            if not choice.is_quick:
                await run_kinds(stage, report, choice)
    paths = report.write(choice.folder)
    tell("report: " + ", ".join(str(path) for path in paths))
    return report


def notes(choice: Choice) -> list[str]:
    """What one has to know beside the figures."""
    return [
        "Asterisk, SIPp and the app share the machine; both legs of a call are SIPp's",
        "call-second = a second of one two-sided call (two legs, both directions of the caller's leg transcribed)",
        "moonshine: English, word error rate; vosk: Korean, character error rate",
        "naive Vosk ran alone on the machine, without Asterisk and SIPp, with the Korean model: that flatters it",
        *(["quick: short steps, few of them"] if choice.is_quick else []),
    ]


async def measure_peers(report: Report, choice: Choice) -> None:
    """The naive peer, and the error rates without load, before anything else runs."""
    languages = ["ko-KR"] if choice.is_quick else ["ko-KR", "en-US"]
    seconds = "12" if choice.is_quick else "30"
    for language in languages:
        tell(f"the naive peer, {language}")
        report.naive.append(await run_peer("naive", "--language", language, "--seconds", seconds))
    for name, engine in report.engines.items():
        tell(f"{name} without load")
        engine.alone = await run_peer(
            *("alone", "--language", engine.language, "--seconds", str(talk_seconds(choice)), "--count", "6"),
            *("--recognizer", RECOGNIZER),
        )
        engine.texts, engine.texts_seconds = engine.alone.pop("texts"), talk_seconds(choice)
        tell(f"{name} without load: {engine.alone['error_percent']} % errors")


async def run_peer(*arguments: str) -> dict[str, Any]:
    """Run the peer's program; what it prints last."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.load.peer", *arguments), cwd=CHECKOUT, stdout=asyncio.subprocess.PIPE
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), PEER_SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode:
        raise RuntimeError(f"benchmarks.load.peer {' '.join(arguments)} ended with {process.returncode}")
    found: dict[str, Any] = json.loads(output.decode().strip().splitlines()[-1])
    return found


async def measure_setup(stage: Stage, report: Report) -> None:
    """100 calls within 10 s, nothing transcribed."""
    tell("100 calls within 10 s, without transcription")
    result = await run_step(stage, plan_kind(Kind.SETUP, 100, 12.0, "en-US"))
    report.add(result)
    report.setup = setup_figures(result)
    tell(f"set-up: {report.setup}")


def talk_seconds(choice: Choice) -> float:
    """How long a call of the search talks."""
    return 32.0 if choice.is_quick else choice.talk_seconds


async def search_limit(stage: Stage, report: Report, choice: Choice, run: EngineRun) -> None:
    """Find the highest number of two-sided calls that holds."""
    engine = report.engines[run.name]
    trials: list[Trial] = []
    calls: int | None = choice.calls or run.first_calls
    while calls is not None:
        # The first step of a quick search only tells what a call costs.
        seconds = 24.0 if choice.is_quick and not trials else talk_seconds(choice)
        await wait_calm(stage)
        result = await run_step(stage, steady(calls, seconds, run.language), seed=len(trials))
        row = report.add(result)
        compare_alone(engine, result, row)
        engine.trials.append(row | {"is_held": result.is_held()})
        trials.append(Trial(calls, result.is_held(), result.busy))
        if result.is_held() and calls == best(trials):
            engine.calls, engine.best = calls, row
        tell(f"{run.name}: {calls} calls {'hold' if result.is_held() else 'do NOT hold'}: {brief(row)}")
        most = min(3, choice.most_trials) if choice.is_quick else choice.most_trials
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


async def run_kinds(stage: Stage, report: Report, choice: Choice) -> None:
    """All other kinds of load, at parts of the limit; the lasting ones last."""
    name = choice.engines[0]
    for kind in (Kind.RAMP, Kind.BURST, Kind.HANGUPS, Kind.LONG, Kind.PROMPTS, Kind.OVERLOAD, Kind.SOAK):
        await run_kind(stage, report, choice, kind, name)
        report.write(choice.folder)


async def run_kind(stage: Stage, report: Report, choice: Choice, kind: Kind, name: str) -> None:
    """One kind of load with one engine."""
    language = ENGINES[name].language
    limit = report.engines[name].calls or choice.calls or ENGINES[name].first_calls
    calls = choice.calls or max(1, round(0.6 * limit))
    tell(f"{kind}, {name}")
    match kind:
        case Kind.SOAK:
            result, figures = await run_soak(stage, calls, choice.soak_minutes, language)
            report.lasting["soak"] = figures
        case Kind.OVERLOAD:
            result, figures = await run_overload(stage, limit, choice.overload_minutes, language)
            report.lasting["overload"] = figures
        case Kind.SETUP:
            await measure_setup(stage, report)
            return
        case _:
            result = await run_step(stage, plan_kind(kind, calls, talk_seconds(choice), language))
            figures = {}
    row = report.add(result)
    tell(f"{kind}, {name}, {result.plan.calls} calls: {brief(row)} {json.dumps(figures) if figures else ''}")
