"""What an answer ear makes of the events of its feed, and what it takes and gives back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.domain.answer import AnswerRequest, HeardAnswer
from app.errors import LanguageNotInstalled, LegGone, Unavailable
from app.speech.feed_events import FeedFailed, Final, SpeechEnded, SpeechStarted
from app.speech.recognizer import RecognitionFailed, RecognizedWord
from app.transcribe import answer_ear
from app.transcribe.answer_ear import AnswerEars, AnswerNotes
from tests.unit.transcribe.stage import Models

HINTS = AnswerRequest("en-US", hints=("sales", "support"))


def final(text: str, *, ended_at: float | None = None, words: bool = False) -> Final:
    at = time.monotonic() if ended_at is None else ended_at
    said = [RecognizedWord(word, 0, 0, 0.4 if word == "uh" else 0.9) for word in text.split()] if words else None
    return Final(text, at - 1, at, tuple(said) if said else None, 0.65 if words else None)


async def test_the_first_utterance_with_words_is_the_answer() -> None:
    notes = AnswerNotes(HINTS)
    notes.note(SpeechStarted(1.0))
    assert notes.speaking_since is not None
    assert notes.has_spoken
    notes.note(SpeechEnded(1.5))
    assert [notes.speaking_since, notes.answer] == [None, None]
    notes.note(final("Sales."))
    notes.note(final("support"))
    assert notes.answer == HeardAnswer("Sales.", "sales", None)


async def test_the_confidence_is_that_of_the_hints_words() -> None:
    notes = AnswerNotes(HINTS)
    notes.note(final("uh sales", words=True))
    assert notes.answer == HeardAnswer("uh sales", "sales", 0.9)
    notes = AnswerNotes(HINTS)
    notes.note(final("uh well", words=True))
    assert notes.answer == HeardAnswer("uh well", "", 0.65)


async def test_what_was_said_before_is_forgotten_even_if_it_is_decoded_later() -> None:
    notes = AnswerNotes(HINTS)
    early = final("sales")
    notes.note(SpeechStarted(1.0))
    notes.note(SpeechEnded(1.5))
    notes.ignore_so_far()
    notes.note(early)
    assert (notes.answer, notes.has_spoken) == (None, False)
    notes.note(SpeechStarted(2.0))
    notes.ignore_so_far()
    assert notes.has_spoken, "it still goes on"
    notes.note(final("support", ended_at=time.monotonic() + 1))
    assert notes.answer is not None


async def test_a_dead_recognizer_is_told_to_who_waits() -> None:
    notes = AnswerNotes(HINTS)
    waiting = asyncio.ensure_future(notes.wait_change())
    await asyncio.sleep(0)
    notes.note(FeedFailed("it died"))
    with pytest.raises(RecognitionFailed, match="it died"):
        await waiting
    with pytest.raises(RecognitionFailed):
        await notes.wait_change()


class Budget:
    def __init__(self, free: int) -> None:
        self.free = free
        self.held: dict[str, int] = {}

    def reserve(self, owner_id: str, pairs: int) -> bool:
        if self.free < pairs:
            return False
        self.free -= pairs
        self.held[owner_id] = pairs
        return True

    def release(self, owner_id: str) -> None:
        self.free += self.held.pop(owner_id, 0)


class Pool:
    """Feeds that the test speaks into."""

    def __init__(self) -> None:
        self.options: list[dict[str, Any]] = []
        self.finished = 0

    @asynccontextmanager
    async def open_feed(self, language: str, listener: Any, **options: Any) -> AsyncIterator[Any]:
        self.options.append({"language": language, **options})

        async def finish() -> None:
            self.finished += 1
            listener(final("support"))

        yield SimpleNamespace(model=SimpleNamespace(engine="e", name="m"), push=lambda frames: None, finish=finish)


@pytest.fixture
def taps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    opened: list[str] = []

    @asynccontextmanager
    async def open_tap(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        if kwargs["channel_id"] == "gone":
            raise LegGone("the party has hung up")
        opened.append(kwargs["owner_id"])
        stream = SimpleNamespace(close=lambda: asyncio.sleep(0))
        yield SimpleNamespace(stream=stream)

    monkeypatch.setattr(answer_ear, "open_tap", open_tap)
    return opened


def make_ears(pool: Pool, budget: Budget) -> AnswerEars:
    parts = SimpleNamespace(ari=None, receiver=None, media_host="h", models=Models(), pool=pool)
    return AnswerEars(
        cast(Any, parts),
        default_end_of_silence_ms=300,
        reserve_ports=budget.reserve,
        release_ports=budget.release,
    )


CALL = cast(Any, SimpleNamespace(channel_id="channel"))


async def test_an_ear_takes_a_pair_of_ports_and_gives_it_back(taps: list[str]) -> None:
    pool, budget = Pool(), Budget(1)
    ears = make_ears(pool, budget)
    async with ears.open(CALL, HINTS) as ear:
        assert (budget.free, len(ears)) == (0, 1)
        assert ears.owns(f"callscribe-snoop-{taps[0]}-in")
        with pytest.raises(Unavailable, match="CALLSCRIBE_RTP_PORTS"):
            async with ears.open(CALL, HINTS):
                pass
        assert await ear.finish() == HeardAnswer("support", "support", None)
    assert (budget.free, len(ears), pool.finished) == (1, 0, 1)
    assert not ears.owns(f"callscribe-snoop-{taps[0]}-in")
    assert pool.options == [
        {"language": "en-US", "end_of_silence_ms": 300, "has_interims": False, "hints": ("sales", "support")}
    ]


async def test_nothing_is_held_when_it_cannot_open(taps: list[str]) -> None:
    budget = Budget(1)
    ears = make_ears(Pool(), budget)
    with pytest.raises(LanguageNotInstalled):
        async with ears.open(CALL, AnswerRequest("fr-FR")):
            pass
    with pytest.raises(LegGone):
        async with ears.open(cast(Any, SimpleNamespace(channel_id="gone")), HINTS):
            pass
    assert (budget.free, len(ears), taps) == (1, 0, [])


async def test_a_time_out_of_who_asked_passes(taps: list[str]) -> None:
    with pytest.raises(TimeoutError):
        async with make_ears(Pool(), Budget(1)).open(CALL, HINTS):
            raise TimeoutError
