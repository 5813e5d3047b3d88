"""A Python program as a user runs it: a process of its own, its lines as they come."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

WAIT_SECONDS = 30.0


@dataclass
class Program:
    """A running program: what it has printed, and what it has printed as complaints."""

    process: asyncio.subprocess.Process
    printed: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait_until(self, condition: Callable[["Program"], bool], what: str) -> None:
        """Wait until that is true, looked at after each line."""
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while not condition(self):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"{what}: not in time; {self.printed}, {self.complaints}") from None

    async def read(self, stream: asyncio.StreamReader, lines: list[str]) -> None:
        """Collect the lines of one of its outputs."""
        async for line in stream:
            lines.append(line.decode().rstrip("\n"))
            self._news.set()


@asynccontextmanager
async def open_program(*command: str | Path, **environment: str) -> AsyncIterator[Program]:
    """Run `python COMMAND...`; it is ended by SIGINT, as by Ctrl-C."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-u",
        *command,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | environment,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    program = Program(process)
    reading = asyncio.gather(
        program.read(process.stdout, program.printed), program.read(process.stderr, program.complaints)
    )
    try:
        yield program
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        await process.wait()
        await reading
