"""Datagrams to frames: formats, packet lengths, real recordings, and bytes of any kind."""

import math
import struct
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.audio import FRAME_BYTES, Frame
from app.media.depacketizer import Depacketizer
from app.media.rtp_packet import RtpPacket, encode_packet

Recording = list[tuple[float, bytes]]


def feed(depacketizer: Depacketizer, recording: Recording, begin: float = 100.0) -> list[Frame]:
    for moment, datagram in recording:
        depacketizer.accept(datagram, begin + moment)
    return depacketizer.take_frames()


def level_at(frames: list[Frame], hertz: float) -> float:
    """Return how much of the sound's energy is at this frequency, 0 to 1."""
    pcm = b"".join(frame.pcm for frame in frames)
    samples: tuple[int, ...] = struct.unpack(f"<{len(pcm) // 2}h", pcm)
    turn: float = 2 * math.pi * hertz / 8000
    real = sum(sample * math.cos(turn * index) for index, sample in enumerate(samples))
    imaginary = sum(sample * math.sin(turn * index) for index, sample in enumerate(samples))
    energy = sum(sample * sample for sample in samples)
    return 2 * (real * real + imaginary * imaginary) / (len(samples) * energy)


@pytest.mark.parametrize("name", ["asterisk22_slin", "asterisk22_ulaw"])
def test_asterisks_packets_are_the_tone_that_it_played(name: str, read_recording: Callable[[str], Recording]) -> None:
    depacketizer = Depacketizer()
    frames = feed(depacketizer, read_recording(name))

    assert [len(frame.pcm) for frame in frames] == [FRAME_BYTES] * 30
    assert level_at(frames[10:], 440) > 0.99  # it begins with silence: Answer() waits half a second
    counts = depacketizer.counts
    assert (counts.received, counts.frames, counts.lost, counts.unsupported, counts.resyncs) == (30, 30, 0, 0, 0)
    times = [frame.captured_at for frame in frames]
    assert times == sorted(times)
    assert times[-1] - times[0] == pytest.approx(29 * 0.02, abs=0.01)


def test_a_pause_of_asterisk_is_silence_of_its_length(read_recording: Callable[[str], Recording]) -> None:
    recording = read_recording("asterisk22_stall")
    depacketizer = Depacketizer()
    frames = feed(depacketizer, recording)

    assert sum(frame.is_concealed for frame in frames) == 99
    assert depacketizer.counts.lost == 0
    elapsed = recording[-1][0] - recording[0][0]
    assert frames[-1].captured_at - frames[0].captured_at == pytest.approx(elapsed, abs=0.03)
    assert (len(frames) - 1) * 0.02 == pytest.approx(elapsed, abs=0.03)


@pytest.mark.parametrize("samples", [80, 160, 240, 320, 480, 100])
def test_packets_of_any_length_become_whole_frames(samples: int) -> None:
    depacketizer = Depacketizer()
    sound = struct.pack(">4800h", *range(4800))
    for number in range(4800 // samples):
        payload = sound[2 * samples * number : 2 * samples * (number + 1)]
        packet = RtpPacket(11, number, number * samples, 1, False, payload)
        depacketizer.accept(encode_packet(packet), 100 + (number + 1) * samples / 8000)
    frames = depacketizer.take_frames()

    assert b"".join(frame.pcm for frame in frames) == struct.pack("<4800h", *range(4800))
    assert [frame.captured_at for frame in frames] == pytest.approx([100 + 0.02 * number for number in range(30)])


def test_flush_fills_up_the_last_frame() -> None:
    depacketizer = Depacketizer()
    depacketizer.accept(encode_packet(RtpPacket(0, 0, 0, 1, False, b"\x00" * 200)), 1.0)
    depacketizer.flush()
    frames = depacketizer.take_frames()

    assert len(frames) == 2
    assert frames[1].pcm[80:] == bytes(240)
    assert frames[1].pcm[:80] != bytes(80)
    assert not frames[1].is_concealed


def test_a_hole_is_marked_silence_and_the_rest_keeps_its_time(make_packet: Callable[..., RtpPacket]) -> None:
    depacketizer = Depacketizer()
    for number in (0, 1, 3):
        depacketizer.accept(encode_packet(make_packet(number)), 100 + 0.02 * number)
    depacketizer.expire(100.2)
    frames = depacketizer.take_frames()

    assert [frame.is_concealed for frame in frames] == [False, False, True, False]
    assert [frame.captured_at for frame in frames] == pytest.approx([99.98, 100.0, 100.02, 100.04])


def test_unreadable_datagrams_are_counted(make_packet: Callable[..., RtpPacket]) -> None:
    depacketizer = Depacketizer()
    assert not depacketizer.accept(b"", 1.0)
    assert not depacketizer.accept(encode_packet(make_packet(0)._replace(payload=b"odd")), 1.0)
    assert not depacketizer.accept(encode_packet(make_packet(0)._replace(payload_type=101)), 1.0)
    assert depacketizer.accept(encode_packet(make_packet(0)), 1.5)

    counts = depacketizer.counts
    assert (counts.malformed, counts.unsupported, counts.received, counts.last_packet_at) == (2, 1, 2, 1.5)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.binary(max_size=60), st.sampled_from([b"", b"\x80", b"\x80\x0a", b"\x90\x00"])), max_size=40)
)
def test_no_datagrams_raise(datagrams: list[tuple[bytes, bytes]]) -> None:
    depacketizer = Depacketizer()
    for number, (rest, begin) in enumerate(datagrams):
        depacketizer.accept(begin + rest, number * 0.02)
    depacketizer.flush()
    assert {len(frame.pcm) for frame in depacketizer.take_frames()} <= {FRAME_BYTES}
