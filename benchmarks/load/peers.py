"""What our figures stand beside, each measured in a process of its own (peer.py) before anything else runs."""

import asyncio
import json
import sys
from typing import Any, Final

from benchmarks.load.choice import CHECKOUT, RECOGNIZER, Choice, tell
from benchmarks.load.report import Report

PEER_SECONDS: Final = 900.0


async def measure_peers(report: Report, choice: Choice) -> None:
    """The naive peer, and the error rates without load."""
    languages = ["ko-KR"] if choice.is_quick else ["ko-KR", "en-US"]
    seconds, rounds = ("12", "3") if choice.is_quick else ("30", "6")
    for language in languages:
        tell(f"the naive peer, {language}")
        found = await run_peer("naive", "--language", language, "--seconds", seconds, "--rounds", rounds)
        report.naive.append(found)
        tell(f"the naive peer carries {found['two_sided_calls']} two-sided calls")
    for name, engine in report.engines.items():
        engine.alone = await run_peer(
            *("alone", "--language", engine.language, "--seconds", str(choice.step_seconds)),
            *("--count", str(choice.scripts), "--recognizer", RECOGNIZER),
        )
        engine.texts, engine.texts_seconds = engine.alone.pop("texts"), choice.step_seconds
        tell(f"{name} without load: {engine.alone['error_percent']} % errors")


async def run_peer(*arguments: str) -> dict[str, Any]:
    """Run the peer's program; what it prints last. RuntimeError when it fails."""
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
