"""The flow library: the flows of a folder, kept up to date while the program runs.

An edit counts for the next call. A broken file is refused, and its last good version stays in force. The same number
in two files is an error that names both, and the flow that had it before keeps it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from watchfiles import awatch

from app.domain.flow import Flow
from app.domain.timestamps import now
from app.flow.action_registry import ActionRegistry
from app.flow.checker import CheckedFlow, check_flow_file
from app.flow.definition import ANY_NUMBER
from app.flow.finding import Finding, name_value
from app.flow.flow_folder import FlowFolderMissing, read_flow_folder
from app.flow.number_claims import settle_claims
from app.flow.speech_facts import SpeechFacts
from app.logs import get_log

log = get_log("flow")

_MICROSECOND = timedelta(microseconds=1)
RESCAN_MS = 2000
"""How often the folder is read without a notice, for file systems that give none."""


@dataclass(frozen=True, slots=True)
class _Read:
    content: bytes | OSError
    checked: CheckedFlow


@dataclass(frozen=True, slots=True)
class LoadTimes:
    """When a flow was first put in force since the start, no two flows at the same moment, and when it last changed."""

    first: datetime
    last: datetime


class FlowLibrary:
    """The flows in force. `load` reads the folder; everything else only looks at what was read."""

    def __init__(self, folder: Path, registry: ActionRegistry, speech: SpeechFacts | None = None) -> None:
        self._folder = folder
        self._registry = registry
        self._speech = speech
        self._reads: dict[str, _Read] = {}
        self._in_force: dict[str, Flow] = {}
        self._by_number: dict[str, Flow] = {}
        self._times: dict[str, LoadTimes] = {}
        self._findings: tuple[Finding, ...] = ()
        self._changed = asyncio.Event()

    @property
    def flows(self) -> tuple[Flow, ...]:
        """The flows in force, by file name."""
        return tuple(self._in_force.values())

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong in the folder now, in all files: what refuses a file, and warnings."""
        return self._findings

    def find(self, number: str) -> Flow | None:
        """Return the flow that answers `number`, else that of "*"; None when no flow does.

        The number is compared as it was dialled: digits, E.164 with its + or a SIP user part, all characters.
        """
        return self._by_number.get(number) or self._by_number.get(ANY_NUMBER)

    def find_by_id(self, flow_id: str) -> Flow | None:
        """Return the flow in force with this id."""
        return next((flow for flow in self._in_force.values() if flow.id == flow_id), None)

    def find_exactly(self, number: str) -> Flow | None:
        """Return the flow whose `numbers` have this very number."""
        return self._by_number.get(number) if number != ANY_NUMBER else None

    def times_of(self, name_key: str) -> LoadTimes:
        """Return when the flow of this file was loaded; KeyError when it never was."""
        return self._times[name_key]

    async def wait_change(self) -> None:
        """Return after the next load that changed a flow or a finding."""
        await self._changed.wait()

    async def load(self, *, is_missing_kept: bool = False) -> frozenset[str]:
        """Read the folder and put its flows in force; return the names of the files that were there and are not now.

        With `is_missing_kept` those stay in force: an editor that saves by renaming takes a file away for a moment.
        FlowFolderMissing when the folder cannot be read; what is in force stays then.
        """
        before = self._reads
        reads = await asyncio.to_thread(self._read, before)
        missing = frozenset(before) - frozenset(reads)
        if is_missing_kept:
            reads |= {name: before[name] for name in missing}
        self._reads = dict(sorted(reads.items()))
        newest = {name: read.checked.flow or self._in_force.get(name) for name, read in self._reads.items()}
        in_force, clashes = settle_claims(newest, self._in_force)
        findings = [finding for read in self._reads.values() for finding in read.checked.findings]
        findings += [self._describe_clash(*clash) for clash in clashes]
        self._put_in_force(in_force, tuple(findings))
        return missing

    async def check_again(self) -> None:
        """Check all files once more: what the check stands on (speech models) has changed."""
        self._reads = {}
        await self.load()

    def _read(self, before: Mapping[str, _Read]) -> dict[str, _Read]:
        reads: dict[str, _Read] = {}
        for name, content in read_flow_folder(self._folder).items():
            known = before.get(name)
            if known is not None and known.content == content:
                reads[name] = known
            else:
                reads[name] = _Read(content, self._check(name, content))
        return reads

    def _check(self, name: str, content: bytes | OSError) -> CheckedFlow:
        file = str(self._folder / f"{name}.json")
        if isinstance(content, OSError):
            return CheckedFlow(
                None, (Finding("$", f"no way to read it ({content.strerror})", "a readable file", file),)
            )
        return check_flow_file(content, file=file, name_key=name, registry=self._registry, speech=self._speech)

    def _describe_clash(self, name: str, number: str, keeper: str) -> Finding:
        read = self._reads[name]
        flow = read.checked.flow
        place = flow.numbers.index(number) if flow is not None and number in flow.numbers else 0
        return Finding(
            f"$.numbers[{place}]",
            name_value(number),
            f"a number that no other flow has; this one is also in {self._folder / f'{keeper}.json'}",
            str(self._folder / f"{name}.json"),
        )

    def _put_in_force(self, in_force: dict[str, Flow], findings: tuple[Finding, ...]) -> None:
        if in_force == self._in_force and findings == self._findings:
            return
        for name in sorted(self._in_force.keys() - in_force.keys()):
            log.info("flow removed", flow=name)
        for name, flow in in_force.items():
            if self._in_force.get(name) != flow:
                log.info("flow loaded", flow=name, actions=len(flow.actions), numbers=len(flow.numbers))
                self._note_time(name)
        for finding in findings:
            if finding in self._findings:
                continue
            tell, what = (log.error, "flow file refused") if finding.is_error else (log.warning, "flow file is weak")
            tell(what, file=finding.file, path=finding.path, expected=finding.expected)
        self._in_force = in_force
        self._by_number = {number: flow for flow in in_force.values() for number in flow.numbers}
        self._findings = findings
        self._changed.set()
        self._changed.clear()

    def _note_time(self, name: str) -> None:
        moment = now()
        if (known := self._times.get(name)) is None:
            while any(times.first == moment for times in self._times.values()):
                moment += _MICROSECOND  # pages end at it
        self._times[name] = LoadTimes(known.first if known else moment, moment)


