"""How late the event loop is: all control of calls goes through it."""

import asyncio
from typing import Final

from app.domain.histogram import LAG_BOUNDS, Histogram

EVERY_SECONDS: Final = 0.1
"""Ten wake-ups a second cost nothing that can be measured, and no stall of 100 ms stays unseen."""


class LoopLag:
    """Measures it while `run` runs."""

    def __init__(self) -> None:
        self.histogram = Histogram(LAG_BOUNDS)

    async def run(self) -> None:
        """Wake up again and again, and note by how much too late, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due_at = loop.time() + EVERY_SECONDS
            await asyncio.sleep(EVERY_SECONDS)
            self.histogram.observe(loop.time() - due_at)
