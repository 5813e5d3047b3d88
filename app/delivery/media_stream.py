"""`/v1.0/{calls,conferences}/{id}/media_stream`: the sound of a call or a conference over a WebSocket, both ways."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager

from aiohttp import WSCloseCode, WSMsgType, web

from app.call.conference import LiveConference
from app.call.live_call import LiveCall
from app.call.live_calls import LiveCalls
from app.call.media_stream import MediaStream, MediaStreams
from app.delivery.encapsulation import Encapsulation, make_encapsulation
from app.delivery.websocket_connection import CLIENT_LEFT, NO_PONG, SERVER_CLOSES, Ending
from app.domain.audio import Frame
from app.domain.transcribe import ReferenceType
from app.errors import CallAlreadyHangup, InvalidArgument, StateInvalid
from app.logs import get_log
from app.media.rtp_sender import RtpSender

log = get_log("media_stream")

MOST_UNSENT_FRAMES = 250
"""5 s of sound that a client did not take: then it is closed."""
MAX_MESSAGE_BYTES = 256 * 1024
PING_SECONDS = 20.0
CLOSE_SECONDS = 2.0

STREAM_ENDED = Ending(WSCloseCode.OK, "the call or conference has ended")
TOO_SLOW = Ending(WSCloseCode.POLICY_VIOLATION, "too slow: sound was not taken in time")
TEXT_FRAME = Ending(WSCloseCode.UNSUPPORTED_DATA, "only binary frames are understood")


class MediaStreamServer:
    """Serves media streams. `find_conference` returns a conference with its room open, None when there is none."""

    def __init__(
        self,
        streams: MediaStreams,
        live_calls: LiveCalls,
        find_conference: Callable[[str], Awaitable[LiveConference | None]],
    ) -> None:
        self._streams = streams
        self._live_calls = live_calls
        self._find_conference = find_conference
        self._closing = asyncio.Event()

    async def serve(self, request: web.Request, reference_type: ReferenceType, reference_id: str) -> web.StreamResponse:
        """Serve until either side ends.

        InvalidArgument (encapsulation, or no WebSocket request), CallAlreadyHangup, StateInvalid, Unavailable.
        """
        encapsulation = make_encapsulation(request.query.get("encapsulation", ""))
        socket = web.WebSocketResponse(
            compress=False, max_msg_size=MAX_MESSAGE_BYTES, heartbeat=PING_SECONDS, timeout=CLOSE_SECONDS
        )
        if not socket.can_prepare(request):
            raise InvalidArgument("request", "expected a WebSocket upgrade")
        outbox = _Outbox(asyncio.get_running_loop())
        ended = asyncio.Event()
        async with self._open(reference_type, reference_id, outbox.put, ended) as stream:
            await socket.prepare(request)
            log.info("media stream opened", reference_type=reference_type.value, reference_id=reference_id)
            ending = CLIENT_LEFT
            try:
                ending = await _live(socket, encapsulation, outbox, stream.sender, (ended, self._closing))
            finally:
                log.info(
                    "media stream closed", reason=ending.reason, taken=stream.sender.sent, lost=stream.sender.dropped
                )
        await _say_goodbye(request, socket, ending)
        return socket

    async def close(self) -> None:
        """End all streams; called when the server begins to close."""
        self._closing.set()

    @asynccontextmanager
    async def _open(
        self,
        reference_type: ReferenceType,
        reference_id: str,
        sink: Callable[[Sequence[Frame]], None],
        ended: asyncio.Event,
    ) -> AsyncIterator[MediaStream]:
        """Open the sound; `ended` is set when the call or conference ends, which waits until the sound is closed.

        Set too when the conference's room is lost (Asterisk was restarted).
        """
        closed = asyncio.Event()

        async def end() -> None:
            ended.set()
            await closed.wait()

        owner: LiveCall | LiveConference
        if reference_type is ReferenceType.CALL:
            owner = call = self._find_call(reference_id)
            opening = self._streams.open_call(call, sink)
        else:
            conference = await self._find_conference(reference_id)
            if conference is None:
                raise StateInvalid("the conference has ended")
            owner = conference
            opening = self._streams.open_conference(conference, sink)
        with owner.attach(end), ExitStack() as stack:
            stack.callback(closed.set)
            if isinstance(owner, LiveConference):
                # The conference goes on in another room then, but this stream would be silent for ever.
                lost = asyncio.ensure_future(owner.wait_room_ended())
                lost.add_done_callback(lambda _: ended.set())
                stack.callback(lost.cancel)
            async with opening as stream:
                yield stream

    def _find_call(self, call_id: str) -> LiveCall:
        call = self._live_calls.find(call_id)
        if call is None or call.is_gone:
            raise CallAlreadyHangup("the call has ended")
        if not call.is_answered:
            raise StateInvalid(f"the call is {call.record.status}; only a call that is progressing can be listened to")
        return call


class _Outbox:
    """Frames on their way from the media thread to the client."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._frames: deque[bytes] = deque()
        self._news = asyncio.Event()
        self.overrun = asyncio.Event()
        """Set when the client has not taken enough of them; they are dropped then."""

    def put(self, frames: Sequence[Frame]) -> None:
        """Take frames; on the media thread."""
        self._loop.call_soon_threadsafe(self._take, [frame.pcm for frame in frames])

    def _take(self, frames: list[bytes]) -> None:
        if len(self._frames) + len(frames) > MOST_UNSENT_FRAMES:
            self.overrun.set()
        else:
            self._frames.extend(frames)
            self._news.set()

    async def next(self) -> bytes:
        """Wait for the next frame."""
        while not self._frames:
            self._news.clear()
            await self._news.wait()
        return self._frames.popleft()


