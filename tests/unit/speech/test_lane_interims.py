"""Interims are made for somebody only."""

from typing import Any, cast

import pytest

from app.speech import lane_queue
from app.speech.feed_events import Interim
from app.speech.lane_queue import LaneQueue
from app.speech.recognition_load import RecognitionLoad
from app.speech.recognizer import Recognition, Recognizer
from app.speech.segment_events import UtteranceAudio, UtterancePaused, UtteranceStarted

PIECE = UtteranceAudio(bytes(1600))


class CountingRecognizer:
    """Its interims tell how many there have been."""

    def __init__(self) -> None:
        self.accepted_seconds = 0.0
        self.interims = 0

    def accept(self, pcm: bytes) -> None:
        pass

    def interim(self) -> str:
        self.interims += 1
        return f"{self.interims}"

    def prepare(self) -> None:
        pass

    def finish(self) -> Recognition:
        return Recognition("all")


class OneRecognizer:
    """Lends always the same."""

    def __init__(self, recognizer: Any) -> None:
        self._recognizer = recognizer

    def borrow(self) -> Recognizer:
        return cast("Recognizer", self._recognizer)

    def give_back(self, recognizer: Recognizer) -> None:
        pass

    def discard(self, recognizer: Recognizer) -> None:
        pass


def test_none_is_made_for_nobody_and_they_come_once_somebody_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane_queue, "_INTERIM_SECONDS", 0.0)
    monkeypatch.setattr(lane_queue, "_INTERIM_COST_FACTOR", 0)
    recognizer = CountingRecognizer()
    events: list[Any] = []
    lane = LaneQueue(
        OneRecognizer(recognizer),
        events.append,
        load=RecognitionLoad(1),
        most_seconds=10.0,
        has_interims=True,
        is_preparing_luxury=False,
    )
    is_wanted = False
    lane.wants_interims = lambda: is_wanted
    steps = (UtteranceStarted(1.0, 0.9), PIECE, PIECE, UtterancePaused())
    for step in steps:
        lane.add(step)
        lane.run(lambda: False)
    assert recognizer.interims == 0
    is_wanted = True
    for step in (PIECE, UtterancePaused()):
        lane.add(step)
        lane.run(lambda: False)
    assert [event.text for event in events if isinstance(event, Interim)] == ["1", "2"]
