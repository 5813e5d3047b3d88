"""Warm recognizers: who gets which, how many there are, and what becomes of old and broken ones."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from app.speech.hinted_source import HintedSource
from app.speech.recognizer import Recognition, RecognitionFailed, Recognizer
from app.speech.recognizer_shelf import RecognizerShelf


class CountedRecognizer:
    def __init__(self, number: int) -> None:
        self.accepted_seconds = 0.0
        self.number = number
        self.is_closed = False
        self.is_broken = False

    def accept(self, pcm: bytes) -> None:
        self.accepted_seconds += 1

    def interim(self) -> str:
        return ""

    def prepare(self) -> None:
        pass

    def finish(self) -> Recognition:
        return Recognition("")

    def reset(self) -> None:
        if self.is_broken:
            raise RecognitionFailed("scripted to fail")

    def close(self) -> None:
        assert not self.is_closed
        self.is_closed = True


class CountingEngine:
    is_streaming = True
    pause_lead_ms: int | None = None

    def __init__(self) -> None:
        self.made: list[CountedRecognizer] = []
        self.is_failing = False
        self.is_closed = False

    def create_recognizer(self) -> Recognizer:
        if self.is_failing:
            raise RecognitionFailed("no memory")
        self.made.append(CountedRecognizer(len(self.made)))
        return self.made[-1]

    def create_hinted_recognizer(self, hints: Any) -> Recognizer:
        return self.create_recognizer()

    def find_unknown_words(self, phrases: Any) -> tuple[str, ...]:
        return ()

    def close(self) -> None:
        self.is_closed = True

    @property
    def open(self) -> list[int]:
        return [each.number for each in self.made if not each.is_closed]


class LaterExecutor(ThreadPoolExecutor):
    """Keeps what is submitted until it is told to do it."""

    def __init__(self) -> None:
        super().__init__(1)
        self.waiting: list[Callable[[], object]] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.waiting.append(lambda: fn(*args, **kwargs))
        return Future()

    def do_all(self) -> None:
        while self.waiting:
            self.waiting.pop(0)()


@pytest.fixture
def engine() -> CountingEngine:
    return CountingEngine()


@pytest.fixture
def maker() -> Iterator[LaterExecutor]:
    made = LaterExecutor()
    yield made
    made.shutdown()


@pytest.fixture
def shelf(engine: CountingEngine, maker: LaterExecutor) -> RecognizerShelf:
    return RecognizerShelf(engine, maker, spares=2, most_seconds=10.0)


def number_of(recognizer: Recognizer) -> int:
    assert isinstance(recognizer, CountedRecognizer)
    return recognizer.number


def test_the_one_that_was_used_last_is_lent_first(shelf: RecognizerShelf) -> None:
    shelf.fill()
    first = shelf.borrow()
    shelf.give_back(first)
    assert shelf.borrow() is first, "its graph is warm"
    assert shelf.borrow() is not first


def test_half_as_many_as_lanes_are_made_ahead_and_more_when_they_are_lent(
    shelf: RecognizerShelf, engine: CountingEngine, maker: LaterExecutor
) -> None:
    for _ in range(12):
        shelf.open_lane()
    assert len(engine.made) == 1, "no call waits for those that are only made ahead"
    maker.do_all()
    assert len(engine.made) == 6
    lent = [shelf.borrow() for _ in range(6)]
    maker.do_all()
    assert len(engine.made) == 7
    assert shelf.late == 0
    lent += [shelf.borrow() for _ in range(3)]
    assert shelf.late == 2, "made while the lane waits"
    maker.do_all()
    lent += [shelf.borrow() for _ in range(3)]
    maker.do_all()
    assert len(engine.made) == 12, "never more than there are lanes"
    assert len({number_of(each) for each in lent}) == 12


def test_when_the_lanes_are_gone_some_stay_the_warmest(
    shelf: RecognizerShelf, engine: CountingEngine, maker: LaterExecutor
) -> None:
    for _ in range(20):
        shelf.open_lane()
    maker.do_all()
    lent = [shelf.borrow() for _ in range(10)]
    maker.do_all()
    for each in lent:
        shelf.give_back(each)
    for _ in range(20):
        shelf.close_lane()
    maker.do_all()
    assert len(engine.open) == 6
    assert number_of(shelf.borrow()) == number_of(lent[-1])


def test_one_that_has_heard_too_much_is_replaced_in_spare_time(
    shelf: RecognizerShelf, engine: CountingEngine, maker: LaterExecutor
) -> None:
    shelf.open_lane()
    old = shelf.borrow()
    old.accepted_seconds = 10.0
    shelf.give_back(old)
    assert engine.open == [0], "closing takes long"
    maker.do_all()
    assert engine.made[0].is_closed
    assert shelf.recycled == 1
    assert shelf.borrow() is not old


def test_a_broken_one_is_not_lent_again(shelf: RecognizerShelf, engine: CountingEngine, maker: LaterExecutor) -> None:
    shelf.open_lane()
    broken = shelf.borrow()
    shelf.discard(broken)
    silently = shelf.borrow()
    assert isinstance(silently, CountedRecognizer)
    silently.is_broken = True
    shelf.give_back(silently)
    maker.do_all()
    assert shelf.borrow() not in (broken, silently)
    assert [each.is_closed for each in engine.made[:2]] == [True, True]


def test_what_cannot_be_made_is_told_to_those_who_need_it(
    shelf: RecognizerShelf, engine: CountingEngine, maker: LaterExecutor
) -> None:
    engine.is_failing = True
    shelf.fill()
    with pytest.raises(RecognitionFailed):
        shelf.open_lane()
    with pytest.raises(RecognitionFailed):
        shelf.borrow()
    engine.is_failing = False
    shelf.open_lane()
    maker.do_all()
    shelf.give_back(shelf.borrow())
    assert len(engine.open) == 2, "nothing that was not lent is reckoned with"


def test_closing_closes_all_and_the_engine(shelf: RecognizerShelf, engine: CountingEngine) -> None:
    shelf.fill()
    lent = shelf.borrow()
    shelf.close()
    shelf.give_back(lent)
    assert engine.open == []
    assert engine.is_closed


def test_many_threads_never_share_one(engine: CountingEngine) -> None:
    in_use: set[int] = set()
    lock = threading.Lock()
    with ThreadPoolExecutor(1) as maker:
        shelf = RecognizerShelf(engine, maker, spares=2, most_seconds=5.0)

        def use() -> None:
            shelf.open_lane()
            for _ in range(200):
                recognizer = shelf.borrow()
                with lock:
                    assert number_of(recognizer) not in in_use
                    in_use.add(number_of(recognizer))
                recognizer.accept(b"")
                with lock:
                    in_use.discard(number_of(recognizer))
                shelf.give_back(recognizer)
            shelf.close_lane()

        with ThreadPoolExecutor(8) as users:
            for done in [users.submit(use) for _ in range(8)]:
                done.result()
    shelf.close()
    assert engine.open == []
    assert shelf.recycled >= 8 * 200 / 5 - 20


def test_a_grammar_belongs_to_one_lane(engine: CountingEngine) -> None:
    source = HintedSource(engine, ("yes", "no"))
    source.open_lane()
    first = source.borrow()
    source.give_back(first)
    assert source.borrow() is first
    source.discard(first)
    assert engine.open == []
    assert source.borrow() is not first
    source.close_lane()
    source.close_lane()
    assert engine.open == []
