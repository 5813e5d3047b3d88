"""The connection to Asterisk that lasts: it reconnects, hands events to watches, new calls to arrivals, and asks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from functools import partial

import aiohttp

from app.ari.arrivals import Arrivals
from app.ari.backoff import Backoff
from app.ari.errors import AriDisconnected, AriRefused
from app.ari.event_socket import EventSocket, open_event_socket
from app.ari.events import ApplicationReplaced, AriEvent, Disconnected, Reconnected, StasisStart
from app.ari.operation import FILTER_EVENTS, HANG_UP, REQUEST_TIMEOUT_SECONDS
from app.ari.watch import DEFAULT_LIMIT, Switchboard, Watch
from app.domain.histogram import LAG_BOUNDS, Histogram
from app.domain.ids import ASTERISK_PREFIX
from app.errors import CallscribeError
from app.logs import get_log

log = get_log("ari")

CONNECT_TIMEOUT_SECONDS = 10.0
HEARTBEAT_SECONDS = 8.0
RECONNECT_BACKOFF = Backoff()
UNWANTED_EVENTS = ("ChannelVarset", "ChannelDialplan")
"""A good part of all events of a call, of no use to us: Asterisk is told not to send them (ADR 0016)."""

FAR_HALF = ";2"
"""How the id of a Local channel's other half ends, behind the id that we chose: it comes in like a call."""

CONGESTION = 42
"""Q.850 cause for a call that is turned away because too many wait."""

Hook = Callable[[], Awaitable[None]]
Connect = Callable[[], AbstractAsyncContextManager[EventSocket]]


