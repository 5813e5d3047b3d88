"""Which speech models an instance uses: those of its flows' languages, checked before the first call."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from app.domain.flow import Flow
from app.errors import InvalidArgument, LanguageNotInstalled
from app.logs import get_log
from app.settings import Settings
from app.speech.model_library import ModelLibrary
from app.speech.recognition_pool import RecognitionPool, open_recognition_pool
from app.speech.recognizer_choice import parse_recognizer_choice, parse_vosk_models

log = get_log("application")


def open_models(settings: Settings) -> ModelLibrary:
    """The models of the install folder, as the settings choose among them."""
    choice = parse_recognizer_choice(settings.recognizer)
    return ModelLibrary(settings.install_dir, choice, vosk_models=parse_vosk_models(settings.vosk_models))


def languages_of(flows: Sequence[Flow]) -> list[str]:
    """The languages in which flows transcribe, each once; values that only a call knows (`${…}`) are left out."""
    found: dict[str, None] = {}
    for flow in flows:
        for action in flow.actions:
            if action.type == "transcribe_start":
                language = str(action.option.get("language") or flow.language)
                if language and "$" not in language:
                    found[language] = None
    return list(found)


@asynccontextmanager
async def open_warm_pool(
    settings: Settings, models: ModelLibrary, flows: Sequence[Flow]
) -> AsyncIterator[RecognitionPool]:
    """Open the recognizers with the models of the flows' languages self-checked at 8 kHz and loaded: no call waits."""
    for fault in await asyncio.to_thread(models.check):
        log.error("a speech model is broken", reason=fault.message)
    async with open_recognition_pool(models, threads=settings.recognition_threads or None) as pool:
        for language in languages_of(flows):
            try:
                model = await pool.warm(language)
            except (LanguageNotInstalled, InvalidArgument) as error:
                log.warning("a flow's language cannot be transcribed", language=language, reason=error.message)
            else:
                log.info("speech model is warm", language=language, engine=str(model.engine), model=model.name)
        yield pool