async def _live(
    socket: web.WebSocketResponse,
    encapsulation: Encapsulation,
    outbox: _Outbox,
    sender: RtpSender,
    ends: tuple[asyncio.Event, asyncio.Event],
) -> Ending:
    """Carry sound both ways until the client leaves or is too slow, or one of `ends` is set; why it ended."""
    stream_ended, server_closes = ends
    tasks = [
        asyncio.create_task(part)
        for part in (
            _read(socket, encapsulation, sender),
            _write(socket, encapsulation, outbox),
            _wait_for(stream_ended, STREAM_ENDED),
            _wait_for(outbox.overrun, TOO_SLOW),
            _wait_for(server_closes, SERVER_CLOSES),
        )
    ]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return next(task.result() for task in tasks if task in done)
    except ConnectionError:  # it went while something was being sent
        return CLIENT_LEFT
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _read(socket: web.WebSocketResponse, encapsulation: Encapsulation, sender: RtpSender) -> Ending:
    while True:
        message = await socket.receive()
        if message.type is WSMsgType.BINARY:
            pcm = encapsulation.unwrap(message.data)
            if pcm is None:
                return CLIENT_LEFT
            sender.push(pcm)
        elif message.type is WSMsgType.TEXT:
            return TEXT_FRAME
        elif message.type is WSMsgType.ERROR and isinstance(message.data, asyncio.TimeoutError):
            return NO_PONG
        else:
            return CLIENT_LEFT


async def _write(socket: web.WebSocketResponse, encapsulation: Encapsulation, outbox: _Outbox) -> Ending:
    while True:
        await socket.send_bytes(encapsulation.wrap(await outbox.next()))


async def _wait_for(event: asyncio.Event, ending: Ending) -> Ending:
    await event.wait()
    return ending


async def _say_goodbye(request: web.Request, socket: web.WebSocketResponse, ending: Ending) -> None:
    """Close with the reason; what the client does not take in time is thrown away with the connection."""
    transport = request.transport
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await socket.close(code=ending.code, message=ending.reason.encode(), drain=False)
    except TimeoutError:
        log.info("media stream client did not read its close", code=int(ending.code))
    finally:
        if transport is not None and transport.get_write_buffer_size():
            transport.abort()
