"""`callscribe flows simulate`: walk a flow file without a telephone and print the path."""

import asyncio
import json
import logging
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import structlog
import typer

from app.cli.flow_findings import print_findings
from app.domain.flow import Flow
from app.errors import InvalidArgument
from app.flow.action_registry import ActionRegistry
from app.flow.checker import check_flow_file
from app.flow.executor import FlowLimits
from app.flow.flow_folder import FlowFolderMissing, read_flow_folder
from app.flow.flow_ids import to_flow_id
from app.flow.script import Script
from app.flow.simulated_reach import shorten
from app.flow.simulator import Ending, Simulated, simulate
from app.flow.speech_facts import SpeechFacts
from app.flow.variables import SYSTEM_PREFIX
from app.flow.virtual_time import VirtualTimeLoop

MOST_LINES = 400
"""How much of a path is printed: a loop that runs into its limit repeats itself."""
_UNTOLD = frozenset({"event", "level", "log_level", "part", "activeflow_id", "action_id", "timestamp", "exc_info"})
_LIMITS = ("flow ended at its limit", "flow cannot go on")
"""How the executor's words begin where it ends a flow that has not come to its end."""


def read_variables(pairs: Sequence[str], *, has_call: bool = True) -> dict[str, str]:
    """Return `k=v` texts as variables; InvalidArgument for others, and for names that no client can supply."""
    found = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not name or not equals:
            raise InvalidArgument("--variable", f"{pair!r} is not NAME=VALUE")
        if has_call and name.startswith(SYSTEM_PREFIX):
            expected = "expected another name, or --no-call; --from and --number tell who calls whom"
            raise InvalidArgument("--variable", f"{name} is set by Callscribe alone; {expected}")
        found[name] = value
    return found


def read_answers(option: str, paths: Sequence[Path]) -> tuple[bytes, ...]:
    """Return what the files of an option hold; InvalidArgument names the one that cannot be read."""
    return tuple(_read(path, option) for path in paths)


def find_flows(file: Path, registry: ActionRegistry) -> Callable[[str], Flow | None]:
    """Return what finds the flows of the folder of `file` by their id; broken ones are not there."""

    @cache
    def read() -> dict[str, Flow]:
        flows = {}
        try:
            contents = read_flow_folder(file.parent)
        except FlowFolderMissing:
            return {}
        for name, content in contents.items():
            if isinstance(content, bytes):
                flow = check_flow_file(content, file=name, name_key=name, registry=registry).flow
                if flow is not None:
                    flows[to_flow_id(name)] = flow
        return flows

    return lambda flow_id: read().get(flow_id)


def name_flow(option: str, name: str, find_flow: Callable[[str], Flow | None]) -> Flow | None:
    """Return the flow that an option names, None for ""; InvalidArgument where there is none, or it is broken."""
    flow = find_flow(to_flow_id(name)) if name else None
    if name and flow is None:
        raise InvalidArgument(option, f"{name} is no flow of the folder of FILE, or it is broken; see flows check")
    return flow


def run_simulation(
    path: Path, registry: ActionRegistry, speech: SpeechFacts, script: Script, limits: FlowLimits
) -> bool:
    """Check the file, walk it, print the path; False when it is broken, or a limit has ended the flow."""
    content = _read(path, "FILE")
    checked = check_flow_file(content, file=str(path), name_key=path.stem, registry=registry, speech=speech)
    print_findings(checked.findings)
    if checked.flow is None:
        return False
    printer = _Printer()
    try:
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
    except KeyboardInterrupt:
        printer.end()
        typer.echo("stopped before the flow has ended", err=True)
        raise
    printer.end()
    _print_end(done)
    return printer.limit == ""


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidArgument(what, f"no way to read {path} ({error.strerror}); expected a JSON file") from None


class _Printer:
    """Prints a path to the terminal, but not all of one that goes on and on."""

    def __init__(self) -> None:
        self.limit = ""
        """The line about the limit that has ended the flow."""
        self._lines = 0

    def tell(self, text: str) -> None:
        self._lines += 1
        if self._lines <= MOST_LINES:
            typer.echo(text)

    def warn(self, event: str, fields: str) -> None:
        line = f"          ! {event}{': ' if fields else ''}{fields}"
        self.tell(line)
        if event.startswith(_LIMITS):
            self.limit = line

    def end(self) -> None:
        if self._lines > MOST_LINES:
            typer.echo(f"            ... and {self._lines - MOST_LINES} lines more")
            if self.limit:  # the reason for the end must not be cut off
                typer.echo(self.limit)


@contextmanager
def _told_warnings(printer: _Printer) -> Iterator[None]:
    """Within this context what the executor warns of is part of the path, at its place."""

    def tell(_logger: Any, method: str, event: MutableMapping[str, Any]) -> Any:
        if method in {"warning", "error", "exception", "critical"}:
            printer.warn(event["event"], ", ".join(f"{key}={event[key]}" for key in event if key not in _UNTOLD))
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


def _labels_of(content: bytes) -> list[str]:
    """Return the names that the file's author gave to its actions."""
    return [str(entry.get("id", "")) for entry in json.loads(content.decode("utf-8-sig"))["actions"]]


def _print_end(done: Simulated) -> None:
    how = done.ending.value
    time = "" if done.ending is Ending.WAITING else f" and {done.seconds:.1f} s"
    typer.echo(f"{how[0].upper()}{how[1:]} after {done.actions} actions{time}")
    own = {name: value for name, value in done.variables.items() if not name.startswith(SYSTEM_PREFIX)}
    for name, value in sorted({**done.changed, **own}.items()):
        if value:
            typer.echo(f"  {name} = {shorten(value)}")
