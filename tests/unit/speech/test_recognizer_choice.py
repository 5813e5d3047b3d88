import pytest

from app.domain.language import parse_language
from app.errors import InvalidSetting
from app.speech.catalogue import Engine
from app.speech.recognizer_choice import RecognizerChoice, parse_recognizer_choice, parse_vosk_models

AUTO = (Engine.VOSK, Engine.MOONSHINE)


@pytest.mark.parametrize(
    ("text", "tag", "engines"),
    [
        ("auto", "en-US", AUTO),
        (" Vosk ", "en-US", (Engine.VOSK,)),
        ("moonshine", "en-GB", (Engine.MOONSHINE,)),
        ("en=moonshine,ko=vosk", "en-AU", (Engine.MOONSHINE,)),
        ("en=moonshine, ko=vosk", "ko-KR", (Engine.VOSK,)),
        ("en=moonshine,ko=vosk", "fr-FR", AUTO),
        ("en=vosk,en-gb=moonshine", "en-GB", (Engine.MOONSHINE,)),
        ("en=vosk,en-gb=moonshine", "en-US", (Engine.VOSK,)),
        ("en=auto", "en", AUTO),
    ],
)
def test_a_choice_gives_the_engines_of_a_language(text: str, tag: str, engines: tuple[Engine, ...]) -> None:
    assert parse_recognizer_choice(text).engines_for(parse_language(tag)) == engines


def test_the_default_is_auto() -> None:
    assert parse_recognizer_choice("auto") == RecognizerChoice()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "'' is not an engine"),
        ("whisper", "'whisper' is not an engine"),
        ("en=whisper", "'whisper' is not an engine"),
        ("english=vosk", "'english' is not a BCP 47"),
        ("en=vosk,moonshine", "'moonshine' is not a LANGUAGE=VALUE pair"),
        ("en=", "'en=' is not a LANGUAGE=VALUE pair"),
        ("en=vosk,en=moonshine", "en is there twice"),
        ("ko=moonshine", "Moonshine knows only English"),
    ],
)
def test_a_wrong_choice_names_the_setting_the_fault_and_what_is_expected(text: str, fault: str) -> None:
    with pytest.raises(InvalidSetting) as caught:
        parse_recognizer_choice(text)
    assert caught.value.variable == "CALLSCRIBE_RECOGNIZER"
    assert fault in caught.value.message
    assert "expected auto, vosk, moonshine" in caught.value.message


def test_bigger_models_are_pairs_of_language_and_folder() -> None:
    assert parse_vosk_models("") == ()
    assert parse_vosk_models("en=/srv/en, KO-kr=big") == (("en", "/srv/en"), ("ko-KR", "big"))
    with pytest.raises(InvalidSetting, match="CALLSCRIBE_VOSK_MODELS: 'big' is not a LANGUAGE=VALUE pair"):
        parse_vosk_models("big")
