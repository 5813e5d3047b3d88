"""Transcribes on a real store and journal; what ears hear is said by the test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.domain.ids import new_id
from app.domain.transcribe import Direction, Transcribe
from app.errors import LanguageNotInstalled
from app.media.stream_counts import StreamCounts
from app.speech.feed_events import Final, SpeechEnded, SpeechStarted
from app.speech.recognition_load import RecognitionOverloaded
from app.transcribe import call_session, conference_session
from app.transcribe.ear import Ear, EarPlan
from app.transcribe.lane import Lane
from app.transcribe.session_parts import SessionParts
from app.transcribe.time_zero import TimeZero
from app.transcribe.transcribes import Transcribes
from tests.unit.call.rooms import House

MODELS = {"en-US": ("moonshine", "tiny-en"), "ko-KR": ("vosk", "small-ko")}


class Models:
    """English and Korean are installed."""

    def resolve(self, language: str) -> Any:
        if language not in MODELS:
            raise LanguageNotInstalled(language)
        engine, name = MODELS[language]
        return SimpleNamespace(engine=engine, name=name, language=language)


class SpokenEar:
    """An ear whose words come from the test; the last of them come when it is flushed."""

    def __init__(self, plan: EarPlan, lane: Lane, zero: TimeZero) -> None:
        self.plan = plan
        self.lane = lane
        self.tap = SimpleNamespace(stream=SimpleNamespace(counts=StreamCounts(received=100)))
        self.prompts = None
        self.is_open = True
        self.last_words = ""
        self._at = zero.monotonic

    def hear(self, text: str) -> None:
        assert self.is_open
        self._at += 1.0
        self.lane.note(SpeechStarted(self._at))
        self.lane.note(SpeechEnded(self._at + 0.5))
        self.lane.note(Final(text, self._at, self._at + 0.5, None, 0.9))

    async def flush(self) -> None:
        await asyncio.sleep(0.01)
        if self.last_words:
            self.hear(self.last_words)
        self.lane.end()


class Ears:
    """All ears that were opened, by the channel that they listen to; `refusals` keep the next ones from opening."""

    def __init__(self) -> None:
        self.all: list[SpokenEar] = []
        self.refusals: list[Exception] = []
        self.gate: asyncio.Event | None = None

    def of(self, channel_id: str, direction: Direction = Direction.IN) -> SpokenEar:
        found = [
            ear
            for ear in self.all
            if ear.is_open and ear.plan.call.channel_id == channel_id and ear.plan.direction is direction
        ]
        assert len(found) == 1, [(ear.plan.call.channel_id, ear.is_open) for ear in self.all]
        return found[0]

    @property
    def open_count(self) -> int:
        return sum(ear.is_open for ear in self.all)

    @asynccontextmanager
    async def open_ear(
        self, parts: SessionParts, record: Transcribe, zero: TimeZero, plan: EarPlan, *, end_of_silence_ms: int | None
    ) -> AsyncIterator[Ear]:
        await asyncio.sleep(0)
        if self.gate is not None:
            await self.gate.wait()
        if self.refusals:
            raise self.refusals.pop(0)
        lane = Lane(record, plan.direction, zero, parts.journal, find_speaker=plan.find_speaker)
        ear = SpokenEar(plan, lane, zero)
        self.all.append(ear)
        try:
            yield cast("Ear", ear)
        finally:
            ear.is_open = False


class Pool:
    """Every model loads when `may_load` is set; `loaded` names the languages that were asked for."""

    def __init__(self) -> None:
        self.loaded: list[str] = []
        self.may_load = asyncio.Event()
        self.may_load.set()
        self.is_full = False

    def require_room(self) -> None:
        if self.is_full:
            raise RecognitionOverloaded(0.7)

    async def load(self, language: str) -> None:
        self.loaded.append(language)
        await self.may_load.wait()


class Ports:
    """Port pairs by key; `free` of them can be had."""

    def __init__(self) -> None:
        self.free = 100
        self.held: dict[str, int] = {}

    def reserve(self, key: str, pairs: int) -> bool:
        if pairs > self.free:
            return False
        self.free -= pairs
        self.held[key] = self.held.get(key, 0) + pairs
        return True

    def release(self, key: str) -> None:
        self.free += self.held.pop(key, 0)


class Stage:
    """A house with transcribes in it."""

    def __init__(self, house: House, ears: Ears) -> None:
        self.house = house
        self.ears = ears
        self.ports = Ports()
        self.pool = Pool()
        self.done: list[Transcribe] = []
        parts = SessionParts(
            ari=house.ari,
            receiver=cast("Any", None),
            models=cast("Any", Models()),
            pool=cast("Any", self.pool),
            journal=house.journal,
            media_host="127.0.0.1",
        )
        self.transcribes = Transcribes(
            parts,
            default_end_of_silence_ms=None,
            reserve_ports=self.ports.reserve,
            release_ports=self.ports.release,
            on_done=self._on_done,
        )

    async def _on_done(self, transcribe: Transcribe) -> None:
        self.done.append(transcribe)

    async def rows(self, transcribe_id: str) -> list[tuple[str, str, str]]:
        """Channel is the speaker's call here: (conferencecall or call id, direction, text) in order."""
        rows = await self.house.store.transcripts.list_of(transcribe_id)
        return [(row.speaker.call_id if row.speaker else "", row.direction.value, row.message) for row in rows]


@asynccontextmanager
async def open_stage(house: House, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    """Run transcribes; at the end none may listen and no port be held."""
    ears = Ears()
    for module in (call_session, conference_session):
        monkeypatch.setattr(module, "open_ear", ears.open_ear)
    stage = Stage(house, ears)
    running = asyncio.create_task(stage.transcribes.run(), name=f"transcribes {new_id()}")
    await asyncio.sleep(0)
    yield stage
    assert len(stage.transcribes) == 0
    assert ears.open_count == 0
    assert stage.ports.held == {}
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
