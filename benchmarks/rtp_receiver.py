"""What receiving RTP costs, and how long it holds a packet: our receiver against one asyncio socket per stream.

    .venv/bin/python -m benchmarks.rtp_receiver --streams 1,60,200 [--seconds 5] [--busy]

A process of its own sends 50 packets of slin a second and stream, each with the time of its sending inside.
`--busy` adds a thread that computes in pure Python, as the event loop of a busy server does.
"""

import argparse
import asyncio
import logging
import multiprocessing
import socket
import statistics
import threading
import time
import timeit
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from multiprocessing.connection import Connection
from unittest import mock

import uvloop

from app.domain.audio import Frame
from app.logs import configure_logs
from app.media.datagram_reader import DatagramReader, SingleReader, make_reader
from app.media.depacketizer import Depacketizer
from app.media.g711 import decode_alaw, decode_ulaw
from app.media.linear16 import decode_linear16
from app.media.rtp_packet import RtpPacket, encode_packet
from app.media.rtp_receiver import open_rtp_receiver
from app.media.rtp_stream import FrameSink

FRAME_SECONDS = 0.02
Sources = list[tuple[str, int]]
Opener = Callable[[Sources, FrameSink], AbstractAsyncContextManager[Sources]]
"""Opens a way of receiving from these sources; gives the address that each of them has to send to."""


def send_streams(link: "Connection[object, object]", streams: int) -> None:
    """Send until told to stop: every stream once in 20 ms, the streams spread evenly over them."""
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(streams)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    link.send([one.getsockname() for one in sockets])
    targets = link.recv()
    assert isinstance(targets, list)
    rest = bytes(312)
    begin = time.monotonic()
    sent = 0
    while not link.poll():
        due = int((time.monotonic() - begin) / FRAME_SECONDS * streams)
        for number in range(sent, due):
            turn, stream = divmod(number, streams)
            payload = time.monotonic_ns().to_bytes(8) + rest
            packet = RtpPacket(10, turn & 0xFFFF, turn * 160 & 0xFFFFFFFF, stream + 1, False, payload)
            sockets[stream].sendto(encode_packet(packet), targets[stream])
        sent = max(sent, due)
        time.sleep(min(0.001, FRAME_SECONDS / streams))
    link.send(sent)
    for one in sockets:
        one.close()


def one_socket(rest_ms: int, reader: Callable[[socket.socket], DatagramReader] = make_reader) -> Opener:
    """Our receiver with this rest and reader."""

    @asynccontextmanager
    async def open_it(sources: Sources, sink: FrameSink) -> AsyncIterator[Sources]:
        with mock.patch("app.media.rtp_receiver.make_reader", reader):
            async with open_rtp_receiver("127.0.0.1", 0, rest_ms=rest_ms) as receiver:
                streams = [receiver.listen(source, sink) for source in sources]
                yield [receiver.address] * len(sources)
                for stream in streams:
                    await stream.close()

    return open_it


class OneStream(asyncio.DatagramProtocol):
    """The usual way: a protocol per stream, on the event loop."""

    def __init__(self, sink: FrameSink) -> None:
        self.sink = sink
        self.depacketizer = Depacketizer()

    def datagram_received(self, data: bytes, _: object) -> None:
        """Do at once what the receiver's thread does in batches."""
        self.depacketizer.accept(data, time.monotonic())
        self.sink(self.depacketizer.take_frames())


@asynccontextmanager
async def socket_per_stream(sources: Sources, sink: FrameSink) -> AsyncIterator[Sources]:
    """One asyncio DatagramProtocol per stream."""
    loop = asyncio.get_running_loop()
    transports = []
    for _ in sources:
        transport, _ = await loop.create_datagram_endpoint(lambda: OneStream(sink), local_addr=("127.0.0.1", 0))
        transports.append(transport)
    yield [transport.get_extra_info("sockname") for transport in transports]
    for transport in transports:
        transport.close()


