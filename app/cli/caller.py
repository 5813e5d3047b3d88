"""Placing a SIP call from a program of its own, and following what becomes of it."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from app.errors import CallscribeError


class CallerFailed(CallscribeError):
    """The SIP caller could not do its work; the message is its own."""

    code = "CALLER_FAILED"


@dataclass(frozen=True, slots=True)
class CallerEvent:
    """One thing that happened to the call: `name` (calling, ringing, answered, saying, said, hanging_up, ended), `at`
    on the machine's monotonic clock, and for `ended` the SIP `status` and `reason`."""

    name: str
    at: float
    status: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CallPlan:
    """What the caller does: whom it calls, what it says, how long it stays after the last word, in seconds."""

    uri: str
    say: Path | None = None
    hear: Path | None = None
    user: str = "caller"
    codec: str = "pcmu"
    delay_seconds: float = 0.0
    stay_seconds: float = 1.0
    max_seconds: float = 3600.0

    @property
    def arguments(self) -> list[str]:
        """The command line of the caller's program."""
        words = ["--uri", self.uri, "--user", self.user, "--codec", self.codec, "--delay", str(self.delay_seconds)]
        words += ["--stay", str(self.stay_seconds), "--max-seconds", str(self.max_seconds)]
        if self.say:
            words += ["--say", str(self.say)]
        if self.hear:
            words += ["--hear", str(self.hear)]
        return words


@dataclass(slots=True)
class Caller:
    """A running caller: an async iterator of its events."""

    process: asyncio.subprocess.Process
    events: list[CallerEvent] = field(default_factory=list)

    async def __aiter__(self) -> AsyncIterator[CallerEvent]:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            fields = json.loads(line)
            event = CallerEvent(fields["event"], fields["at"], fields.get("status", 0), fields.get("reason", ""))
            self.events.append(event)
            yield event

    async def finish(self) -> list[CallerEvent]:
        """Wait for the call's end; all its events. CallerFailed on wrong use, e.g. a WAV file that cannot be read."""
        async for _ in self:
            pass
        assert self.process.stderr is not None
        complaint = (await self.process.stderr.read()).decode(errors="replace").strip()
        if await self.process.wait() == 2:
            raise CallerFailed(complaint or "the SIP caller could not start")
        return self.events

    def time_of(self, name: str) -> float:
        """When the event of that name happened (monotonic seconds); CallerFailed when it has not."""
        for event in self.events:
            if event.name == name:
                return event.at
        raise CallerFailed(f"the call was never {name}")


@asynccontextmanager
async def open_caller(plan: CallPlan) -> AsyncIterator[Caller]:
    """Place the call; on leaving, a call that still lives is hung up."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "app.cli.sip_caller",
        *plan.arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        # A terminal's Ctrl-C goes to whoever started us; we hang up in order.
        start_new_session=True,
    )
    try:
        yield Caller(process)
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), 8)
            except TimeoutError:
                process.kill()
                await process.wait()
