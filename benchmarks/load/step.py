"""One load, run: SIPp on both sides, the app and its Asterisk between, everything written down."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from pathlib import Path
from typing import Final

from benchmarks.load.hearing import Hearing, hear
from benchmarks.load.plan import Plan
from benchmarks.load.scenarios import callee_scenario, caller_scenario
from benchmarks.load.script import Script, make_scripts, write_script
from benchmarks.load.sipp import Moments, Sipp, SippPlan, SippStatistics, open_sipp
from benchmarks.load.stage import SAMPLE_SECONDS, Sample, Stage
from benchmarks.load.step_result import StepResult

CHANNELS: Final = "asterisk_channels"
CHANNELS_EVERY: Final = 20
"""In so many samples the channels are counted once: the list of all is long."""
SETTLE_SECONDS: Final = 3.0
"""The last finals are due within this long after a hang-up."""


async def run_step(
    stage: Stage, plan: Plan, *, seed: int = 1, beside: Callable[[], Coroutine[None, None, None]] | None = None
) -> StepResult:
    """Run a load and measure it. It ends by itself, at the latest after `plan.most_seconds`.

    `beside` runs meanwhile, from the first call on; it is cancelled when the callers have ended.
    """
    stage.steps += 1
    folder = stage.folder / f"{stage.steps:02}-{plan.name}"
    folder.mkdir(parents=True)
    scripts = await asyncio.to_thread(_write_scripts, plan, folder) if plan.scripts else []
    stage.watcher.forget()
    stage.samples.clear()
    before = await stage.metrics()
    async with AsyncExitStack() as stack:
        callees = []
        if plan.is_two_sided:
            callees = [await stack.enter_async_context(open_sipp(each, folder)) for each in _callees(stage, plan)]
            await asyncio.sleep(0.5)  # SIPp says nowhere that it listens
        random_times = random.Random(seed)
        plans = [_caller(stage, plan, pair, random_times) for pair in range(plan.pairs)]
        callers = []
        for each in plans:
            callers.append(await stack.enter_async_context(open_sipp(each, folder)))
            # So that the pairs do not call in step.
            await asyncio.sleep(plan.spread_seconds / plan.calls)
        async with _running(beside) if beside else nullcontext():
            await _follow(stage, [*callers, *callees], callers, plan.most_seconds)
        await asyncio.gather(*(sipp.quit() for sipp in callers))
        if plan.scripts:
            await asyncio.sleep(SETTLE_SECONDS)
    after = await stage.metrics()
    caller, callee, statistics = Moments(), Moments(), SippStatistics()
    for sipp in callers:
        caller.merge(sipp.moments)
        statistics += sipp.statistics
    for sipp in callees:
        callee.merge(sipp.moments)
    window = _window(plan, caller, stage.samples)
    hearing = hear(stage.watcher.calls, scripts, caller, callee, window) if scripts else Hearing()
    return StepResult(
        plan,
        statistics,
        caller,
        callee,
        window,
        hearing,
        list(stage.samples),
        before,
        after,
        await stage.residue(),
        [text for sipp in [*callers, *callees] if (text := sipp.complaints)],
        dict(stage.watcher.calls),
    )


@asynccontextmanager
async def _running(beside: Callable[[], Coroutine[None, None, None]]) -> AsyncIterator[None]:
    task = asyncio.create_task(beside())
    try:
        yield
    finally:
        task.cancel()
        outcome = (await asyncio.gather(task, return_exceptions=True))[0]
    if isinstance(outcome, Exception):
        raise outcome


def _write_scripts(plan: Plan, folder: Path) -> list[Script]:
    scripts = make_scripts(plan.language, plan.scripts, plan.talk_seconds)
    for number, script in enumerate(scripts):
        write_script(script, folder, number)
    return scripts


def _callees(stage: Stage, plan: Plan) -> list[SippPlan]:
    plans = []
    for pair in range(plan.pairs):
        longest = round(1000 * plan.talk_seconds) if _is_left(plan, pair) else 0
        scenario = callee_scenario(plan.scripts, shortest_ms=300, longest_ms=longest)
        plans.append(SippPlan(f"callee-{pair}", scenario, stage.blocks.callee(pair), stage.callee_port, ()))
    return plans


def _caller(stage: Stage, plan: Plan, pair: int, random_times: random.Random) -> SippPlan:
    calls = plan.calls_of_pair(pair)
    total = calls * plan.rounds
    lines = ["SEQUENTIAL"]
    for n in range(total):
        script = (n * plan.pairs + pair) % max(1, plan.scripts)
        stay = random_times.uniform(0.3, plan.talk_seconds) if plan.hangs_up_at_random else plan.talk_seconds
        lines.append(f"s{script}x{stage.steps}p{pair}n{n};{script};{round(1000 * stay)}")
    period = max(1, round(1000 * plan.spread_seconds / calls))
    arguments = [f"127.0.0.1:{stage.instance.sip_port}", "-s", f"{plan.flow}{pair:02}"]
    arguments += ["-m", str(total), "-l", str(calls), "-r", "1", "-rp", str(period)]
    scenario = caller_scenario(plan.scripts, is_left=_is_left(plan, pair))
    # Any port: it is the only process on its address.
    return SippPlan(
        f"caller-{pair}", scenario, stage.blocks.caller(pair), 5060, tuple(arguments), "\n".join(lines) + "\n"
    )


def _is_left(plan: Plan, pair: int) -> bool:
    """Whether the callees of this pair hang up."""
    return plan.hangs_up_at_random and plan.is_two_sided and pair % 2 == 1


async def _follow(stage: Stage, all_sipp: list[Sipp], callers: list[Sipp], most_seconds: float) -> None:
    """Sample until all callers have ended, or the time is up."""
    pids = [sipp.process.pid for sipp in all_sipp]
    ending = asyncio.gather(*(sipp.process.wait() for sipp in callers))
    deadline = time.monotonic() + most_seconds
    try:
        while time.monotonic() < deadline:
            metrics = await stage.metrics()
            if len(stage.samples) % CHANNELS_EVERY == 0:
                metrics[CHANNELS] = await stage.channels()
            stage.sample(pids, metrics)
            if await asyncio.wait({ending}, timeout=SAMPLE_SECONDS) != (set(), {ending}):
                return
    finally:
        ending.cancel()
        await asyncio.gather(ending, return_exceptions=True)


def _window(plan: Plan, caller: Moments, samples: list[Sample]) -> tuple[float, float]:
    """From when all calls talk to when the first of them leaves; with rounds or a ramp, from the first to the last."""
    playing = caller.playing or caller.answered
    if not playing:
        return (samples[0].usage.at, samples[-1].usage.at) if samples else (0.0, 0.0)
    if plan.rounds > 1 or plan.hangs_up_at_random or plan.spread_seconds >= plan.talk_seconds / 2:
        return min(playing.values()), max(caller.leaving.values(), default=max(playing.values()))
    return max(playing.values()), min(caller.leaving.values(), default=max(playing.values()) + plan.talk_seconds)
