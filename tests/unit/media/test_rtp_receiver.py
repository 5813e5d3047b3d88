"""The receiver on real UDP: sources told apart, the first packet, faults that stay where they are, a clean end."""

import asyncio
import gc
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path

import pytest

from app.domain.audio import Frame
from app.errors import InvalidArgument, StateInvalid, Unavailable
from app.media.datagram_reader import BatchReader, DatagramReader, SingleReader, make_reader, source_key
from app.media.rtp_packet import RtpPacket, encode_packet
from app.media.rtp_receiver import RtpReceiver, open_rtp_receiver
from app.media.rtp_stream import NoPacketArrived

Make = Callable[..., RtpPacket]


class Sender:
    """A UDP socket in the place of one of Asterisk's RTP channels."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address: tuple[str, int] = self.socket.getsockname()

    def send(self, to: RtpReceiver, *datagrams: bytes | RtpPacket) -> None:
        for datagram in datagrams:
            content = encode_packet(datagram) if isinstance(datagram, RtpPacket) else datagram
            self.socket.sendto(content, to.address)


class Sink:
    """Keeps the frames, and lets the test wait for the n-th."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.threads: set[str] = set()
        self._arrived = threading.Condition()

    def __call__(self, frames: Sequence[Frame]) -> None:
        with self._arrived:
            self.frames += frames
            self.threads.add(threading.current_thread().name)
            self._arrived.notify_all()

    async def wait(self, count: int) -> None:
        def block() -> None:
            with self._arrived:
                assert self._arrived.wait_for(lambda: len(self.frames) >= count, timeout=10)

        await asyncio.to_thread(block)

    @property
    def numbers(self) -> list[int | None]:
        return [None if frame.is_concealed else int.from_bytes(frame.pcm[1::-1]) for frame in self.frames]


@pytest.fixture
def make_sender() -> Iterator[Callable[[], Sender]]:
    senders: list[Sender] = []

    def make() -> Sender:
        senders.append(Sender())
        return senders[-1]

    yield make
    for sender in senders:
        sender.socket.close()


@pytest.fixture
async def receiver() -> AsyncIterator[RtpReceiver]:
    async with open_rtp_receiver("127.0.0.1", 0) as opened:
        yield opened


async def test_two_streams_are_told_apart_by_their_source(
    receiver: RtpReceiver, make_sender: Callable[[], Sender], make_packet: Make
) -> None:
    one, two, stranger = make_sender(), make_sender(), make_sender()
    first, second = Sink(), Sink()
    stream = receiver.listen(one.address, first)
    receiver.listen(two.address, second)
    for number in range(20):
        one.send(receiver, make_packet(number))
        two.send(receiver, make_packet(1000 + number, ssrc=1))
        stranger.send(receiver, make_packet(2000 + number), b"")
    await first.wait(20)
    await second.wait(20)
    await stream.close()  # the strangers came before this was handled

    assert first.numbers == list(range(20))
    assert second.numbers == list(range(1000, 1020))
    assert first.threads == {"rtp-receiver"}
    assert receiver.counts.strangers == 40
    assert receiver.counts.datagrams == 80


async def test_loss_reorder_duplicates_and_rubbish(
    receiver: RtpReceiver, make_sender: Callable[[], Sender], make_packet: Make
) -> None:
    sender, sink = make_sender(), Sink()
    stream = receiver.listen(sender.address, sink)
    sender.send(receiver, b"rubbish", *(make_packet(number) for number in (0, 1, 3, 2, 2, 4, 6)), b"\x80\x0a")
    await sink.wait(7)  # the lost one is given up by the thread's own clock

    assert sink.numbers == [0, 1, 2, 3, 4, None, 6]
    counts = stream.counts
    assert (counts.reordered, counts.duplicate, counts.lost, counts.malformed) == (1, 1, 1, 2)
    assert counts.last_packet_at is not None


async def test_all_streams_are_counted_together_also_after_their_end(
    make_sender: Callable[[], Sender], make_packet: Make, receiver: RtpReceiver
) -> None:
    for number in (1, 2):
        sender, sink = make_sender(), Sink()
        stream = receiver.listen(sender.address, sink)
        assert receiver.open_streams == 1
        sender.send(receiver, make_packet(0), make_packet(2))
        await sink.wait(3)  # the missing one is given up by the thread's own clock
        assert receiver.held_packets == 0
        await stream.close()
        counts = receiver.stream_counts
        assert (counts.received, counts.lost, receiver.open_streams) == (2 * number, number, 0)


async def test_a_new_sender_behind_the_same_address_goes_on(
    receiver: RtpReceiver, make_sender: Callable[[], Sender], make_packet: Make
) -> None:
    sender, sink = make_sender(), Sink()
    stream = receiver.listen(sender.address, sink)
    sender.send(receiver, make_packet(0), make_packet(1), make_packet(2, ssrc=9, first=500, origin=10**6))
    await sink.wait(3)

    assert sink.numbers == [0, 1, 2]
    assert stream.counts.ssrc_changes == 1


async def test_close_flushes_and_is_the_end(
    receiver: RtpReceiver, make_sender: Callable[[], Sender], make_packet: Make
) -> None:
    sender, sink = make_sender(), Sink()
    stream = receiver.listen(sender.address, sink)
    sender.send(receiver, make_packet(0), make_packet(2))
    while stream.counts.received < 2:
        await asyncio.sleep(0)
    await stream.close()
    assert sink.numbers == [0, None, 2]

    sender.send(receiver, make_packet(3))
    again = Sink()
    second = receiver.listen(sender.address, again)  # its address is free
    sender.send(receiver, make_packet(4))
    await again.wait(1)
    await asyncio.gather(second.close(), second.close(), stream.close())

    assert sink.numbers == [0, None, 2]
    assert again.numbers[-1] == 4


