"""All RTP of this machine: one UDP socket, one thread, streams told apart by the address that Asterisk sends from.

The thread sleeps until a packet comes, takes everything that waits, gives each stream's frames to its sink, and then
rests REST_MS: with few calls a packet waits for nothing, with many calls one wake-up serves all that came meanwhile
(docs/adr/0011-rtp-receiver.md has the measurements).
"""

import asyncio
import ipaddress
import select
import socket
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from app.errors import InvalidArgument, StateInvalid, Unavailable
from app.logs import get_log
from app.media.datagram_reader import BATCH_DATAGRAMS, make_reader, source_key
from app.media.rtp_stream import FrameSink, RtpStream
from app.media.stream_counts import ReceiverCounts, StreamCounts, sum_counts

log = get_log("media")

REST_MS = 5
_TICK_MS = 10
RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024
_ENOUGH_BUFFER_BYTES = 1024 * 1024
_BATCHES_PER_DRAIN = 32  # then the other duties have their turn, whatever floods the socket
_SO_RCVBUFFORCE = 33  # <asm-generic/socket.h> of Linux; the socket module has no name for it


class RtpReceiver:
    """Made by `open_rtp_receiver`. `address` is the IPv4 address and port that Asterisk must send to."""

    def __init__(self, receiving: socket.socket, loop: asyncio.AbstractEventLoop, *, rest_ms: int = REST_MS) -> None:
        host, port = receiving.getsockname()
        self.address: tuple[str, int] = (host, port)
        self._receiving = receiving
        self._loop = loop
        self._rest_ms = rest_ms
        self._reader = make_reader(receiving)
        self._counts = ReceiverCounts()
        self._streams: dict[int, RtpStream] = {}
        self._waiting: set[RtpStream] = set()  # media thread only: streams with a packet missing
        self._last: list[RtpStream] = []  # those that are being ended
        self._past = StreamCounts()
        self._lock = threading.Lock()  # guards _ending, _last, _past, _is_stopping, _is_ended, the writing of _streams
        self._ending: deque[RtpStream] = deque()
        self._is_stopping = False
        self._is_ended = False
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._ended = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="rtp-receiver")

    @property
    def counts(self) -> ReceiverCounts:
        """A copy of what happened so far."""
        return replace(self._counts)

    @property
    def stream_counts(self) -> StreamCounts:
        """What happened on all streams together, those that have ended too; any thread."""
        with self._lock:
            return sum_counts([self._past, *(stream.counts for stream in (*self._streams.values(), *self._last))])

    @property
    def open_streams(self) -> int:
        """How many streams are listened to."""
        return len(self._streams)

    @property
    def held_packets(self) -> int:
        """How many packets wait for missing ones, of all streams; any thread."""
        with self._lock:
            return sum(stream.held_packets for stream in self._streams.values())

    def listen(
        self,
        source: tuple[str, int],
        sink: FrameSink,
        on_first_packet: Callable[[], None] | None = None,
        on_failure: Callable[[Exception], None] | None = None,
    ) -> RtpStream:
        """Take the packets that come from exactly this IPv4 address and port; may be called on any thread.

        `sink` is called on the media thread; `on_first_packet` and `on_failure` on the event loop. InvalidArgument
        for an address that is none, StateInvalid when the source has a listener or the receiver is closed.
        """
        key = _checked_key(source)
        stream = RtpStream(
            source,
            sink,
            call_on_loop=self._call_on_loop,
            request_end=self._request_end,
            on_first_packet=on_first_packet,
            on_failure=on_failure,
        )
        with self._lock:
            if self._is_stopping:
                raise StateInvalid("the RTP receiver is closed, expected it to be open to listen")
            if key in self._streams:
                raise StateInvalid(f"source {source[0]}:{source[1]} already has a listener, expected a new source")
            self._streams[key] = stream
        return stream

    def send(self, datagram: bytes, destination: tuple[str, int]) -> bool:
        """Send a datagram from `address`; False when the system would not take it now, as UDP may. Any thread."""
        with suppress(OSError):
            return self._receiving.sendto(datagram, destination) == len(datagram)
        return False

    def start(self) -> None:
        """Begin to receive; `open_rtp_receiver` does this."""
        self._thread.start()

    async def stop(self) -> None:
        """End all streams, the thread and the socket; `open_rtp_receiver` does this."""
        with self._lock:
            self._is_stopping = True
        self._wake()
        try:
            await self._ended.wait()
        finally:
            self._thread.join()  # to have ended is the last thing that it says
            for one in (self._receiving, self._wake_in, self._wake_out):
                one.close()

    def _request_end(self, stream: RtpStream) -> bool:
        """Have the media thread end `stream`; False when it has ended all streams already."""
        with self._lock:
            if self._is_ended:
                return False
            self._ending.append(stream)
        self._wake()
        return True

    def _wake(self) -> None:
        with suppress(BlockingIOError):  # full of wake-ups is as good as one
            self._wake_in.send(b"\0")

    def _call_on_loop(self, callback: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody is left to be told
            self._loop.call_soon_threadsafe(callback)

    # The rest runs on the media thread.

    def _run(self) -> None:
        try:
            self._receive()
        except Exception as error:  # isolation boundary: a fault here ends the media, not the program
            log.error("rtp receiver failed", exc_info=error)
            for stream in tuple(self._streams.values()):
                stream.fail(error)
        finally:
            with self._lock:
                self._is_stopping = self._is_ended = True
            for stream in (*self._streams.values(), *self._ending):
                stream.end()
            self._streams.clear()
            self._call_on_loop(self._ended.set)

    def _receive(self) -> None:
        arrivals = select.poll()
        arrivals.register(self._receiving, select.POLLIN)
        arrivals.register(self._wake_out, select.POLLIN)
        orders = select.poll()
        orders.register(self._wake_out, select.POLLIN)
        while not self._is_stopping:
            arrivals.poll(_TICK_MS if self._waiting else None)
            self._drain()
            # After the drain: what waited in the socket while we were held up is not missing.
            now = time.monotonic()
            for stream in tuple(self._waiting):
                stream.expire(now)
                if stream.deadline is None:
                    self._waiting.discard(stream)
            self._end_streams()
            orders.poll(self._rest_ms)

    def _drain(self) -> None:
        """Take all datagrams that wait, then hand each stream's frames to its sink."""
        counts = self._counts
        streams = self._streams
        counts.drains += 1
        touched: set[RtpStream] = set()
        for _ in range(_BATCHES_PER_DRAIN):
            try:
                batch = self._reader.read()
            except OSError:
                counts.socket_errors += 1
                break
            if not batch:
                break
            arrived_at = time.monotonic()
            counts.datagrams += len(batch)
            for key, datagram in batch:
                stream = streams.get(key)
                if stream is None:
                    counts.strangers += 1
                else:
                    stream.take(datagram, arrived_at)
                    touched.add(stream)
            if len(batch) < BATCH_DATAGRAMS:
                break
        for stream in touched:
            stream.deliver()
            if stream.deadline is not None:
                self._waiting.add(stream)

    def _end_streams(self) -> None:
        with suppress(BlockingIOError):
            self._wake_out.recv(4096)
        while self._ending:
            stream = self._ending.popleft()
            with self._lock:
                self._streams.pop(source_key(*stream.source), None)
                self._last.append(stream)
            self._waiting.discard(stream)
            stream.end()
            with self._lock:
                self._last.remove(stream)
                self._past = sum_counts([self._past, stream.counts])


@asynccontextmanager
async def open_rtp_receiver(host: str, port: int, *, rest_ms: int = REST_MS) -> AsyncIterator[RtpReceiver]:
    """Open the socket on `host` (IPv4) and `port` (0 = any free one) and receive until the context ends.

    Unavailable when the address cannot be had.
    """
    receiving = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        size = _raise_receive_buffer(receiving)
        try:
            receiving.bind((host, port))
        except OSError as error:
            raise Unavailable(f"cannot receive RTP on {host}:{port}: {error.strerror or error}") from error
        receiver = RtpReceiver(receiving, asyncio.get_running_loop(), rest_ms=rest_ms)
    except BaseException:
        receiving.close()
        raise
    receiver.start()
    log.info("rtp receiver opened", address=receiver.address, receive_buffer_bytes=size)
    try:
        yield receiver
    finally:
        await receiver.stop()
        counts = receiver.counts
        log.info("rtp receiver closed", datagrams=counts.datagrams, strangers=counts.strangers)


def _raise_receive_buffer(receiving: socket.socket) -> int:
    """Ask for RECEIVE_BUFFER_BYTES, past the system's limit where we may; return what the kernel gave, in bytes."""
    receiving.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
    with suppress(OSError):  # needs CAP_NET_ADMIN
        receiving.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, RECEIVE_BUFFER_BYTES)
    size = receiving.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    if size < _ENOUGH_BUFFER_BYTES:
        log.warning(
            "rtp socket buffer is small: packets may be lost with many calls; raise the sysctl net.core.rmem_max",
            receive_buffer_bytes=size,
            expected_bytes=_ENOUGH_BUFFER_BYTES,
        )
    return size


def _checked_key(source: tuple[str, int]) -> int:
    ip, port = source
    try:
        ipaddress.IPv4Address(ip)
    except ValueError:
        raise InvalidArgument("source", f"{ip!r} is not an IPv4 address; expected one such as 127.0.0.1") from None
    if not 0 < port < 65536:
        raise InvalidArgument("source", f"{port} is not a UDP port; expected 1 to 65535")
    return source_key(ip, port)
