"""A party that answers by voice at given moments, for flows in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from app.domain.answer import AnswerRequest, HeardAnswer
from app.errors import CallscribeError
from app.speech.hints import match_hints


@dataclass(frozen=True)
class Utterance:
    """What is said from `at` to `until` (seconds after the ear opens); an empty text is noise."""

    at: float
    until: float
    text: str
    confidence: float | None = None


class ScriptedEar:
    def __init__(self, request: AnswerRequest, script: Sequence[Utterance]) -> None:
        self.request = request
        self.answer: HeardAnswer | None = None
        self.speaking_since: float | None = None
        self.has_spoken = False
        self._ignored_until = -1.0
        self._saying = ""
        self._script = script
        self._changed = asyncio.Event()

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        for each in self._script:
            await asyncio.sleep(began + each.at - loop.time())
            self.speaking_since, self.has_spoken, self._saying = loop.time(), True, each.text
            self._changed.set()
            await asyncio.sleep(each.until - each.at)
            self.speaking_since = None
            self._hear(each)
            self._changed.set()

    def _hear(self, said: Utterance) -> None:
        if said.text and self.answer is None:
            match = match_hints(said.text, self.request.hints, self.request.hint_threshold)
            self.answer = HeardAnswer(said.text, match.hint if match else "", said.confidence)

    def ignore_so_far(self) -> None:
        self.answer = None
        self.has_spoken = self.speaking_since is not None

    async def wait_change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    async def finish(self) -> HeardAnswer | None:
        if self.answer is None and self.speaking_since is not None:
            self._hear(Utterance(0, 0, self._saying))
        return self.answer


class ScriptedAnswers:
    """Ears that hear a script; one script for each question, the last one for all others."""

    def __init__(self, *scripts: Sequence[Utterance], error: CallscribeError | None = None) -> None:
        self.scripts = list(scripts)
        self.error = error
        self.requests: list[AnswerRequest] = []
        self.open_ears = 0

    @asynccontextmanager
    async def open(self, call_id: str, request: AnswerRequest) -> AsyncIterator[ScriptedEar]:
        self.requests.append(request)
        if self.error is not None:
            raise self.error
        script = self.scripts.pop(0) if len(self.scripts) > 1 else (self.scripts[0] if self.scripts else ())
        ear = ScriptedEar(request, script)
        self.open_ears += 1
        running = asyncio.ensure_future(ear.run())
        try:
            yield ear
        finally:
            running.cancel()
            self.open_ears -= 1
