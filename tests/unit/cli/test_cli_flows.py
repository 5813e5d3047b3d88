import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli.flows import flows_app

GOOD = {"numbers": ["7001"], "language": "en-US", "actions": [{"type": "talk", "option": {"text": "hi"}}]}


def write(folder: Path, name: str, content: object) -> Path:
    path = folder / name
    path.write_text(json.dumps(content))
    return path


def test_a_good_file(tmp_path: Path) -> None:
    path = write(tmp_path, "a.json", GOOD)
    result = CliRunner().invoke(flows_app, ["check", str(path)])
    assert (result.exit_code, result.stdout) == (0, f"{path}: ok\n")


def test_findings_come_all_at_once(tmp_path: Path) -> None:
    good = write(tmp_path, "a.json", GOOD)
    bad = write(tmp_path, "b.json", GOOD | {"nmae": 1, "actions": [{"type": "tlak"}]})
    result = CliRunner().invoke(flows_app, ["check", str(good), str(bad), str(tmp_path / "none.json")])
    assert result.exit_code == 1
    assert result.stdout == f"{good}: ok\n"
    rows = [re.split(r"  +", line) for line in result.stderr.splitlines()]
    assert rows[0] == ["SEVERITY", "FILE", "PATH", "WHAT"]
    assert rows[1][:3] == ["error", str(bad), "$.nmae"]
    assert rows[1][3].startswith("found an unknown key, expected one of")
    assert rows[2][:3] == ["error", str(bad), "$.actions[0].type"]
    assert rows[3][:3] == ["error", str(tmp_path / "none.json"), "$"]
    assert rows[4] == ["3 errors"]


def test_warnings_are_shown_and_refuse_nothing(tmp_path: Path) -> None:
    path = write(
        tmp_path, "a.json", GOOD | {"actions": [{"type": "transcribe_start", "option": {"language": "xh-ZA"}}]}
    )
    result = CliRunner().invoke(flows_app, ["check", str(path)])
    assert (result.exit_code, result.stdout) == (0, f"{path}: ok\n")
    assert "$.actions[0].option.language" in result.stderr
    assert "callscribe models install xh-ZA" in result.stderr
    assert result.stderr.splitlines()[-1] == "1 warning"


def test_without_files_the_flow_folder_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "a.json", GOOD)
    monkeypatch.setenv("CALLSCRIBE_FLOWS", str(tmp_path))
    assert CliRunner().invoke(flows_app, ["check"]).stdout == f"{path}: ok\n"


def test_a_number_in_two_files_names_both(tmp_path: Path) -> None:
    first, second = write(tmp_path, "a.json", GOOD), write(tmp_path, "b.json", GOOD)
    result = CliRunner().invoke(flows_app, ["check", str(tmp_path)])
    assert result.exit_code == 1
    assert re.split(r"  +", result.stderr.splitlines()[1]) == [
        *("error", str(second), "$.numbers[0]"),
        f'found "7001", expected a number that no other flow has; this one is also in {first}',
    ]
    assert CliRunner().invoke(flows_app, ["check", str(first), str(first)]).exit_code == 0


def test_a_file_with_another_ending(tmp_path: Path) -> None:
    path = write(tmp_path, "a.txt", GOOD)
    result = CliRunner().invoke(flows_app, ["check", str(path)])
    assert "expected a name that ends in .json" in result.stderr


@pytest.mark.parametrize("command", ["schema", "docs"])
def test_generated_texts_are_printed_or_written(command: str, tmp_path: Path) -> None:
    printed = CliRunner().invoke(flows_app, [command])
    assert printed.exit_code == 0
    to = tmp_path / "out"
    written = CliRunner().invoke(flows_app, [command, "--write", "--to", str(to)])
    assert written.exit_code == 0
    assert to.read_text(encoding="utf-8") == printed.stdout
