"""CPU time and memory of the processes of a load, and of the app's threads apart, from /proc (proc(5))."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_RECOGNITION: Final = "recogni"
"""Threads that recognise; native threads inherit their maker's name. All threads that step back belong to it too, also
those that load recognizers and warm them up (app/speech/thread_priority.py): they are nicer than their process."""


PARTS: Final = ("app", "recognition", "asterisk", "sipp", "harness")


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds since the processes began, memory in bytes, at one moment (wall time)."""

    at: float = 0.0
    app: float = 0.0
    """The app's process without its recognition threads."""
    recognition: float = 0.0
    asterisk: float = 0.0
    sipp: float = 0.0
    harness: float = 0.0
    machine: float = 0.0
    """All processors together, whatever they did: more than the parts where others work on the machine."""
    app_rss: int = 0
    asterisk_rss: int = 0
    files: int = 0
    threads: int = 0

    def cpu_since(self, before: "Usage") -> dict[str, float]:
        """CPU seconds since `before`, by part."""
        return {name: getattr(self, name) - getattr(before, name) for name in PARTS}


def read_usage(at: float, app_pid: int, sipp_pids: list[int]) -> Usage:
    """Read everything now. Processes that have ended count as nothing: take the difference while they live."""
    app = psutil.Process(app_pid)
    asterisk = find_asterisk(app)
    whole, recognition = _threads_cpu(app_pid)
    return Usage(
        at=at,
        app=whole - recognition,
        recognition=recognition,
        asterisk=_cpu(asterisk.pid) if asterisk else 0.0,
        sipp=sum(_cpu(pid) for pid in sipp_pids),
        harness=_cpu(os.getpid()),
        machine=_machine(),
        app_rss=app.memory_info().rss,
        asterisk_rss=asterisk.memory_info().rss if asterisk else 0,
        files=app.num_fds(),
        threads=app.num_threads(),
    )


def find_asterisk(app: psutil.Process) -> psutil.Process | None:
    """The embedded Asterisk: the child that runs its program."""
    for child in app.children(recursive=True):
        try:
            if any("sbin/asterisk" in word for word in child.cmdline()):
                return child
        except psutil.Error:
            continue
    return None


def _machine() -> float:
    """CPU seconds of the whole machine that were not idle, time taken by the host included."""
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - times.iowait - times.guest - times.guest_nice)


def _threads_cpu(pid: int) -> tuple[float, float]:
    """All the process has used (ended threads too), and what its living recognition threads have."""
    _, whole, niceness = _stat(Path(f"/proc/{pid}/stat"))
    threads = (_stat(stat) for stat in Path(f"/proc/{pid}/task").glob("*/stat"))
    return whole, sum(
        seconds for name, seconds, nice in threads if name.startswith(_RECOGNITION) or (name and nice > niceness)
    )


def _cpu(pid: int) -> float:
    return _stat(Path(f"/proc/{pid}/stat"))[1]


def _stat(path: Path) -> tuple[str, float, int]:
    """Name, CPU seconds (user and system) and niceness of a process or thread; nothing when it has ended."""
    try:
        text = path.read_text()
    except OSError:
        return "", 0.0, 0
    name = text[text.index("(") + 1 : text.rindex(")")]
    fields = text[text.rindex(")") + 2 :].split()
    return name, (int(fields[11]) + int(fields[12])) / _TICKS, int(fields[16])
