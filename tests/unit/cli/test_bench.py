import sys
from pathlib import Path

import pytest

from app.cli import bench
from app.errors import InvalidArgument
from app.settings import CHECKOUT
from benchmarks.load.__main__ import read_choice
from benchmarks.load.choice import Choice
from benchmarks.load.plan import Kind


def test_the_harness_takes_over_in_the_checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    began: list[tuple[str, list[str], Path]] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.execv", lambda program, words: began.append((program, words, Path.cwd())))
    bench.run_bench(["--quick"])
    assert began == [(sys.executable, [sys.executable, "-m", "benchmarks.load", "--quick"], CHECKOUT)]


def test_without_a_checkout_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bench, "HARNESS", tmp_path)
    with pytest.raises(InvalidArgument, match="checkout"):
        bench.run_bench([])


def test_the_command_line_is_a_choice() -> None:
    assert read_choice([]) == Choice()
    choice = read_choice(["--quick", "--kind", "ramp", "--engine", "vosk", "--calls", "7", "--no-peer"])
    assert (choice.is_quick, choice.kinds, choice.engines) == (True, (Kind.RAMP,), ("vosk",))
    assert (choice.calls, choice.has_peer) == (7, False)


def test_an_unknown_kind_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read_choice(["--kind", "storm"])
    assert "storm" in capsys.readouterr().err
