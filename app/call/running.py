"""Work beside what a context does: it ends with the context, and how it ended is nobody's concern."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from app.media.rtp_sender import RtpSender


@asynccontextmanager
async def running(work: Coroutine[Any, Any, None], name: str | None = None) -> AsyncIterator[None]:
    """Run `work` as long as the context lasts; a leg that is gone ends it quietly: the leg's owner hears of that."""
    task = asyncio.create_task(work, name=name)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def open_sender(send: Callable[[bytes], object]) -> AsyncIterator[RtpSender]:
    """Open a sender of RTP that runs as long as the context lasts; `send` takes its datagrams."""
    sender = RtpSender(send)
    async with running(sender.run()):
        yield sender
