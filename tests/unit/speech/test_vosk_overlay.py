"""A model with other files, without a change to what is installed."""

from pathlib import Path

import pytest

from app.speech.vosk_overlay import open_overlay


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    for name in (
        "conf/model.conf",
        "conf/mfcc.conf",
        "graph/HCLr.fst",
        "graph/phones/word_boundary.int",
        "am/final.mdl",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def files_of(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in _list(folder)}


def _list(folder: Path) -> list[Path]:
    found: list[Path] = []
    for path in folder.iterdir():
        found += _list(path) if path.is_dir() else [path]
    return found


def test_a_text_a_file_and_what_is_left_out(model: Path, tmp_path: Path) -> None:
    before = files_of(model)
    other = tmp_path / "other"
    other.write_text("composed")
    changes: dict[str, str | Path | None] = {
        "conf/model.conf": "text",
        "graph/HCLG.fst": other,
        "graph/HCLr.fst": None,
    }
    with open_overlay(model, changes) as folder:
        assert folder != model
        assert files_of(folder) == {
            "conf/model.conf": "text",
            "conf/mfcc.conf": "conf/mfcc.conf",
            "graph/HCLG.fst": "composed",
            "graph/phones/word_boundary.int": "graph/phones/word_boundary.int",
            "am/final.mdl": "am/final.mdl",
        }
    assert not folder.exists()
    assert files_of(model) == before, "what is installed stays as it is"


def test_the_model_itself_where_nothing_differs(model: Path) -> None:
    with open_overlay(model, {}) as folder:
        assert folder == model
