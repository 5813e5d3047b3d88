"""Frames wait, in order and bounded, until the gate is opened."""

from collections.abc import Sequence

import pytest

from app.domain.audio import SILENT_FRAME, Frame
from app.transcribe.frame_gate import _MOST_FRAMES, FrameGate


def frame(number: int) -> Frame:
    return Frame(SILENT_FRAME, float(number))


def test_what_waited_comes_first() -> None:
    gate, heard = FrameGate(), list[float]()

    def sink(frames: Sequence[Frame]) -> None:
        heard.extend(one.captured_at for one in frames)

    gate.push([frame(1), frame(2)])
    gate.push([frame(3)])
    gate.open(sink)
    gate.push([frame(4)])
    assert heard == [1, 2, 3, 4]


def test_waiting_is_bounded_and_keeps_the_earliest() -> None:
    lost: list[tuple[float, float]] = []
    gate, heard = FrameGate(lambda started_at, ended_at: lost.append((started_at, ended_at))), list[Frame]()
    for number in range(_MOST_FRAMES + 100):
        gate.push([frame(number)])
    gate.open(heard.extend)
    assert len(heard) == _MOST_FRAMES
    assert heard[0].captured_at == 0
    assert gate.lost_seconds == pytest.approx(2.0)
    assert len(lost) == 100, "what found no room is told, so that a transcript can say that it is degraded"
    assert lost[0] == (_MOST_FRAMES, _MOST_FRAMES + 0.02)
