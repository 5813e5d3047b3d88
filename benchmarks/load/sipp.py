"""SIPp as processes of ours: started on loopback addresses of their own, ended by us, read from the files they write.

Each process has an address of its own in 127.0.0.0/8: SIPp sends sound through raw sockets, one for each call, and the
kernel gives every raw socket a copy of every datagram to its address. On one address for all, a hundred calls would
copy some hundred thousand packets a second, on the account of whoever sent them.
"""

import asyncio
import contextlib
import csv
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

MEDIA_PORT: Final = 16000
QUIT_SECONDS: Final = 5.0
_MOMENT: Final = re.compile(r"^(calling|answered|playing|leaving) (\S+) .*?(\d{9,}\.\d+)\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Moments:
    """When things happened to calls, by the caller's name: wall time in seconds."""

    calling: dict[str, float] = field(default_factory=dict)
    answered: dict[str, float] = field(default_factory=dict)
    playing: dict[str, float] = field(default_factory=dict)
    leaving: dict[str, float] = field(default_factory=dict)

    def merge(self, other: "Moments") -> None:
        """Take over another process's."""
        for name in ("calling", "answered", "playing", "leaving"):
            getattr(self, name).update(getattr(other, name))


@dataclass(frozen=True, slots=True)
class SippStatistics:
    """The last line of SIPp's own statistics: calls begun, ended well, failed; retransmissions."""

    created: int = 0
    successful: int = 0
    failed: int = 0
    retransmissions: int = 0

    def __add__(self, other: "SippStatistics") -> "SippStatistics":
        return SippStatistics(
            self.created + other.created,
            self.successful + other.successful,
            self.failed + other.failed,
            self.retransmissions + other.retransmissions,
        )


@dataclass(frozen=True, slots=True)
class SippPlan:
    """One SIPp process; `arguments` are those of its part."""

    name: str
    scenario: str
    host: str
    port: int
    arguments: tuple[str, ...]
    injection: str = ""


@dataclass(slots=True)
class Sipp:
    """A running SIPp. Its files lie in `folder`, named after it."""

    plan: SippPlan
    folder: Path
    process: asyncio.subprocess.Process

    async def quit(self) -> None:
        """Let it end by itself: SIGUSR1 is SIPp's `q`; then less gently."""
        for number in (signal.SIGUSR1, signal.SIGTERM, signal.SIGKILL):
            if self.process.returncode is not None:
                return
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(number)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.process.wait(), QUIT_SECONDS)

    @property
    def moments(self) -> Moments:
        """What its log says, complete once it has ended."""
        path = self.folder / f"{self.plan.name}.log"
        return read_moments(path.read_text(errors="replace") if path.exists() else "")

    @property
    def statistics(self) -> SippStatistics:
        """What its statistics file says, complete once it has ended."""
        path = self.folder / f"{self.plan.name}.csv"
        return read_statistics(path.read_text(errors="replace") if path.exists() else "")

    @property
    def complaints(self) -> str:
        """The first lines of its error file."""
        path = self.folder / f"{self.plan.name}.errors"
        return path.read_text(errors="replace")[:2000] if path.exists() else ""


@asynccontextmanager
async def open_sipp(plan: SippPlan, folder: Path) -> AsyncIterator[Sipp]:
    """Start SIPp in `folder`, where its capture files are; on leaving it is ended."""
    scenario = folder / f"{plan.name}.xml"
    scenario.write_text(plan.scenario, encoding="utf-8")
    arguments = ["-sf", scenario.name, "-i", plan.host, "-mi", plan.host, "-p", str(plan.port), "-mp", str(MEDIA_PORT)]
    arguments += ["-nostdin", "-aa", "-trace_logs", "-log_file", f"{plan.name}.log", "-trace_err"]
    arguments += ["-error_file", f"{plan.name}.errors", "-trace_stat", "-stf", f"{plan.name}.csv", "-fd", "1"]
    # A busy machine is what is measured: SIPp's own watchdog must not end the measurement.
    arguments += ["-watchdog_minor_maxtriggers", "1000000", "-watchdog_major_maxtriggers", "100000"]
    if plan.injection:
        (folder / f"{plan.name}.inf").write_text(plan.injection, encoding="utf-8")
        arguments += ["-inf", f"{plan.name}.inf"]
    with (folder / f"{plan.name}.out").open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            "sipp",
            *arguments,
            *plan.arguments,
            cwd=folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    sipp = Sipp(plan, folder, process)
    try:
        yield sipp
    finally:
        await asyncio.shield(sipp.quit())


def read_moments(log: str) -> Moments:
    """Read the log lines of our scenarios."""
    moments = Moments()
    for word, name, at in _MOMENT.findall(log):
        getattr(moments, word)[name] = float(at)
    return moments


def read_statistics(text: str) -> SippStatistics:
    """Read the last line of a statistics file; `(C)` are the columns that count from the start."""
    rows = list(csv.DictReader(text.splitlines(), delimiter=";"))
    if not rows:
        return SippStatistics()
    last = rows[-1]
    return SippStatistics(
        int(last["TotalCallCreated"]),
        int(last["SuccessfulCall(C)"]),
        int(last["FailedCall(C)"]),
        int(last["Retransmissions(C)"]),
    )
