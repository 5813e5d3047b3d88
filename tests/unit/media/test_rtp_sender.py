"""Pacing without a clock: what is sent when, with which sequence numbers and timestamps."""

import pytest

from app.domain.audio import FRAME_BYTES, FRAME_SAMPLES
from app.media.linear16 import decode_linear16
from app.media.rtp_packet import RtpPacket, parse_packet
from app.media.rtp_sender import PAYLOAD_SLIN, RtpSender, SoundQueue


def frames(count: int, first: int = 1) -> bytes:
    """Frames that differ: each is full of its number."""
    return b"".join(bytes([first + number, 0]) * FRAME_SAMPLES for number in range(count))


class Sent:
    """A sender and what it sent."""

    def __init__(self) -> None:
        self.packets: list[RtpPacket] = []
        self.sender = RtpSender(lambda datagram: self.packets.append(parse_packet(datagram)))

    def steps(self, *moments: float) -> list[int]:
        """How many packets were sent at each moment."""
        counts = []
        for moment in moments:
            before = len(self.packets)
            self.sender.step(moment)
            counts.append(len(self.packets) - before)
        return counts


def test_packets_are_what_asterisk_reads() -> None:
    sent = Sent()
    sent.sender.push(frames(2))
    sent.steps(10.0, 10.02)
    first, second = sent.packets
    assert (first.payload_type, len(first.payload)) == (PAYLOAD_SLIN, FRAME_BYTES)
    assert decode_linear16(first.payload) + decode_linear16(second.payload) == frames(2)
    assert first.is_marked
    assert not second.is_marked
    assert first.ssrc == second.ssrc


def test_one_frame_every_20_ms_whatever_comes_at_once() -> None:
    sent = Sent()
    sent.sender.push(frames(6))
    assert sent.steps(10.0, 10.01, 10.0200001, 10.03, 10.0400001, 10.1) == [1, 0, 1, 0, 1, 3]
    sequences = [packet.sequence for packet in sent.packets]
    stamps = [packet.timestamp for packet in sent.packets]
    assert [(each - sequences[0]) % 2**16 for each in sequences] == list(range(6))
    assert [(each - stamps[0]) % 2**32 for each in stamps] == [FRAME_SAMPLES * number for number in range(6)]


def test_the_schedule_does_not_drift() -> None:
    sent = Sent()
    sent.sender.push(frames(100))
    late = [10.0 + number * 0.02 + 0.007 for number in range(101)]
    sent.steps(10.0, *late)
    assert len(sent.packets) == 100


def test_the_timestamp_goes_on_through_a_pause() -> None:
    sent = Sent()
    sent.sender.push(frames(1))
    assert sent.steps(10.0, 10.0200001, 11.0) == [1, 0, 0]
    sent.sender.push(frames(1))
    assert sent.steps(11.02) == [1]
    before, after = sent.packets
    assert after.is_marked
    assert (after.sequence - before.sequence) % 2**16 == 1
    assert (after.timestamp - before.timestamp) % 2**32 == FRAME_SAMPLES * 51


def test_a_program_that_was_held_up_sends_no_burst() -> None:
    sent = Sent()
    sent.sender.push(frames(200))
    assert sent.steps(10.0) == [1]
    assert sent.steps(12.0)[0] <= 2
    gap = (sent.packets[1].timestamp - sent.packets[0].timestamp) % 2**32
    assert gap == pytest.approx(2.0 * 8000, abs=FRAME_SAMPLES)


def test_nothing_is_sent_while_nothing_waits() -> None:
    sent = Sent()
    assert sent.sender.step(10.0) is None
    sent.sender.push(frames(1))
    sent.sender.clear()
    assert sent.sender.step(10.1) is None
    assert sent.packets == []


def test_pieces_of_any_length_become_frames() -> None:
    queue = SoundQueue()
    pcm = frames(3)
    for start in range(0, len(pcm), 96):
        queue.push(pcm[start : start + 96])
    assert [queue.pop() for _ in range(4)] == [pcm[:320], pcm[320:640], pcm[640:], None]


def test_the_oldest_is_dropped_of_too_much() -> None:
    queue = SoundQueue(most_frames=4)
    queue.push(frames(3))
    queue.push(frames(3, first=4))
    assert (len(queue), queue.dropped) == (4, 2)
    assert queue.pop() == frames(1, first=3)
