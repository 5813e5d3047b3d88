"""A database operation that has begun is finished: a cancel in its middle would leave a connection behind."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def uninterrupted(operation: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Make the coroutine function go on to its end when its caller is cancelled; the cancel is raised after that.

    A party that hangs up cancels its flow at any moment, also while a step is being stored: SQLite's driver then
    keeps the connection's thread, and SQLAlchemy a suspended greenlet.
    """

    @wraps(operation)
    async def finish(*args: P.args, **kwargs: P.kwargs) -> T:
        task = asyncio.ensure_future(operation(*args, **kwargs))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait({task})
            if not task.cancelled():
                task.exception()  # retrieved: the caller went away, nobody else asks for it
            raise

    return finish