def read_delays(now: int, stamps: list[bytes]) -> Iterator[int]:
    """Return how long ago each frame was sent, in nanoseconds; the decoder has swapped the stamp's bytes in pairs."""
    for swapped in stamps:
        stamp = bytearray(swapped)
        stamp[::2], stamp[1::2] = stamp[1::2], stamp[::2]
        yield now - int.from_bytes(stamp)


async def measure(open_it: Opener, streams: int, seconds: float) -> str:
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=send_streams, args=(theirs, streams))
    process.start()
    theirs.close()
    sources = await asyncio.to_thread(ours.recv)
    arrivals: list[tuple[int, list[bytes]]] = []

    def sink(frames: Sequence[Frame]) -> None:
        # Little is kept: new memory for whole frames would cost more than the receiver does.
        arrivals.append((time.monotonic_ns(), [frame.pcm[:8] for frame in frames]))

    async with open_it(sources, sink) as targets:
        ours.send(targets)
        await asyncio.sleep(0.5)
        before_cpu, before_time = time.process_time(), time.monotonic()
        first = len(arrivals)
        await asyncio.sleep(seconds)
        cpu, elapsed = time.process_time() - before_cpu, time.monotonic() - before_time
        last = len(arrivals)
        ours.send("stop")
        sent = await asyncio.to_thread(ours.recv)
        await asyncio.sleep(0.1)
    process.join()
    assert isinstance(sent, int)
    delays = [delay for now, stamps in arrivals[first:last] for delay in read_delays(now, stamps)]
    received = sum(len(stamps) for _, stamps in arrivals)
    centiles = statistics.quantiles(delays, n=100)
    return (
        f"{1000 * cpu / elapsed / streams:8.3f} {centiles[49] / 1e6:8.2f} {centiles[94] / 1e6:8.2f} "
        f"{100 * (1 - received / sent):8.2f}"
    )


@contextmanager
def busy_thread(is_wanted: bool) -> Iterator[None]:
    is_over = threading.Event()

    def compute() -> None:
        number = 0
        while not is_over.is_set():
            for _ in range(10_000):
                number += 1

    thread = threading.Thread(target=compute)
    if is_wanted:
        thread.start()
    try:
        yield
    finally:
        is_over.set()
        if is_wanted:
            thread.join()


def print_decoders() -> None:
    print("decoding one 20 ms frame:")
    for name, decode, payload in (
        ("slin", decode_linear16, bytes(range(160)) * 2),
        ("ulaw", decode_ulaw, bytes(range(160))),
        ("alaw", decode_alaw, bytes(range(160))),
    ):
        best = min(timeit.repeat(lambda d=decode, p=payload: d(p), number=20_000, repeat=5)) / 20_000  # type: ignore[misc]
        print(f"  {name} {1e6 * best:.2f} us")


def main() -> None:
    configure_logs(level=logging.WARNING)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", default="1,60,200")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--busy", action="store_true")
    options = parser.parse_args()
    print_decoders()
    variants: list[tuple[str, Opener, Callable[[], asyncio.AbstractEventLoop]]] = [
        ("one socket, rest 0 ms", one_socket(0), uvloop.new_event_loop),
        ("one socket, rest 5 ms", one_socket(5), uvloop.new_event_loop),
        ("one socket, rest 10 ms", one_socket(10), uvloop.new_event_loop),
        ("one socket, recvfrom, rest 10", one_socket(10, SingleReader), uvloop.new_event_loop),
        ("asyncio socket per stream", socket_per_stream, asyncio.new_event_loop),
        ("uvloop socket per stream", socket_per_stream, uvloop.new_event_loop),
    ]
    print(f"{'':30} streams cpu ms per stream-second, delay ms p50, p95, lost %")
    for name, open_it, loop_factory in variants:
        for streams in [int(text) for text in options.streams.split(",")]:
            with busy_thread(options.busy), asyncio.Runner(loop_factory=loop_factory) as runner:
                print(f"{name:30} {streams:7} {runner.run(measure(open_it, streams, options.seconds))}", flush=True)


if __name__ == "__main__":
    main()