@asynccontextmanager
async def open_flow_library(
    folder: Path,
    registry: ActionRegistry,
    *,
    speech: SpeechFacts | None = None,
    grace_seconds: float = 0.5,
    rescan_ms: int = RESCAN_MS,
) -> AsyncIterator[FlowLibrary]:
    """Load the flows of `folder` and yield the library, which follows the folder until the end.

    A file that is gone stays in force for `grace_seconds`. FlowFolderMissing when the folder cannot be read at first.
    """
    library = FlowLibrary(folder, registry, speech)
    await library.load()
    follower = _Follower(library, grace_seconds)
    watching = asyncio.create_task(follower.follow(folder, rescan_ms), name="flow library")
    try:
        yield library
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


class _Follower:
    """Loads the library again whenever its folder may have changed."""

    def __init__(self, library: FlowLibrary, grace_seconds: float) -> None:
        self._library = library
        self._grace_seconds = grace_seconds
        self._is_folder_missing = False

    async def follow(self, folder: Path, rescan_ms: int) -> None:
        """Go by the file system's notices; without them, read the folder now and then."""
        notices = awatch(
            folder,
            watch_filter=None,
            step=50,
            debounce=400,
            rust_timeout=rescan_ms,
            yield_on_timeout=True,
            recursive=False,
        )
        try:
            async for _ in notices:
                await self._load()
        except (OSError, RuntimeError) as error:
            # No inotify watch to be had (its limit is per user), or the folder itself was taken away.
            log.warning("no notices from the flow folder, reading it now and then", error=str(error))
        while True:
            await asyncio.sleep(rescan_ms / 1000)
            await self._load()

    async def _load(self) -> None:
        try:
            if await self._library.load(is_missing_kept=True):
                await asyncio.sleep(self._grace_seconds)
                await self._library.load()
            self._is_folder_missing = False
        except FlowFolderMissing as error:
            if not self._is_folder_missing:
                log.error("flow folder cannot be read, its flows stay in force", error=error.message)
            self._is_folder_missing = True
        except Exception:
            log.exception("flow folder could not be loaded")