class Ari:
    """What `open_ari` yields. On the event loop of its opener only."""

    def __init__(self, application: str) -> None:
        self.application = application
        self._arriving: dict[str, Watch] = {}
        self.arrivals = Arrivals()
        """New calls. Its iteration raises AriDisconnected when another client takes our application over."""
        self.is_replaced = False
        """Whether another client took our application over: we stand down and do not reconnect."""
        self.event_lag = Histogram(LAG_BOUNDS)
        """From an event's timestamp, Asterisk's clock, to the moment at which it is handed on here."""
        self.request_times = Histogram()
        """How long requests took that Asterisk answered, also with a refusal."""
        self._switchboard = Switchboard()
        self._socket: EventSocket | None = None
        self._hooks: list[Hook] = []
        self._hooks_lock = asyncio.Lock()
        self._replaced_hooks: list[Callable[[], None]] = []
        self._held: dict[str, int] = {}
        self._errands: set[asyncio.Task[None]] = set()
        self._why_not = "it was never made"

    @property
    def is_connected(self) -> bool:
        """Whether requests can be sent now."""
        return self._socket is not None

    async def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] = {},
        body: Mapping[str, object] | None = None,
        *,
        timeout_seconds: float = REQUEST_TIMEOUT_SECONDS,
    ) -> object:
        """Send one REST request (`path` as in Swagger, `/channels/ID`, its parts escaped); return the parsed answer.

        Raises AriRefused with Asterisk's status, AriTimeout (it may still be done later) and AriDisconnected: at
        once when there is no connection or when it is lost while waiting.
        """
        if self._socket is None:
            raise AriDisconnected(f"there is no connection to Asterisk: {self._why_not}", method=method, path=path)
        begun = time.monotonic()
        try:
            answer = await self._socket.request(method, path, query, body, timeout_seconds)
        except AriRefused:
            self.request_times.observe(time.monotonic() - begun)
            raise
        self.request_times.observe(time.monotonic() - begun)
        return answer

    def give_up(self) -> None:
        """Let no request wait any longer for an Asterisk that does not answer: at the end of the program."""
        if self._socket is not None:
            self._socket.give_up("the connection to Asterisk was given up: it does not answer")

    @property
    def watches(self) -> int:
        """How many watches are open."""
        return len(self._switchboard)

    def watch(self, *ids: str, limit: int = DEFAULT_LIMIT) -> Watch:
        """Watch these channel, bridge, playback ids or recording names from now on: `with ari.watch(id) as watch:`."""
        return self._switchboard.add(ids, limit)

    def claim(self, channel_id: str) -> Watch:
        """Return the watch of a new call, open since its arrival: a hang-up before anybody looked is in it."""
        return self._arriving.pop(channel_id, None) or self.watch(channel_id)

    def is_watched(self, watched_id: str) -> bool:
        """Whether anybody watches this id."""
        return self._switchboard.is_watched(watched_id)

    @contextmanager
    def hold(self, object_id: str) -> Iterator[None]:
        """Mark an object in Asterisk as owned while this is open, so that the sweep leaves it alone."""
        self._held[object_id] = self._held.get(object_id, 0) + 1
        try:
            yield
        finally:
            self._held[object_id] -= 1
            if not self._held[object_id]:
                del self._held[object_id]

    def holds(self, object_id: str) -> bool:
        """Whether an `open_...` of this program owns the object."""
        return object_id in self._held

    async def on_connected(self, hook: Hook) -> None:
        """Call `hook` after every (re)connect, before new calls are let through; at once when connected now.

        Hooks run one after the other, in the order of registration. After a reconnect, one that fails with a
        CallscribeError ends the connection, which is then made again; any other error ends this Ari.
        """
        async with self._hooks_lock:
            self._hooks.append(hook)
            if self.is_connected:
                await hook()

    def on_replaced(self, hook: Callable[[], None]) -> None:
        """Call `hook` once when another client takes our application over."""
        self._replaced_hooks.append(hook)

    async def keep_connected(
        self, connect: Connect, backoff: Backoff, on_attempt: Callable[[CallscribeError | None], None]
    ) -> None:
        """Connect, serve, connect again, until replaced or cancelled; `on_attempt` is told how each attempt went."""
        loop = asyncio.get_running_loop()
        delays = backoff.delays()
        try:
            while True:
                began_at = loop.time()
                try:
                    async with connect() as socket:
                        await self._serve(socket, on_attempt)
                except (AriDisconnected, AriRefused) as error:
                    self._why_not = error.message
                    on_attempt(error)
                    log.warning("cannot connect to Asterisk", cause=error.message)
                if self.is_replaced:
                    break
                if loop.time() - began_at > backoff.limit_seconds:  # one that ends at once again must not spin
                    delays = backoff.delays()
                await asyncio.sleep(next(delays))
        except Exception as error:
            self._end(error)
            raise
        except asyncio.CancelledError:
            self._why_not = "it was closed"
            self._end(None)
            raise
        self._end(AriDisconnected(self._why_not))

    async def _serve(self, socket: EventSocket, on_attempt: Callable[[CallscribeError | None], None]) -> None:
        """Use one connection until it ends."""
        self._socket = socket
        self.arrivals.hold()
        self._complain(self._switchboard.deliver_to_all(Reconnected()))
        log.info("connected to Asterisk", application=self.application)
        reading = asyncio.create_task(socket.read(self._take), name="ari read")
        reconciling = asyncio.create_task(self._reconcile(), name="ari reconcile")
        on_attempt(None)
        self._why_not = "it was closed"
        try:
            await asyncio.wait((reading, reconciling), return_when=asyncio.FIRST_COMPLETED)
            if reconciling.done() and (problem := reconciling.result()):
                self._why_not = problem
            else:
                self._why_not = await reading
        finally:
            self._socket = None
            if self.is_replaced:
                self._why_not = f"another client took the application {self.application} over"
            unread_calls = self.arrivals.forget()
            for watch in self._arriving.values():
                watch.close()
            self._arriving.clear()
            self._complain(self._switchboard.deliver_to_all(Disconnected()))
            log.info("connection to Asterisk ended", cause=self._why_not, unread_calls=unread_calls)
            reading.cancel()
            reconciling.cancel()
            await asyncio.wait((reading, reconciling))

    async def _reconcile(self) -> str:
        """Run the hooks, then let new calls through; return what went wrong, empty when nothing did."""
        try:
            async with self._hooks_lock:
                disallowed = [{"type": name} for name in UNWANTED_EVENTS]
                await FILTER_EVENTS.send(self, {"applicationName": self.application}, body={"disallowed": disallowed})
                for hook in self._hooks:
                    await hook()
        except CallscribeError as error:
            return f"reconciling failed: {error.message}"
        self.arrivals.release()
        return ""

    def _take(self, event: AriEvent) -> None:
        """Bring one event to whom it concerns; called by the socket, in order, never waits."""
        if event.timestamp is not None:
            self.event_lag.observe(time.time() - event.timestamp.timestamp())
        if isinstance(event, ApplicationReplaced):
            self._stand_down()
            return
        wanting, overrun = self._switchboard.deliver(event)
        self._complain(overrun)
        if wanting or not isinstance(event, StasisStart):
            return
        if event.channel.id.startswith(ASTERISK_PREFIX) and not event.channel.id.endswith(FAR_HALF):
            log.debug("a channel of ours without an owner came, left to the sweep", channel=event.channel.id)
        elif self.arrivals.offer(event):
            self._arriving[event.channel.id] = self.watch(event.channel.id)
        else:
            log.error("too many new calls wait, one is turned away", channel=event.channel.id)
            self._run(self._turn_away(event.channel.id))

    async def _turn_away(self, channel_id: str) -> None:
        try:
            await HANG_UP.send(self, {"channelId": channel_id}, {"reason_code": str(CONGESTION)})
        except CallscribeError as error:
            log.warning("a call could not be turned away", channel=channel_id, cause=error.message)

    def _stand_down(self) -> None:
        if self.is_replaced:
            return
        self.is_replaced = True
        log.error("another client took our application over, standing down", application=self.application)
        if self._socket is not None:
            self._run(self._socket.close())
        for hook in self._replaced_hooks:
            hook()

    def _run(self, errand: Awaitable[None]) -> None:
        task = asyncio.ensure_future(errand)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    async def settle(self) -> None:
        """Stop the small errands under way, on closing."""
        for task in tuple(self._errands):
            task.cancel()
            await asyncio.wait((task,))

    def _end(self, error: Exception | None) -> None:
        self.arrivals.end(error)
        self._switchboard.end(AriDisconnected(f"the connection to Asterisk ended: {error or self._why_not}"))

    @staticmethod
    def _complain(overrun: list[Watch]) -> None:
        for watch in overrun:
            log.error("a watch was not read, its later events are lost", ids=watch.ids)


