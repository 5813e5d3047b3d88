"""A model with other options: what is said of them, and when they are left as they are."""

from pathlib import Path

import pytest

from app.speech.vosk_tuning import CONFIG, VoskTuning

OWN = "--min-active=200\n--max-active=3000\n--beam=10.0\n--lattice-beam=2.0\n"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "conf").mkdir()
    (tmp_path / CONFIG).write_text(OWN)
    return tmp_path


def changed(model: Path, tuning: VoskTuning, *, is_composed: bool) -> list[str]:
    files = tuning.change(model, is_composed=is_composed)
    assert set(files) <= {CONFIG}
    return files[CONFIG].splitlines() if files else []


@pytest.mark.parametrize("is_composed", [True, False])
def test_what_is_chosen_holds_and_the_rest_stays(model: Path, *, is_composed: bool) -> None:
    assert changed(model, VoskTuning(8, 1500), is_composed=is_composed) == [
        *("--min-active=200", "--lattice-beam=2.0", "--beam=8", "--max-active=1500")
    ]
    assert changed(model, VoskTuning(0, 1000), is_composed=is_composed) == [
        *("--min-active=200", "--beam=10.0", "--lattice-beam=2.0", "--max-active=1000")
    ]
    assert (model / CONFIG).read_text() == OWN


@pytest.mark.parametrize("is_composed", [True, False])
def test_zero_is_the_models_own(model: Path, *, is_composed: bool) -> None:
    assert changed(model, VoskTuning(0, 0), is_composed=is_composed) == []


def test_by_itself_only_a_graph_that_is_composed_while_decoding_is_searched_less(model: Path) -> None:
    assert changed(model, VoskTuning(), is_composed=True) == []
    lines = changed(model, VoskTuning(), is_composed=False)
    assert lines[-2:] == ["--beam=9", "--max-active=2000"]
    (model / CONFIG).write_text("--max-active=1500\n--beam=8.5\n")
    assert changed(model, VoskTuning(), is_composed=False) == [], "never more widely than the model itself"
    (model / CONFIG).write_text("--beam=\n")
    assert changed(model, VoskTuning(), is_composed=False) == []


def test_a_model_without_this_file_is_left_alone(tmp_path: Path) -> None:
    assert VoskTuning(8).change(tmp_path, is_composed=False) == {}
