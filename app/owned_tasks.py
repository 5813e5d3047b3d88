"""The tasks that a register starts: owned while it runs, refused before and after."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from app.errors import Unavailable

T = TypeVar("T")


class OwnedTasks:
    """One task group for the life of its owner. `refusal` tells who comes too late why nothing is started."""

    def __init__(self, refusal: str) -> None:
        self._refusal = refusal
        self._group: asyncio.TaskGroup | None = None

    @property
    def is_open(self) -> bool:
        """Whether a task can be started now."""
        return self._group is not None

    def require_open(self) -> None:
        """Unavailable, with the refusal, where nothing can be started now."""
        if self._group is None:
            raise Unavailable(self._refusal)

    def start(self, work: Coroutine[Any, Any, T], name: str) -> "asyncio.Task[T]":
        """Start a task that ends with the owner at the latest; Unavailable where that cannot be now."""
        if self._group is None:
            work.close()
            raise Unavailable(self._refusal)
        return self._group.create_task(work, name=name)

    @asynccontextmanager
    async def open(self, conclude: Callable[[], Awaitable[None]] | None = None) -> AsyncIterator[None]:
        """Within this context tasks can be started. A cancel ends it: `conclude` is awaited, then the tasks end too."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                yield
            finally:
                self._group = None
                if conclude is not None:
                    await conclude()

    async def run(self, conclude: Callable[[], Awaitable[None]] | None = None) -> None:
        """Own the tasks until cancelled, as `open` does; cancel only when nothing that they serve lives."""
        async with self.open(conclude):
            await asyncio.get_running_loop().create_future()
