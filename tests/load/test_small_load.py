"""A small load, with all that a big one has: SIPp on both sides, human speech, two-sided calls, figures."""

import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from benchmarks.load.plan import Kind, Plan, plan_kind, steady
from benchmarks.load.stage import Stage, open_stage
from benchmarks.load.step import run_step

pytestmark = [
    pytest.mark.asterisk,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(300),
    pytest.mark.skipif(shutil.which("sipp") is None, reason="SIPp (sip-tester) is not installed: set-up installs it"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    settings = {"CALLSCRIBE_RECOGNIZER": "en=moonshine,ko=vosk", "CALLSCRIBE_MOST_RECOGNITION_DELAY_MS": "0"}
    async with open_stage(tmp_path_factory.mktemp("load"), **settings) as stage:
        yield stage


async def test_two_sided_calls_lose_nothing(stage: Stage) -> None:
    result = await run_step(stage, steady(4, 20.0, "en-US"))
    figures = result.figures()
    assert (figures["set_up"], figures["transcribed"], figures["failed"]) == (4, 4, 0), result.complaints
    assert figures["gap_seconds"] == 0
    assert figures["said"] >= 8
    assert figures["unheard"] == 0
    # Single files of this speech have up to a third of their words wrong by themselves.
    assert figures["error_percent"] <= 45, figures
    assert set(figures["cpu_ms_per_call_second"]) == {"app", "recognition", "asterisk", "sipp", "harness"}
    assert figures["cpu_ms_per_call_second"]["recognition"] > 0
    assert result.residue == {}


async def test_hang_ups_at_random_leave_nothing(stage: Stage) -> None:
    plan = Plan("hangups", 14, 6.0, 2.0, scripts=2, hangs_up_at_random=True)
    assert plan.pairs == 2, "callers leave in one pair, callees in the other"
    result = await run_step(stage, plan)
    assert result.statistics.successful == 14, (result.statistics, result.complaints)
    assert result.callee.leaving
    assert result.caller.leaving
    assert result.residue == {}


async def test_a_burst_without_transcription(stage: Stage) -> None:
    base = plan_kind(Kind.SETUP, 100, 12.0, "en-US")
    plan = Plan("burst", 20, 3.0, 0.5, flow=base.flow, scripts=0, is_two_sided=False)
    result = await run_step(stage, plan)
    assert (result.failed, len(result.caller.answered)) == (0, 20), result.complaints
    assert result.transcribed == 0
    assert result.residue == {}
