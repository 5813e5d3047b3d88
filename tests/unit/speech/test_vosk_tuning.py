"""A model with other options, without a change to what is installed."""

from pathlib import Path

import pytest

from app.speech.vosk_tuning import VoskTuning, open_tuned


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "conf").mkdir(parents=True)
    (folder / "am").mkdir()
    (folder / "am" / "final.mdl").write_text("numbers")
    (folder / "conf" / "model.conf").write_text(
        "--min-active=200\n--max-active=3000\n--beam=10.0\n--lattice-beam=2.0\n"
    )
    (folder / "conf" / "mfcc.conf").write_text("--sample-frequency=16000\n")
    return folder


def test_only_the_options_differ_and_nothing_is_left(model: Path) -> None:
    before = (model / "conf" / "model.conf").read_text()
    with open_tuned(model, VoskTuning(8, 1500)) as tuned:
        assert tuned != model
        assert (tuned / "am" / "final.mdl").read_text() == "numbers"
        assert (tuned / "conf" / "mfcc.conf").read_text() == "--sample-frequency=16000\n"
        lines = (tuned / "conf" / "model.conf").read_text().splitlines()
    assert lines == ["--min-active=200", "--lattice-beam=2.0", "--beam=8", "--max-active=1500"]
    assert not tuned.exists()
    assert (model / "conf" / "model.conf").read_text() == before
    assert (model / "am" / "final.mdl").exists()


def test_one_option_leaves_the_other(model: Path) -> None:
    with open_tuned(model, VoskTuning(max_active=1000)) as tuned:
        lines = (tuned / "conf" / "model.conf").read_text().splitlines()
    assert lines == ["--min-active=200", "--beam=10.0", "--lattice-beam=2.0", "--max-active=1000"]


def test_the_model_itself_where_nothing_differs_or_there_is_nothing_to_change(model: Path) -> None:
    with open_tuned(model, VoskTuning()) as tuned:
        assert tuned == model
    (model / "conf" / "model.conf").unlink()
    with open_tuned(model, VoskTuning(8)) as tuned:
        assert tuned == model
