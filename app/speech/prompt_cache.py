"""Prompts by text and language: spoken once, off the event loop, and kept on disk for the calls to come."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

from app.domain.audio import SAMPLE_RATE
from app.domain.language import Language, parse_language
from app.errors import CallscribeError, InvalidArgument
from app.logs import get_log
from app.speech.phone_sound import fill_last_frame, tone
from app.speech.prompt_files import Prompt, PromptFiles
from app.speech.prompt_rendering import render_prompt
from app.speech.spoken_text import Part
from app.speech.ssml import parse_prompt
from app.speech.synthesizer import SpeechSynthesisFailed, Synthesizer
from app.speech.voices import Voices

log = get_log("prompts")

LIMIT_SECONDS = 10.0
"""How long a prompt may take until it is ready (contract 8.1, talk)."""
LIMIT_BYTES = 500_000_000
FORM_VERSION = 1
"""Raise it when the same text would sound different (trimming, loudness, reading of SSML): old files age out."""
WARM_LANGUAGE = "en-US"

_THREADS = 2
_PURPOSE = b"callscribe prompt key\n"  # the secret signs other things too
_Render = Callable[[Callable[[], bool]], bytes]


class Prompts:
    """Makes prompts and finds them again. One key is made once, however many calls ask for it at the same moment."""

    def __init__(
        self,
        files: PromptFiles,
        voices: Voices,
        threads: ThreadPoolExecutor,
        *,
        limit_seconds: float = LIMIT_SECONDS,
        secret: bytes = b"",
    ) -> None:
        self._files = files
        self._secret = secret
        self._voices = voices
        self._threads = threads
        self._limit_seconds = limit_seconds
        self._in_work: dict[str, asyncio.Task[Prompt | CallscribeError]] = {}
        self._is_closing = threading.Event()

    async def prepare(self, text: str, language: Language | str) -> Prompt:
        """Return the prompt that says `text` (plain or SSML) in `language` (BCP 47), made now if it is not there yet.

        When the language's own engine fails, the next one speaks. Raises InvalidArgument ("text", "language"), and
        SpeechSynthesisFailed when no engine could, or it took longer than 10 s.
        """
        parts = parse_prompt(text)
        spoken = _read_language(language)
        candidates = self._voices.candidates(spoken)
        for synthesizer in candidates[:-1]:
            try:
                return await self._prepare_with(synthesizer, text, parts, spoken)
            except SpeechSynthesisFailed as failure:
                log.warning("a voice failed, the next one speaks", engine=synthesizer.name, reason=failure.message)
        return await self._prepare_with(candidates[-1], text, parts, spoken)

    async def beep(self) -> Prompt:
        """Return the tone of the beep action: 1000 Hz, 200 ms, -12 dBFS. It stays until the program ends."""
        key = self._key("beep", 1000, 200)
        self._files.pin(key)
        return await self._find_or_make(key, lambda _: fill_last_frame(tone(1000, 0.2)))

    def path_of(self, key: str) -> Path | None:
        """Return the WAV file of `key`; None for anything that is not the key of a prompt that is there."""
        return self._files.path_of(key)

    async def warm_up(self, language: Language | str = WARM_LANGUAGE) -> None:
        """Load the engine that speaks `language` and let it say a word; a failure is logged, prompts will tell."""
        spoken = _read_language(language)
        synthesizer = self._voices.candidates(spoken)[0]
        try:
            await asyncio.get_running_loop().run_in_executor(self._threads, _warm, synthesizer, spoken)
        except CallscribeError as failure:
            log.warning("a voice could not be warmed up", engine=synthesizer.name, reason=failure.message)

    async def close(self) -> None:
        """Let nothing more begin; a piece that an engine is speaking ends in its thread and is dropped."""
        self._is_closing.set()
        tasks = tuple(self._in_work.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _prepare_with(
        self, synthesizer: Synthesizer, text: str, parts: Sequence[Part], language: Language
    ) -> Prompt:
        # espeak-ng is a program that has to be asked for its voices: not on the event loop.
        voice = await asyncio.to_thread(synthesizer.voice_for, language)
        key = self._key("talk", text, synthesizer.name, voice, language.tag)
        return await self._find_or_make(
            key, lambda is_abandoned: render_prompt(parts, synthesizer, language, is_abandoned)
        )

    def _key(self, *identity: str | int) -> str:
        """Return the key: everything that decides how the prompt sounds, hashed under the instance's secret.

        Who has the key may hear the prompt, and texts can be guessed ("your code is 1234"): their keys must not be.
        """
        text = json.dumps([FORM_VERSION, SAMPLE_RATE, *identity])
        return hmac.new(self._secret, _PURPOSE + text.encode(), hashlib.sha256).hexdigest()

    async def _find_or_make(self, key: str, render: _Render) -> Prompt:
        """Find or make `key`. A caller that goes away leaves the work to the others, and to the cache."""
        if self._is_closing.is_set():
            raise SpeechSynthesisFailed("the prompts are closed")
        task = self._in_work.get(key)
        if task is None:
            task = asyncio.create_task(self._work_on(key, render), name=f"prompt-{key[:8]}")
            self._in_work[key] = task
            task.add_done_callback(lambda _: self._in_work.pop(key, None))
        await asyncio.wait({task})
        if task.cancelled():
            raise SpeechSynthesisFailed("the prompt was given up because the prompts are closed")
        made = task.result()
        if isinstance(made, CallscribeError):
            raise made
        return made

    async def _work_on(self, key: str, render: _Render) -> Prompt | CallscribeError:
        """Return the prompt or why there is none (returned, not raised: all callers may have gone)."""
        # Looking takes no engine's thread: a call whose prompt is there does not wait behind those that are spoken.
        found = await asyncio.to_thread(self._files.find, key)
        if found is not None:
            return found
        is_late = threading.Event()

        def make() -> Prompt:
            pcm = render(lambda: is_late.is_set() or self._is_closing.is_set())
            return self._files.save(key, pcm)

        try:
            async with asyncio.timeout(self._limit_seconds):
                return await asyncio.get_running_loop().run_in_executor(self._threads, make)
        except TimeoutError:
            return SpeechSynthesisFailed(f"the prompt was not ready within {self._limit_seconds:g} s")
        except CallscribeError as failure:
            return failure
        finally:
            is_late.set()


@asynccontextmanager
async def open_prompts(
    cache_dir: Path,
    voices: Voices,
    *,
    limit_bytes: int = LIMIT_BYTES,
    limit_seconds: float = LIMIT_SECONDS,
    warm_language: str | None = WARM_LANGUAGE,
    secret: bytes = b"",
) -> AsyncIterator[Prompts]:
    """Open the prompts kept under `cache_dir`; the engine of `warm_language` is loaded in the background meanwhile.

    `secret` keeps the keys of prompts from being guessed; with another one the prompts are made anew.
    """
    files = PromptFiles(cache_dir, limit_bytes)
    await asyncio.to_thread(files.open)
    threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="prompts")
    prompts = Prompts(files, voices, threads, limit_seconds=limit_seconds, secret=secret)
    warming = None if warm_language is None else asyncio.create_task(prompts.warm_up(warm_language), name="warm-up")
    try:
        yield prompts
    finally:
        await prompts.close()
        if warming is not None:
            warming.cancel()
            await asyncio.gather(warming, return_exceptions=True)
        await asyncio.to_thread(threads.shutdown, wait=True, cancel_futures=True)


def _warm(synthesizer: Synthesizer, language: Language) -> None:
    synthesizer.load()
    synthesizer.speak("One.", language)


def _read_language(language: Language | str) -> Language:
    try:
        return parse_language(str(language))
    except ValueError as error:
        raise InvalidArgument("language", str(error)) from None