@asynccontextmanager
async def open_ari(
    url: str,
    user: str,
    password: str,
    application: str = "callscribe",
    *,
    connect_timeout_seconds: float = CONNECT_TIMEOUT_SECONDS,
    heartbeat_seconds: float = HEARTBEAT_SECONDS,
    backoff: Backoff = RECONNECT_BACKOFF,
) -> AsyncIterator[Ari]:
    """Connect to Asterisk's ARI at `url` (`http://host:8088`) and stay connected while this is open.

    Raises AriDisconnected when the first connection is not there after `connect_timeout_seconds` (with the cause of
    the last attempt), and at once when user or password are wrong.
    """
    ari = Ari(application)
    first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    last_error: CallscribeError | None = None

    def on_attempt(error: CallscribeError | None) -> None:
        nonlocal last_error
        last_error = error
        if not first.done() and (error is None or isinstance(error, AriRefused)):
            first.set_result(None)

    async with aiohttp.ClientSession() as session:
        connect = partial(
            open_event_socket, session, url, user, password, application,
            heartbeat_seconds=heartbeat_seconds, timeout_seconds=connect_timeout_seconds,
        )  # fmt: skip
        keeping = asyncio.create_task(ari.keep_connected(connect, backoff, on_attempt), name="ari connection")
        try:
            await asyncio.wait((first, keeping), timeout=connect_timeout_seconds, return_when=asyncio.FIRST_COMPLETED)
            if keeping.done():
                keeping.result()
            if not first.done() or last_error is not None:
                cause = last_error.message if last_error else f"{url} did not answer in {connect_timeout_seconds} s"
                raise AriDisconnected(cause, url=url) from last_error
            yield ari
        finally:
            keeping.cancel()
            await asyncio.wait((keeping,))
            await ari.settle()
        if not keeping.cancelled():
            keeping.result()
