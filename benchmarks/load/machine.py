"""On what was measured: processors, memory, versions, and what one has to know beside the figures."""

import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Any

import psutil


def describe_machine(notes: list[str]) -> dict[str, Any]:
    """The `machine` of the report."""
    return {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "system": platform.release(),
        "python": platform.python_version(),
        "sipp": _first_line(["sipp", "-v"]),
        "load_before": round(os.getloadavg()[0], 2),
        "notes": notes,
    }


def _processor() -> str:
    """The processor's own name."""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _first_line(command: list[str]) -> str:
    """What a program says first about itself; empty where it is not there."""
    if shutil.which(command[0]) is None:
        return ""
    # SIPp tells its version with exit code 99.
    said = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False).stdout
    return next((line.strip() for line in said.splitlines() if line.strip()), "")