async def test_waits_for_the_first_packet_with_sound(
    receiver: RtpReceiver, make_sender: Callable[[], Sender], make_packet: Make
) -> None:
    sender, called = make_sender(), asyncio.Event()
    stream = receiver.listen(sender.address, Sink(), on_first_packet=called.set)
    sender.send(receiver, b"rubbish", make_packet(0)._replace(payload_type=101))
    with pytest.raises(NoPacketArrived, match=rf"127.0.0.1:{sender.address[1]} within 0.05 s; expected"):
        await stream.wait_first_packet(0.05)
    assert not called.is_set()

    sender.send(receiver, make_packet(1))
    await stream.wait_first_packet(10)

    assert called.is_set()


async def test_a_sink_that_raises_loses_its_stream_alone(
    receiver: RtpReceiver, make_sender: Callable[[], Sender], make_packet: Make
) -> None:
    bad, good = make_sender(), make_sender()
    failures: asyncio.Queue[Exception] = asyncio.Queue()
    calls = 0

    def break_down(frames: Sequence[Frame]) -> None:
        nonlocal calls
        calls += 1
        raise ZeroDivisionError("the sink's fault")

    failed = receiver.listen(bad.address, break_down, on_failure=failures.put_nowait)
    sink = Sink()
    stream = receiver.listen(good.address, sink)
    for number in range(3):
        bad.send(receiver, make_packet(number))
        good.send(receiver, make_packet(number))
        await sink.wait(number + 1)

    assert isinstance(await failures.get(), ZeroDivisionError)
    assert (failed.is_failed, stream.is_failed) == (True, False)
    assert calls == 1
    await failed.close()
    assert failures.empty()


async def test_refuses_what_cannot_be_listened_to(receiver: RtpReceiver) -> None:
    receiver.listen(("127.0.0.1", 4000), Sink())
    with pytest.raises(StateInvalid, match="already has a listener"):
        receiver.listen(("127.0.0.1", 4000), Sink())
    with pytest.raises(InvalidArgument, match="'localhost' is not an IPv4 address; expected"):
        receiver.listen(("localhost", 4000), Sink())
    with pytest.raises(InvalidArgument, match="0 is not a UDP port; expected"):
        receiver.listen(("127.0.0.1", 0), Sink())


async def test_a_taken_port_is_unavailable(receiver: RtpReceiver) -> None:
    host, port = receiver.address
    with pytest.raises(Unavailable, match=f"cannot receive RTP on {host}:{port}: "):
        async with open_rtp_receiver(host, port):
            pass


async def test_nothing_is_left_after_the_end(make_sender: Callable[[], Sender], make_packet: Make) -> None:
    gc.collect()
    threads, files = set(threading.enumerate()), set(Path("/proc/self/fd").iterdir())
    sink = Sink()
    ticks = asyncio.Event()
    async with open_rtp_receiver("127.0.0.1", 0) as receiver:
        sender = Sender()
        stream = receiver.listen(sender.address, sink, on_first_packet=ticks.set)
        sender.send(receiver, make_packet(0), make_packet(2))
        await ticks.wait()
        while stream.counts.received < 2:
            await asyncio.sleep(0)
        sender.socket.close()

    assert sink.numbers == [0, None, 2]
    await stream.close()  # after the receiver: already ended
    with pytest.raises(StateInvalid, match="closed"):
        receiver.listen(("127.0.0.1", 4000), sink)
    assert set(threading.enumerate()) == threads
    assert set(Path("/proc/self/fd").iterdir()) == files


async def test_a_fault_of_the_thread_fails_the_streams(
    make_sender: Callable[[], Sender], make_packet: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures: asyncio.Queue[Exception] = asyncio.Queue()
    sender = make_sender()

    def break_down(_: BatchReader) -> list[tuple[int, bytes]]:
        raise ZeroDivisionError("our fault")

    monkeypatch.setattr(BatchReader, "read", break_down)
    async with open_rtp_receiver("127.0.0.1", 0) as receiver:
        stream = receiver.listen(sender.address, Sink(), on_failure=failures.put_nowait)
        sender.send(receiver, make_packet(0))
        assert isinstance(await failures.get(), ZeroDivisionError)
        assert stream.is_failed
        await stream.close()


async def test_socket_errors_are_counted_and_survived(
    make_sender: Callable[[], Sender], make_packet: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, sender, sink = BatchReader.read, make_sender(), Sink()
    faults = [OSError("no buffer space")]

    def stumble(reader: BatchReader) -> list[tuple[int, bytes]]:
        if faults:
            raise faults.pop()
        return read(reader)

    monkeypatch.setattr(BatchReader, "read", stumble)
    async with open_rtp_receiver("127.0.0.1", 0) as receiver:
        receiver.listen(sender.address, sink)
        sender.send(receiver, make_packet(0))
        await sink.wait(1)
        assert receiver.counts.socket_errors == 1


@pytest.mark.parametrize("reader_type", [BatchReader, SingleReader])
def test_readers_report_source_and_content(
    reader_type: Callable[[socket.socket], DatagramReader], make_sender: Callable[[], Sender]
) -> None:
    one, two = make_sender(), make_sender()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiving:
        receiving.bind(("127.0.0.1", 0))
        receiving.setblocking(False)
        reader = reader_type(receiving)
        assert reader.read() == []
        expected = []
        for number in range(100):
            sender = (one, two)[number % 2]
            content = bytes([number]) * number
            sender.socket.sendto(content, receiving.getsockname())
            expected.append((source_key(*sender.address), content))

        assert reader.read() + reader.read() == expected
        assert reader.read() == []


def test_this_system_reads_in_batches() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiving:
        assert isinstance(make_reader(receiving), BatchReader)
