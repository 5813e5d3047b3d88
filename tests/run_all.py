"""All tests, in lots side by side: real calls take their time whatever the machine can do, so they need not wait.

`python -m tests.run_all [PYTEST OPTIONS]` prints a line now and then, a line for each lot, the log of one that fails.

Calls keep real time, and the machine may be busy with somebody else's work just then. Where a few tests of calls fail,
they, and only they, run once more at the end with the machine for themselves; the output names them, and one that fails
there too fails the whole.
"""

import asyncio
import re
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
LOGS = CHECKOUT / "var" / "tests"
TELL_SECONDS = 20.0
_CALLS = "tests/asterisk/calls"
_FLOWS = "tests/asterisk/flows"
_SPEECH = [f"{_CALLS}/test_{name}.py" for name in ("english_calls", "korean_call", "conference")]
_BUT_FLOWS_AND_SPEECH = [f"--ignore={path}" for path in (_FLOWS, *_SPEECH)]
PHASES = (
    # What is measured on human speech has the machine for itself; of the other calls two cores carry two lots.
    {"speech": _SPEECH},
    {
        "calls": ["tests/asterisk", "tests/tutorial", *_BUT_FLOWS_AND_SPEECH],
        "flows": [_FLOWS, "tests/clients", "tests/load"],
        "units": ["tests/unit", "tests/scenarios"],
    },
)
IN_THE_BACKGROUND = {"units"}
"""These take what the calls leave of the processors."""
MOST_SECOND_RUNS = 6
STORIES = ("tests/tutorial/",)
"""Tests of these files follow one another: where one runs again, its file does."""
_FAILED = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", re.MULTILINE)
_PROGRESS = re.compile(r"\[ *(\d+)%\]")


@dataclass(frozen=True)
class Lot:
    """Some of the tests, in a pytest of their own."""

    name: str
    process: asyncio.subprocess.Process
    log: Path

    @property
    def progress(self) -> str:
        """How far it is, in percent of its tests."""
        found = _PROGRESS.findall(self.log.read_text(errors="replace"))
        return f"{found[-1]}%" if found else "begins"

    @property
    def summary(self) -> str:
        """Pytest's last line."""
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "no output"

    @property
    def failed(self) -> list[str]:
        """The tests that failed, or could not be set up, as pytest names them; without an order."""
        return sorted(set(_FAILED.findall(self.log.read_text(errors="replace"))))

    @property
    def to_run_again(self) -> list[str]:
        """What shows whether they fail again."""
        return sorted({name.partition("::")[0] if name.startswith(STORIES) else name for name in self.failed})

    @property
    def deserves_second_run(self) -> bool:
        """Whether nothing but a few tests failed; not where the run itself broke (pytest's codes over 1)."""
        return self.process.returncode == 1 and 0 < len(self.failed) <= MOST_SECOND_RUNS


async def start(name: str, paths: list[str], options: list[str]) -> Lot:
    """Start one lot; its output goes to var/tests/NAME.log."""
    log = LOGS / f"{name}.log"
    nice = ["nice", "-n", "19"] if name in IN_THE_BACKGROUND else []
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *nice, sys.executable, "-m", "pytest", "-q", *paths, *options, stdout=output, stderr=output, cwd=CHECKOUT
        )
    return Lot(name, process, log)


async def run_all(options: list[str]) -> int:
    """Run every lot to its end, phase by phase; 0 when all passed."""
    LOGS.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    lots = [lot for phase in PHASES for lot in await run_phase(phase, options, began)]
    again = [lot for lot in lots if lot.deserves_second_run]
    for lot in again:
        print(f"{lot.name}: once more, alone:", *lot.failed, sep="\n  ", flush=True)
        lots.remove(lot)
        lots += await run_phase({f"{lot.name}-again": lot.to_run_again}, options, began)
    return max(abs(lot.process.returncode or 0) for lot in lots)


async def run_phase(phase: dict[str, list[str]], options: list[str], began: float) -> list[Lot]:
    """Run lots side by side to their ends."""
    lots = [await start(name, paths, options) for name, paths in phase.items()]
    print("tests:", ", ".join(f"{lot.name} ({lot.log.relative_to(CHECKOUT)})" for lot in lots), flush=True)
    waiting = {asyncio.create_task(lot.process.wait()): lot for lot in lots}
    try:
        while waiting:
            done, _ = await asyncio.wait(waiting, timeout=TELL_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                report(waiting.pop(task))
            going = ", ".join(f"{lot.name} {lot.progress}" for lot in waiting.values())
            print(f"{time.monotonic() - began:4.0f} s  {going or 'ended'}", flush=True)
    finally:
        for lot in waiting.values():
            lot.process.send_signal(signal.SIGINT)
        await asyncio.gather(*(lot.process.wait() for lot in waiting.values()))
    return lots


def report(lot: Lot) -> None:
    """Say how a lot ended; the whole log of one that failed."""
    if lot.process.returncode:
        print(lot.log.read_text(errors="replace"))
    print(f"{lot.name}: {lot.summary}", flush=True)


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(run_all(sys.argv[1:])))
    except KeyboardInterrupt:
        sys.exit(130)
