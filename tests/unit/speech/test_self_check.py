import signal
import sys
from pathlib import Path

import pytest

from app.speech import self_check
from app.speech.catalogue import CATALOGUE, Engine, Source
from app.speech.installed_model import InstalledModel
from app.speech.model_errors import ModelBroken
from app.speech.self_check import check_model

PACKAGED = {
    entry.engine: InstalledModel(str(entry.engine), entry.name, path, entry.language)
    for entry in CATALOGUE
    if entry.source is Source.PACKAGE and (path := entry.packaged_path()) is not None
}


def make_model(folder: Path) -> InstalledModel:
    for name in ("am/final.mdl", "conf/mfcc.conf", "graph/HCLG.fst"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"not a model")
    return InstalledModel("vosk", "mine", folder, "it-IT")


def pretend_child(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> Path:
    """Let a shell script stand for the child; returns the file to which it adds a letter with every run."""
    runs = folder / "runs"
    program = folder / "child"
    program.write_text(f"#!/bin/sh\nprintf x >>{runs}\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    return runs


def test_the_models_of_the_packages_pass_at_8_khz() -> None:
    assert len(PACKAGED) == 2
    for model in PACKAGED.values():
        check_model(model)


def test_a_real_model_that_refuses_8_khz_is_broken_and_says_what_to_do(tmp_path: Path) -> None:
    packaged = PACKAGED[Engine.VOSK].path
    for path in packaged.rglob("*"):
        if path.is_file():
            copy = tmp_path / path.relative_to(packaged)
            copy.parent.mkdir(exist_ok=True, parents=True)
            copy.symlink_to(path)
    conf = (tmp_path / "conf" / "mfcc.conf").read_text().replace("--allow-upsample=true\n", "")
    (tmp_path / "conf" / "mfcc.conf").unlink()
    (tmp_path / "conf" / "mfcc.conf").write_text(conf)
    with pytest.raises(ModelBroken, match=r"Sampling frequency mismatch.*--allow-upsample=true"):
        check_model(InstalledModel("vosk", "copy", tmp_path, "ko-KR"))


def test_a_model_that_the_engine_refuses_is_broken(tmp_path: Path) -> None:
    with pytest.raises(ModelBroken, match=r"could not load it .*: ERROR .*") as caught:
        check_model(make_model(tmp_path))
    assert caught.value.name == "mine"


def test_a_model_that_lacks_files_is_broken_and_says_which(tmp_path: Path) -> None:
    model = make_model(tmp_path)
    (tmp_path / "graph" / "HCLG.fst").unlink()
    with pytest.raises(ModelBroken, match=r"lacks graph/HCLr.fst or graph/HCLG.fst; install it again"):
        check_model(model)
    with pytest.raises(ModelBroken, match="there is no folder"):
        check_model(InstalledModel("moonshine", "tiny-en", tmp_path / "gone", "en-US"))


@pytest.mark.parametrize(
    ("script", "fault"),
    [
        ("kill -SEGV $$", signal.SIGSEGV.name),
        ("kill -ABRT $$", signal.SIGABRT.name),
        ("echo 'ERROR (VoskAPI) Sampling frequency mismatch, expected 16000' >&2; exit 1", "refuses 8 kHz audio"),
        ("exec sleep 60", "within 0.2 s"),
        ("exit 1", "it said nothing"),
    ],
)
def test_a_child_that_ends_badly_is_an_error_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, fault: str
) -> None:
    model = make_model(tmp_path / "model")
    pretend_child(monkeypatch, tmp_path, script)
    with pytest.raises(ModelBroken, match=fault):
        check_model(model, timeout_seconds=0.2 if "sleep" in script else 10)


def test_a_model_that_passed_is_not_loaded_again_until_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, receipts = make_model(tmp_path / "model"), tmp_path / "receipts"
    runs = pretend_child(monkeypatch, tmp_path, "exit 0")
    for _ in range(3):
        check_model(model, receipts=receipts)
    assert runs.read_text() == "x"
    (model.path / "am" / "final.mdl").write_bytes(b"another model")
    check_model(model, receipts=receipts)
    assert runs.read_text() == "xx"
    (receipts / "mine.json").write_text("[damaged")
    check_model(model, receipts=receipts)
    assert runs.read_text() == "xxx"


def test_a_receipt_that_cannot_be_written_only_means_checking_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make_model(tmp_path / "model")
    runs = pretend_child(monkeypatch, tmp_path, "exit 0")
    (tmp_path / "file").write_text("")
    for _ in range(2):
        check_model(model, receipts=tmp_path / "file" / "receipts")
    assert runs.read_text() == "xx"


def test_a_failed_check_leaves_no_receipt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = make_model(tmp_path / "model")
    pretend_child(monkeypatch, tmp_path, "exit 1")
    with pytest.raises(ModelBroken):
        check_model(model, receipts=tmp_path / "receipts")
    assert not (tmp_path / "receipts").exists()
    assert self_check.fingerprint_model(model) == self_check.fingerprint_model(model)
