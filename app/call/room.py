"""The room of a conference: a mixing bridge in Asterisk that is there while somebody needs it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from app.ari.ari import Ari
from app.ari.bridge import Bridge, open_bridge
from app.ari.errors import AriTimeout
from app.ari.events import BridgeDestroyed, ChannelLeftBridge, Reconnected
from app.ari.watch import Watch
from app.errors import CallscribeError, StateInvalid, Unavailable
from app.logs import get_log

log = get_log("conference")

IDLE_SECONDS = 10.0
LOOK_SECONDS = 5.0

Start = Callable[[Coroutine[Any, Any, None], str], "asyncio.Task[None] | None"]
"""Runs something as a task that is owned above, under a name; None (and nothing runs) when the program is ending."""


class Room:
    """Opens its bridge when it is asked for, and gives it up once nobody needed it for IDLE_SECONDS.

    A bridge that is lost (Asterisk was restarted) is made anew when it is asked for again. `on_left` hears of channels
    that left the bridge, None = all, because it is gone.
    """

    def __init__(
        self,
        ari: Ari,
        bridge_id: str,
        start: Start,
        *,
        is_needed: Callable[[], bool],
        on_left: Callable[[str | None], None],
        on_end: Callable[[], None],
    ) -> None:
        self._ari = ari
        self._bridge_id = bridge_id
        self._start = start
        self._is_needed = is_needed
        self._on_left = on_left
        self._on_end = on_end
        self._turn = asyncio.Lock()
        self._keeping: asyncio.Task[None] | None = None
        self._opened: asyncio.Future[Bridge] | None = None
        self._used_at = 0.0
        self._is_ending = False
        self._is_closed = False

    @property
    def is_open(self) -> bool:
        """Whether the bridge is there or being made."""
        return self._keeping is not None and not self._is_ending

    def touch(self) -> None:
        """Note that it is used now."""
        self._used_at = asyncio.get_running_loop().time()

    async def open(self) -> Bridge:
        """Return the bridge; AriError when it cannot be made, StateInvalid after `close`."""
        async with self._turn:
            if self._is_closed:
                raise StateInvalid("the conference has ended")
            self.touch()
            if not self.is_open or self._opened is None:
                await self._wait_ended()
                self._opened = asyncio.get_running_loop().create_future()
                self._is_ending = False
                self._keeping = self._start(self._keep(self._opened), f"room {self._bridge_id}")
                if self._keeping is None:
                    raise Unavailable("the program is ending: no room is opened")
            return await asyncio.shield(self._opened)

    async def wait_ended(self) -> None:
        """Return when the bridge that is there now is gone; at once where there is none."""
        if self._keeping is not None:
            await asyncio.wait({self._keeping})

    async def close(self) -> None:
        """Give the bridge up for good; returns when it is destroyed."""
        self._is_closed = True
        if self._keeping is not None:
            self._keeping.cancel()
            await self._wait_ended()

    async def _wait_ended(self) -> None:
        """Wait for the bridge before: two of the same id would destroy each other."""
        await self.wait_ended()
        self._keeping = None

    async def _keep(self, opened: "asyncio.Future[Bridge]") -> None:
        try:
            async with open_bridge(self._ari, self._bridge_id) as bridge:
                with self._ari.watch(bridge.id) as watch:
                    opened.set_result(bridge)
                    try:
                        await self._follow(bridge, watch)
                    finally:
                        self._is_ending = True
                        self._on_left(None)
        except CallscribeError as error:
            if opened.done():
                log.warning("the room of a conference was lost", reason=error.message)
            else:
                opened.set_exception(error)
                opened.exception()  # seen: who asked may have hung up meanwhile
        finally:
            self._is_ending = True
            opened.cancel()
            self._on_end()

    async def _follow(self, bridge: Bridge, watch: Watch) -> None:
        """Return when the bridge is not needed any more, or gone."""
        clock = asyncio.get_running_loop().time
        while True:
            try:
                event = await watch.next(LOOK_SECONDS)
            except AriTimeout:
                if not self._is_needed() and clock() - self._used_at >= IDLE_SECONDS:
                    return
                continue
            if isinstance(event, ChannelLeftBridge):
                self._on_left(event.channel.id)
            elif isinstance(event, BridgeDestroyed) or (isinstance(event, Reconnected) and not await bridge.exists()):
                log.warning("the bridge of a conference is gone", bridge=self._bridge_id)
                return
