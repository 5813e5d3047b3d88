"""How objects in Asterisk are let go: to the end, also when we are cancelled, and without ever failing the owner."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from app.ari.ari import Ari
from app.ari.errors import AriDisconnected, AriRefused, AriTimeout
from app.ari.operation import Operation
from app.errors import LegGone
from app.logs import get_log

log = get_log("release")

RELEASE_TIMEOUT_SECONDS = 3.0

T = TypeVar("T")


async def finish(coroutine: Coroutine[Any, Any, T]) -> T:
    """Await `coroutine` to its end even when the awaiting task is cancelled meanwhile; cancel that task then."""
    task = asyncio.ensure_future(coroutine)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait((task,))
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    return task.result()


async def release(
    ari: Ari,
    operation: Operation,
    ids: Mapping[str, str],
    query: Mapping[str, str] = {},
    *,
    timeout_seconds: float = RELEASE_TIMEOUT_SECONDS,
) -> bool:
    """Delete an object; True when it is gone (404 = it already was). Otherwise it is left to the sweep. Never fails."""
    try:
        await operation.send(ari, ids, query, timeout_seconds=timeout_seconds)
    except AriRefused as error:
        if error.status != 404:
            log.warning("an object was not released, left to the sweep", cause=error.message, **ids)
            return False
    except AriTimeout as error:
        log.warning("an object was not released, left to the sweep", cause=error.message, **ids)
        return False
    except AriDisconnected:
        log.debug("no connection to release an object, left to the sweep", **ids)
        return False
    return True


@asynccontextmanager
async def owned(
    ari: Ari,
    object_id: str,
    acquire: Awaitable[object],
    operation: Operation,
    ids: Mapping[str, str],
    *,
    unless: Callable[[], bool] = lambda: False,
) -> AsyncIterator[object]:
    """Await `acquire`, yield its reply, and release with `operation` at the end, whatever ends it.

    An acquisition that timed out or was cancelled may have happened all the same, so it is released too; one that
    Asterisk refused made nothing. `unless` tells at the end that the object has gone by itself.
    """
    with ari.hold(object_id):
        try:
            reply = await acquire
        except (AriRefused, LegGone):
            raise
        except BaseException:
            await finish(release(ari, operation, ids))
            raise
        try:
            yield reply
        finally:
            if not unless():
                await finish(release(ari, operation, ids))
