"""`callscribe flows simulate`: walk a flow file without a telephone and print the path."""

import asyncio
import json
import logging
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog
import typer

from app.cli.flow_findings import print_findings
from app.errors import InvalidArgument
from app.flow.action_registry import ActionRegistry
from app.flow.checker import CheckedFlow, check_flow_file
from app.flow.executor import FlowLimits
from app.flow.simulator import Script, Simulated, simulate
from app.flow.speech_facts import SpeechFacts
from app.flow.variables import SYSTEM_PREFIX
from app.flow.virtual_time import VirtualTimeLoop

MOST_LINES = 400
"""How much of a path is printed: a loop that runs into its limit repeats itself."""
_UNTOLD = frozenset({"event", "level", "log_level", "part", "activeflow_id", "action_id", "timestamp"})


def read_variables(pairs: list[str]) -> dict[str, str]:
    """Return `k=v` texts as variables; InvalidArgument for others."""
    found = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not name or not equals:
            raise InvalidArgument("--variable", f"{pair!r} is not NAME=VALUE")
        found[name] = value
    return found


def run_simulation(
    path: Path, registry: ActionRegistry, speech: SpeechFacts, script: Script, limits: FlowLimits
) -> bool:
    """Check the file, walk it, print the path; False when it is broken."""
    content = path.read_bytes()
    checked = check_flow_file(content, file=str(path), name_key=path.stem, registry=registry, speech=speech)
    print_findings(checked.findings)
    if checked.flow is None:
        return False
    printer = _Printer()
    with _told_warnings(printer), asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        done = runner.run(
            simulate(
                checked.flow,
                registry,
                script,
                tell=printer.tell,
                labels=_labels_of(content),
                speech=speech,
                limits=limits,
            )
        )
    printer.end()
    _print_end(checked, done)
    return True


class _Printer:
    def __init__(self) -> None:
        self._lines = 0

    def tell(self, text: str) -> None:
        self._lines += 1
        if self._lines <= MOST_LINES:
            typer.echo(text)

    def end(self) -> None:
        if self._lines > MOST_LINES:
            typer.echo(f"            ... and {self._lines - MOST_LINES} lines more")


@contextmanager
def _told_warnings(printer: _Printer) -> Iterator[None]:
    """Within this context what the executor warns of is part of the path, at its place."""
    ends: list[str] = []

    def tell(_logger: Any, method: str, event: MutableMapping[str, Any]) -> Any:
        if method in {"warning", "error", "exception", "critical"}:
            fields = ", ".join(f"{key}={value}" for key, value in event.items() if key not in _UNTOLD)
            line = f"          ! {event['event']}{': ' if fields else ''}{fields}"
            printer.tell(line)
            ends[:] = [line]
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(
        processors=[tell],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        cache_logger_on_first_use=False,
    )
    try:
        yield
    finally:
        structlog.configure(**before)
        if ends and "limit" in ends[0] and printer._lines > MOST_LINES:  # the reason for the end must not be cut off
            typer.echo(ends[0])


def _labels_of(content: bytes) -> list[str]:
    """Return the names that the file's author gave to its actions."""
    return [str(entry.get("id", "")) for entry in json.loads(content.decode("utf-8-sig"))["actions"]]


def _print_end(checked: CheckedFlow, done: Simulated) -> None:
    typer.echo(f"The flow has ended after {done.actions} actions and {done.seconds:.1f} s")
    shown = {
        name: value
        for name, value in sorted(done.variables.items())
        if value
        and (not name.startswith(SYSTEM_PREFIX) or name.startswith(("voipbin.call.speech", "voipbin.call.dig")))
    }
    for name, value in shown.items():
        typer.echo(f"  {name} = {value}")
