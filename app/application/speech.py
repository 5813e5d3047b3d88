"""Which speech models an instance uses: those of its flows' languages, checked before the first call."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

from app.domain.flow import Flow
from app.errors import InvalidArgument, InvalidSetting, LanguageNotInstalled
from app.logs import get_log
from app.settings import Settings
from app.speech.catalogue import Engine
from app.speech.engines import load_engine
from app.speech.installed_model import InstalledModel
from app.speech.model_library import ModelLibrary
from app.speech.recognition_pool import RecognitionPool, open_recognition_pool
from app.speech.recognizer import GrammarEngine, SpeechEngine
from app.speech.recognizer_choice import parse_recognizer_choice, parse_vosk_models
from app.speech.vosk_graph import graphs_in
from app.speech.vosk_tuning import VoskTuning

log = get_log("application")

FindWords = Callable[[str, Sequence[str]], Sequence[str]]
"""Gives the words of phrases (second) that the model of a language (first) does not know."""

_RECOGNISING = frozenset({"transcribe_start", "speech_receive", "ai_talk"})
"""The actions that decode a live call: their models are loaded at the start."""


def open_models(settings: Settings) -> ModelLibrary:
    """The models of the install folder, as the settings choose among them."""
    choice = parse_recognizer_choice(settings.recognizer)
    return ModelLibrary(settings.install_dir, choice, vosk_models=parse_vosk_models(settings.vosk_models))


def languages_of(flows: Sequence[Flow]) -> list[str]:
    """The languages in which flows recognise speech, each once; values that only a call knows (`${…}`) are left out."""
    found: dict[str, None] = {}
    for flow in flows:
        for action in flow.actions:
            if action.type in _RECOGNISING:
                language = str(action.option.get("language") or flow.language)
                if language and "$" not in language:
                    found[language] = None
    return list(found)


class FlowSpeech:
    """What the check of flows asks about models (`app.flow.speech_facts.SpeechFacts`)."""

    def __init__(self, models: ModelLibrary) -> None:
        self._models = models
        self.find_words: FindWords | None = None
        """Set once models are loaded; until then nothing is known about words."""

    def explain_missing(self, language: str) -> str:
        """Return why no speech in `language` can be recognised, and what to do; empty = it can."""
        try:
            self._models.resolve(language)
        except (LanguageNotInstalled, InvalidArgument, InvalidSetting) as error:
            return error.message
        return ""

    def find_unknown_words(self, language: str, phrases: Sequence[str]) -> Sequence[str]:
        """Return the words of `phrases` that the language's model can never hear."""
        return () if self.find_words is None else self.find_words(language, phrases)


class LoadedWords:
    """Finds unknown words with models that are loaded for it, each once: for a check without a server."""

    def __init__(self, models: ModelLibrary) -> None:
        self._models = models
        self._engines: dict[InstalledModel, SpeechEngine] = {}

    def find(self, language: str, phrases: Sequence[str]) -> Sequence[str]:
        """Return the words of `phrases` that the model of `language` does not know; blocks while it is loaded."""
        model = self._models.resolve(language)
        if str(model.engine) != Engine.VOSK:
            return ()
        engine = self._engines.get(model) or self._engines.setdefault(model, load_engine(model, 1))
        return engine.find_unknown_words(phrases) if isinstance(engine, GrammarEngine) else ()


@asynccontextmanager
async def open_warm_pool(
    settings: Settings, models: ModelLibrary, flows: Sequence[Flow]
) -> AsyncIterator[RecognitionPool]:
    """Open the recognizers with the models of the flows' languages self-checked at 8 kHz and loaded: no call waits."""
    for fault in await asyncio.to_thread(models.check):
        log.error("a speech model is broken", reason=fault.message)
    async with open_recognition_pool(
        models,
        threads=settings.recognition_threads or None,
        most_delay_seconds=settings.most_recognition_delay_ms / 1000,
        load=partial(
            load_engine,
            vosk_tuning=VoskTuning(settings.vosk_beam, settings.vosk_max_active),
            vosk_graphs=graphs_in(settings.install_dir),
        ),
    ) as pool:
        for language in languages_of(flows):
            try:
                model = await pool.warm(language)
            except (LanguageNotInstalled, InvalidArgument) as error:
                log.warning("a flow's language cannot be transcribed", language=language, reason=error.message)
            else:
                log.info("speech model is warm", language=language, engine=str(model.engine), model=model.name)
        yield pool
