"""Which engine decodes which language: the settings CALLSCRIBE_RECOGNIZER and CALLSCRIBE_VOSK_MODELS as values."""

from dataclasses import dataclass

from app.domain.language import Language, parse_language
from app.errors import InvalidSetting
from app.speech.catalogue import Engine

RECOGNIZER_VARIABLE = "CALLSCRIBE_RECOGNIZER"
VOSK_MODELS_VARIABLE = "CALLSCRIBE_VOSK_MODELS"
_EXPECTED = "expected auto, vosk, moonshine, or engines by language such as en=moonshine,ko=vosk"
_EXPECTED_MODELS = "expected LANGUAGE=NAME_OR_PATH pairs such as en=vosk-model-en-us-0.22,ko=/srv/models/ko"
_AUTO = (Engine.VOSK, Engine.MOONSHINE)


@dataclass(frozen=True, slots=True)
class RecognizerChoice:
    """Engines to try, in order, for all languages (`engines`) and for single ones (`by_language`: tag, engines).

    The default is auto: Vosk where a model of the language is installed, else Moonshine, which knows only English.
    """

    engines: tuple[Engine, ...] = _AUTO
    by_language: tuple[tuple[str, tuple[Engine, ...]], ...] = ()

    def engines_for(self, language: Language) -> tuple[Engine, ...]:
        """The engines to try for a language: the very tag's (`en-GB=`), its primary language's (`en=`), else all's."""
        chosen = dict(self.by_language)
        return chosen.get(language.tag) or chosen.get(language.primary) or self.engines


def parse_recognizer_choice(text: str) -> RecognizerChoice:
    """Read the value of CALLSCRIBE_RECOGNIZER; InvalidSetting says what is wrong and what is expected."""
    if "=" not in text:
        return RecognizerChoice(_parse_engines(text))
    pairs = _parse_pairs(RECOGNIZER_VARIABLE, text, _EXPECTED)
    by_language = tuple((language.tag, _parse_engines(value)) for language, value in pairs)
    for language, engines in by_language:
        if engines == (Engine.MOONSHINE,) and parse_language(language).primary != "en":
            raise InvalidSetting(
                RECOGNIZER_VARIABLE, f"{language}=moonshine is wrong: Moonshine knows only English; {_EXPECTED}"
            )
    return RecognizerChoice(by_language=by_language)


def parse_vosk_models(text: str) -> tuple[tuple[str, str], ...]:
    """Read the value of CALLSCRIBE_VOSK_MODELS as (language tag, folder name or path); empty text is no choice."""
    if not text.strip():
        return ()
    pairs = _parse_pairs(VOSK_MODELS_VARIABLE, text, _EXPECTED_MODELS)
    return tuple((language.tag, value) for language, value in pairs)


def _parse_engines(text: str) -> tuple[Engine, ...]:
    word = text.strip().lower()
    if word == "auto":
        return _AUTO
    try:
        return (Engine(word),)
    except ValueError:
        raise InvalidSetting(RECOGNIZER_VARIABLE, f"{text.strip()!r} is not an engine; {_EXPECTED}") from None


def _parse_pairs(variable: str, text: str, expected: str) -> list[tuple[Language, str]]:
    pairs: dict[Language, str] = {}
    for part in text.split(","):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not value:
            raise InvalidSetting(variable, f"{part.strip()!r} is not a LANGUAGE=VALUE pair; {expected}")
        try:
            language = parse_language(key)
        except ValueError as error:
            raise InvalidSetting(variable, f"{error}; {expected}") from None
        if language in pairs:
            raise InvalidSetting(variable, f"{language.tag} is there twice; {expected}")
        pairs[language] = value
    return list(pairs.items())
