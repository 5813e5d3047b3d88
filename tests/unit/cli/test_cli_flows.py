import json
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
    lines = result.stderr.splitlines()
    assert lines[0].startswith(f"{bad}: $.nmae: found an unknown key, expected one of")
    assert lines[1].startswith(f'{bad}: $.actions[0].type: found "tlak", expected one of')
    assert lines[2].startswith(f"{tmp_path / 'none.json'}: $: found no way to read it")
    assert lines[3] == "3 findings"


def test_a_number_in_two_files_names_both(tmp_path: Path) -> None:
    first, second = write(tmp_path, "a.json", GOOD), write(tmp_path, "b.json", GOOD)
    result = CliRunner().invoke(flows_app, ["check", str(tmp_path)])
    assert result.exit_code == 1
    assert result.stderr.splitlines()[0] == (
        f'{second}: $.numbers[0]: found "7001", expected a number that no other flow has; this one is also in {first}'
    )
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
