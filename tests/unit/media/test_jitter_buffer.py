"""Order, loss, lateness, wrap, new senders and jumps: whatever comes, the time line has no gap and no overlap."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.media.jitter_buffer import HELD_PACKETS, MAX_SILENCE_SAMPLES, WAIT_SECONDS, Chunk, JitterBuffer
from app.media.rtp_packet import RtpPacket
from app.media.stream_counts import StreamCounts

Make = Callable[..., RtpPacket]


class Line:
    """A buffer, what it released, and a check that the time line is without gap and overlap."""

    def __init__(self) -> None:
        self.counts = StreamCounts()
        self.buffer = JitterBuffer(self.counts)
        self.chunks: list[Chunk] = []

    def push(self, packet: RtpPacket, arrived_at: float = 0.0) -> None:
        self.add(self.buffer.push(packet, packet.payload, arrived_at))

    def add(self, chunks: list[Chunk]) -> None:
        for chunk in chunks:
            assert chunk.position == self.samples
            self.chunks.append(chunk)

    @property
    def samples(self) -> int:
        return sum(len(chunk.pcm) // 2 for chunk in self.chunks)

    @property
    def numbers(self) -> list[int | None]:
        """The number of every packet that was released, None for silence in place of one or more."""
        return [None if chunk.arrived_at is None else int.from_bytes(chunk.pcm[:2]) for chunk in self.chunks]


@pytest.fixture
def line() -> Line:
    return Line()


def test_releases_at_once_while_nothing_is_missing(line: Line, make_packet: Make) -> None:
    for number in range(5):
        line.push(make_packet(number))
        assert line.numbers == list(range(number + 1))
    assert line.buffer.deadline is None
    assert line.counts == StreamCounts()


def test_waits_for_a_missing_packet_and_uses_it(line: Line, make_packet: Make) -> None:
    line.push(make_packet(0), 0.0)
    line.push(make_packet(2), 0.04)
    assert line.numbers == [0]
    assert line.buffer.deadline == pytest.approx(0.04 + WAIT_SECONDS)

    line.push(make_packet(1), 0.05)

    assert line.numbers == [0, 1, 2]
    assert line.buffer.deadline is None
    assert (line.counts.reordered, line.counts.lost) == (1, 0)


def test_conceals_a_packet_that_does_not_come_in_time(line: Line, make_packet: Make) -> None:
    line.push(make_packet(0), 0.0)
    line.push(make_packet(2), 0.04)
    line.add(line.buffer.expire(0.09))
    assert line.numbers == [0]

    line.add(line.buffer.expire(0.1))

    assert line.numbers == [0, None, 2]
    assert line.chunks[1].pcm == bytes(320)
    assert (line.counts.lost, line.counts.concealed_samples) == (1, 160)


def test_each_hole_has_its_own_deadline(line: Line, make_packet: Make) -> None:
    line.push(make_packet(0), 0.0)
    line.push(make_packet(2), 0.04)
    line.push(make_packet(4), 0.08)
    line.add(line.buffer.expire(0.1))
    assert line.numbers == [0, None, 2]
    assert line.buffer.deadline == pytest.approx(0.14)

    line.add(line.buffer.expire(0.14))

    assert line.numbers == [0, None, 2, None, 4]


def test_late_and_duplicate_packets_are_told_apart_and_dropped(line: Line, make_packet: Make) -> None:
    for number in (0, 2, 2):  # the second 2 while the first waits
        line.push(make_packet(number))
    line.add(line.buffer.expire(1.0))
    for number in (1, 2, 0):
        line.push(make_packet(number), 1.0)

    assert line.numbers == [0, None, 2]
    assert (line.counts.late, line.counts.duplicate, line.counts.lost) == (1, 3, 1)


def test_holds_a_bounded_number_of_packets(line: Line, make_packet: Make) -> None:
    line.push(make_packet(0))
    for number in range(2, 2 + HELD_PACKETS):
        line.push(make_packet(number))
    assert line.numbers == [0]

    line.push(make_packet(2 + HELD_PACKETS))

    assert line.numbers == [0, None, *range(2, 3 + HELD_PACKETS)]


def test_sequence_and_timestamp_wrap(line: Line, make_packet: Make) -> None:
    for number in (0, 1, 2, 4, 3, 5, 7, 8):
        line.push(make_packet(number, first=65533, origin=2**32 - 400))
    line.add(line.buffer.flush())

    assert line.numbers == [0, 1, 2, 3, 4, 5, None, 7, 8]
    assert line.counts.resyncs == 0


def test_silence_suppression_is_filled_by_timestamp(line: Line, make_packet: Make) -> None:
    line.push(make_packet(0))
    line.push(make_packet(1)._replace(timestamp=160 * 51))  # the sequence goes on: nothing is lost

    assert line.samples == 160 * 52
    assert line.counts.lost == 0


def test_a_jump_that_is_no_whole_number_of_packets_keeps_frames_aligned(line: Line, make_packet: Make) -> None:
    line.push(make_packet(0))
    line.push(make_packet(1)._replace(timestamp=16032))
    line.push(make_packet(2)._replace(timestamp=16192))

    assert [chunk.position % 160 for chunk in line.chunks] == [0, 0, 0, 0]
    assert line.samples == pytest.approx(16192 + 160, abs=80)


def test_a_stamp_that_jitters_is_no_hole(line: Line, make_packet: Make) -> None:
    for number, jitter in enumerate((0, 8, -8, 40, 0)):
        line.push(make_packet(number, origin=1000)._replace(timestamp=1000 + 160 * number + jitter))

    assert line.samples == 5 * 160
    assert line.counts.concealed_samples == 0


@pytest.mark.parametrize("jump", [8000 * 3600, -8000, 2**31, -160, MAX_SILENCE_SAMPLES + 161])
def test_a_wild_timestamp_jump_makes_no_silence_of_its_length(line: Line, make_packet: Make, jump: int) -> None:
    line.push(make_packet(0), 0.0)
    line.push(make_packet(1, origin=jump), 0.02)
    line.push(make_packet(2, origin=jump), 0.04)

    assert line.numbers == [0, 1, 2]
    assert [chunk.is_resync for chunk in line.chunks] == [False, True, False]
    assert line.counts.resyncs == 1


def test_an_hour_without_packets_makes_a_bounded_silence(line: Line, make_packet: Make) -> None:
    line.push(make_packet(0), 0.0)
    line.push(make_packet(1, origin=8000 * 3600), 3600.0)

    assert line.numbers == [0, None, 1]
    assert line.samples == 2 * 160 + MAX_SILENCE_SAMPLES


def test_a_new_ssrc_goes_on_by_arrival_time(line: Line, make_packet: Make) -> None:
    line.push(make_packet(0), 0.0)
    line.push(make_packet(2), 0.04)  # waits; the change lets it go
    line.push(make_packet(0, ssrc=2, first=777, origin=10**9), 1.06)
    line.push(make_packet(3), 1.07)  # a straggler of the old sender
    line.push(make_packet(1, ssrc=2, first=777, origin=10**9), 1.08)

    assert line.numbers == [0, None, 2, None, 0, 1]
    assert line.samples == 160 * 3 + 8000 + 160 * 2
    assert (line.counts.ssrc_changes, line.counts.resyncs, line.counts.late) == (1, 1, 1)


def test_a_far_sequence_is_believed_when_two_packets_make_it(line: Line, make_packet: Make) -> None:
    line.push(make_packet(0))
    line.push(make_packet(0, first=30000))
    line.push(make_packet(1))
    assert line.numbers == [0, 1]

    line.push(make_packet(5, first=40000))
    line.push(make_packet(6, first=40000))

    assert line.numbers == [0, 1, 5, 6]
    assert line.counts.resyncs == 1


def test_packets_without_sound_keep_their_place_in_the_sequence(line: Line, make_packet: Make) -> None:
    line.push(make_packet(0))
    line.push(make_packet(1)._replace(payload=b"", timestamp=0))
    line.push(make_packet(2)._replace(timestamp=160))

    assert line.numbers == [0, 2]
    assert line.samples == 320
    assert line.counts.lost == 0


@settings(max_examples=200, deadline=None)
@given(
    count=st.integers(2, 120),
    samples=st.sampled_from([80, 160, 240, 480]),
    first=st.integers(0, 65535),
    origin=st.integers(0, 2**32 - 1),
    loss=st.sets(st.integers(1, 118)),
    seed=st.integers(0, 1000),
)
def test_any_order_within_the_window_comes_out_in_order(
    count: int, samples: int, first: int, origin: int, loss: set[int], seed: int
) -> None:
    def make(number: int) -> RtpPacket:
        return RtpPacket(
            10, (first + number) % 2**16, (origin + number * samples) % 2**32, 1, False, number.to_bytes(2) * samples
        )

    order = random.Random(seed)
    # The first packet comes first: before it there is no time line. No packet moves by more than half the window.
    kept = [number for number in range(1, count) if number not in loss or number == count - 1]
    kept.sort(key=lambda number: number + order.uniform(0, HELD_PACKETS / 2 - 1))
    line = Line()
    line.push(make(0))
    for number in kept:
        line.push(make(number))
        if order.random() < 0.1:
            line.push(make(number))  # a second copy
    line.add(line.buffer.flush())

    got = [number for number in line.numbers if number is not None]
    assert got == sorted(set(got))
    assert line.samples == count * samples
    assert len(got) + line.counts.lost == count
    assert line.counts.lost * samples == line.counts.concealed_samples
    for chunk in line.chunks:
        if chunk.arrived_at is not None:
            assert chunk.position == int.from_bytes(chunk.pcm[:2]) * samples


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 65535),
            st.integers(0, 2**32 - 1),
            st.integers(1, 2),
            st.integers(0, 200),
            st.floats(0, 0.2),
        ),
        max_size=60,
    )
)
def test_any_packets_make_a_time_line_without_gaps(packets: list[tuple[int, int, int, int, float]]) -> None:
    line = Line()
    now = 0.0
    for sequence, timestamp, ssrc, samples, pause in packets:
        now += pause
        line.push(RtpPacket(10, sequence, timestamp, ssrc, False, bytes(2 * samples)), now)
        line.add(line.buffer.expire(now))
        assert (line.buffer.deadline is None) or line.buffer.deadline > now
    line.add(line.buffer.flush())
    assert line.buffer.deadline is None
    assert line.samples <= len(packets) * (200 + MAX_SILENCE_SAMPLES + 160)
