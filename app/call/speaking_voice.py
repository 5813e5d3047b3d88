"""One voice in a call while it lives: says the texts that it is sent, sentence by sentence, over whatever runs."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import replace

import structlog

from app.ari.ari import Ari
from app.call.live_call import LiveCall
from app.call.sentences import split_sentences
from app.call.voice_over import VoiceOver, open_voice_over
from app.domain.call import PlayOutcome
from app.domain.speaking import Speaking, SpeakingStatus
from app.domain.timestamps import now
from app.errors import CallscribeError, LegGone, StateInvalid
from app.logs import get_log

log = get_log("speaking")

MOST_TEXTS = 64
MOST_BYTES = 64 * 1024

Prepare = Callable[[str, str], Awaitable[str]]
"""Makes speech: (text, language) -> the media URI that Asterisk plays."""


class SpeakingVoice:
    """The live side of a Speaking. Runs as one task."""

    def __init__(self, record: Speaking, call: LiveCall, ari: Ari, prepare: Prepare) -> None:
        self.record = record
        self.call = call
        self._ari = ari
        self._prepare = prepare
        self._texts: deque[str] = deque()
        self._news = asyncio.Event()
        self._stopped = asyncio.Event()
        self._done = asyncio.Event()
        self._speaking: asyncio.Task[None] | None = None

    @property
    def is_active(self) -> bool:
        """Whether it can be sent texts."""
        return not self._stopped.is_set()

    def say(self, text: str) -> None:
        """Queue a text; StateInvalid when the voice was stopped, or when more waits than is sensible."""
        if not self.is_active:
            raise StateInvalid(f"the speaking {self.record.id} was stopped", status="stopped")
        waiting = sum(len(each.encode()) for each in self._texts)
        if len(self._texts) >= MOST_TEXTS or waiting + len(text.encode()) > MOST_BYTES:
            raise StateInvalid(
                f"{len(self._texts)} texts of {waiting} bytes wait to be spoken; at most {MOST_TEXTS} texts of "
                f"{MOST_BYTES} bytes can wait: flush, or send more when some were spoken"
            )
        self._texts.append(text)
        self._news.set()

    async def flush(self) -> None:
        """Silence what is being said and forget what waits; returns when it is silent."""
        self._texts.clear()
        if (speaking := self._speaking) is not None:
            speaking.cancel()
            await asyncio.wait({speaking})

    async def stop(self) -> None:
        """End the voice at once; returns when nothing of it is left in Asterisk."""
        if self.is_active:
            self.record = replace(self.record, status=SpeakingStatus.STOPPED, tm_update=now())
            self._stopped.set()
        await self._done.wait()

    async def run(self) -> None:
        """Live until stopped or until the call ends. A failure ends this voice and nothing else."""
        with structlog.contextvars.bound_contextvars(speaking_id=self.record.id, call_id=self.call.record.id):
            try:
                with self.call.attach(self.stop):
                    log.info("speaking started", language=self.record.language)
                    async with open_voice_over(self._ari, self.call) as voice:
                        await self._live(voice)
            except LegGone:
                pass
            except CallscribeError as error:
                log.warning("the speaking ended", reason=error.message)
            except Exception:
                # The isolation boundary of a voice: the call goes on without it.
                log.exception("the speaking broke")
            finally:
                self._texts.clear()
                self._stopped.set()
                if self.record.status is SpeakingStatus.ACTIVE:
                    self.record = replace(self.record, status=SpeakingStatus.STOPPED, tm_update=now())
                self._done.set()
                log.info("speaking ended")

    async def _live(self, voice: VoiceOver) -> None:
        """Speak, from the beginning again after every flush, until stopped."""
        stopped = asyncio.ensure_future(self._stopped.wait())
        try:
            while self.is_active:
                self._speaking = asyncio.create_task(self._speak_all(voice), name=f"speaking {self.record.id}")
                await asyncio.wait({self._speaking, stopped}, return_when=asyncio.FIRST_COMPLETED)
                self._speaking.cancel()
                await asyncio.wait({self._speaking})
                if not self._speaking.cancelled() and (error := self._speaking.exception()) is not None:
                    raise _first(error)
        finally:
            stopped.cancel()
            if self._speaking is not None:
                self._speaking.cancel()
                await asyncio.wait({self._speaking})

    async def _speak_all(self, voice: VoiceOver) -> None:
        """Say what is queued, for ever; the next sentence is made while one is spoken."""
        ready: asyncio.Queue[str] = asyncio.Queue(1)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._prepare_all(ready))
            while True:
                if await voice.speak([await ready.get()]) is PlayOutcome.FAILED:
                    log.warning("a sentence could not be played")

    async def _prepare_all(self, ready: asyncio.Queue[str]) -> None:
        while True:
            while not self._texts:
                self._news.clear()
                await self._news.wait()
            for sentence in split_sentences(self._texts.popleft()):
                try:
                    media = await self._prepare(sentence, self.record.language)
                except CallscribeError as error:
                    log.warning("a sentence could not be spoken", code=error.code)
                    continue
                await ready.put(media)


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
