"""The whole benchmark, or parts of it: what is measured in which order."""

import json
import os
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from benchmarks.load.choice import ENGINES, RECOGNIZER, Choice, tell
from benchmarks.load.kinds import kind_figures
from benchmarks.load.lasting import run_overload, run_soak, wait_calm
from benchmarks.load.limit import first_calls
from benchmarks.load.machine import describe_machine
from benchmarks.load.peers import measure_peers
from benchmarks.load.plan import Kind, plan_kind
from benchmarks.load.report import EngineFigures, Report, setup_figures
from benchmarks.load.search import brief, search_limit
from benchmarks.load.stage import Stage, open_stage
from benchmarks.load.step import run_step

SHARE: Final = 0.6
"""Of the limit: with so many calls the other kinds of load are run."""
BOTH_ENGINES: Final = (Kind.RAMP, Kind.BURST, Kind.HANGUPS, Kind.LONG, Kind.PROMPTS, Kind.OVERLOAD)


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
                report.write(choice.folder)
        if not choice.kinds:
            await measure_setup(stage, report)
            for name in choice.engines:
                await search_limit(stage, report, choice, ENGINES[name])
                report.write(choice.folder)
            tell_naive(report)
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


def tell_naive(report: Report) -> None:
    """The naive way with the calls beside it, as it is computed."""
    for name, calls in report.naive_beside_calls().items():
        tell(f"naive Vosk with Asterisk, SIPp and the app beside it, computed from {name}'s run: {calls} calls")


async def measure_setup(stage: Stage, report: Report) -> None:
    """100 calls within 10 s, nothing transcribed."""
    tell("100 calls within 10 s, without transcription")
    result = await run_step(stage, plan_kind(Kind.SETUP, 100, 0.0, "en-US"))
    report.add(result)
    report.setup = setup_figures(result)
    tell(f"set-up: {report.setup}")


async def run_kinds(stage: Stage, report: Report, choice: Choice) -> None:
    """All other kinds of load, at parts of the limit; the hour last."""
    for kind in BOTH_ENGINES:
        for name in choice.engines:
            await run_kind(stage, report, choice, kind, name)
            report.write(choice.folder)
    await run_kind(stage, report, choice, Kind.SOAK, choice.engines[0])


async def run_kind(stage: Stage, report: Report, choice: Choice, kind: Kind, name: str) -> None:
    """One kind of load with one engine. Without a search before it, `choice.calls` is the limit of an overload."""
    run = ENGINES[name]
    limit = report.engines[name].calls or first_calls(run.per_naive, run.per_core, None, os.cpu_count() or 1)
    calls = choice.calls or max(1, round(SHARE * limit))
    await wait_calm(stage)
    tell(f"{kind}, {name}")
    match kind:
        case Kind.SOAK:
            result, figures = await run_soak(stage, calls, choice.soak_minutes, run.language)
            report.add_lasting(kind, name, figures)
        case Kind.OVERLOAD:
            limit = choice.calls or limit
            result, figures = await run_overload(stage, limit, choice.overload_minutes, run.language)
            report.add_lasting(kind, name, figures)
        case Kind.SETUP:
            await measure_setup(stage, report)
            return
        case _:
            result = await run_step(stage, plan_kind(kind, calls, choice.talk_seconds, run.language))
            figures = kind_figures(kind, result)
    row = report.add(result)
    if kind not in (Kind.SOAK, Kind.OVERLOAD):
        row["more"] = figures
    tell(f"{kind}, {name}, {result.plan.calls} calls: {brief(row)} {json.dumps(figures) if figures else ''}")
