"""`callscribe flows simulate`: the path of a flow, printed without a telephone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app.cli.flows import flows_app
from app.errors import InvalidArgument

ROOT = Path(__file__).parents[3]

MENU: list[dict[str, Any]] = [
    {"type": "answer"},
    {"type": "transcribe_start"},
    {"id": "menu", "type": "talk", "option": {"text": "Press one, ${name}."}},
    {"type": "digits_receive", "option": {"duration": 3000, "length": 4, "key": "#"}},
    {"type": "branch", "option": {"target_ids": {"12": "sales"}, "default_target_id": "again"}},
    {"id": "again", "type": "goto", "option": {"target_id": "menu", "loop_count": 1}},
    {"type": "hangup", "option": {"reason": "busy"}},
    {"id": "sales", "type": "talk", "option": {"text": "You called ${voipbin.call.destination.target}."}},
]


def simulate(tmp_path: Path, actions: list[dict[str, Any]], *words: str, language: str = "en-US") -> list[str]:
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"numbers": ["7003"], "language": language, "actions": actions}))
    result = CliRunner().invoke(flows_app, ["simulate", str(path), *words])
    assert result.exit_code == 0, result.output
    return [line.strip() for line in result.stdout.splitlines()]


def test_digits_lead_the_way(tmp_path: Path) -> None:
    lines = simulate(tmp_path, MENU, "--digits", "12#", "--variable", "name=Kim")
    assert lines[0] == "0.0 s  $.actions[0] answer"
    assert "the call is transcribed from now on: en-US, both" in lines
    assert "the caller hears: Press one, Kim." in lines
    assert [line for line in lines if "presses" in line] == [f"the caller presses {digit}" for digit in "12#"]
    assert "the caller hears: You called 7003." in lines
    assert "the call is hung up, reason normal" in lines
    assert any(line.startswith("The flow has ended after 6 actions") for line in lines)
    assert lines[-1] == "name = Kim"


def test_silence_takes_its_time_at_once(tmp_path: Path) -> None:
    lines = simulate(tmp_path, MENU)
    assert sum("digits_receive" in line for line in lines) == 2
    assert "the call is hung up, reason busy" in lines
    assert any(line.startswith("The flow has ended") and float(line.split()[-2]) > 6 for line in lines)


def test_the_number_can_be_another_one(tmp_path: Path) -> None:
    assert "the caller hears: You called 7999." in simulate(tmp_path, MENU, "--digits", "12#", "--number", "7999")


def test_our_ivr_by_voice() -> None:
    words = ["--say", "what a day", "--say", "Opening hours, please.", "--say", "no"]
    result = CliRunner().invoke(flows_app, ["simulate", str(ROOT / "flows" / "ivr-voice.json"), *words])
    assert result.exit_code == 0, result.output
    heard = [line.partition("hears: ")[2] for line in result.stdout.splitlines() if "hears: " in line]
    assert "I am sorry, I did not understand that." in heard
    assert "We are here from nine to five, Monday to Friday." in heard
    assert heard[-1] == "Goodbye."


def test_our_ivr_by_voice_with_somebody_silent() -> None:
    result = CliRunner().invoke(flows_app, ["simulate", str(ROOT / "flows" / "ivr-voice.json")])
    assert result.stdout.count("I cannot hear you.") == 3
    assert "Somebody will call you back." in result.stdout


def test_a_loop_is_stopped_by_the_limit_with_a_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLSCRIBE_FLOW_MAX_ACTIONS", "1200")
    lines = simulate(tmp_path, [{"id": "a", "type": "beep"}, {"type": "beep", "next_id": "a"}])
    assert any("flow ended at its limit of actions: limit=1200" in line for line in lines)
    assert any(line.startswith("... and ") for line in lines)
    assert len(lines) < 450


def test_failures_are_told_at_their_place(tmp_path: Path) -> None:
    lines = simulate(tmp_path, [{"type": "answer"}, {"type": "transcribe_start"}, {"type": "beep"}], language="xh-ZA")
    place = next(index for index, line in enumerate(lines) if line.startswith("! action failed"))
    assert "no speech model for xh-ZA is installed" in lines[place]
    assert "transcribe_start" in lines[place - 1]
    assert "beep" in lines[place + 1]


def test_what_needs_other_parties_is_told(tmp_path: Path) -> None:
    connect = {"type": "connect", "option": {"destinations": [{"type": "extension", "target_name": "1001"}]}}
    lines = simulate(tmp_path, [connect, {"type": "beep"}])
    assert "connect is not played here, the flow goes on" in lines
    assert "the caller hears tone:beep" in lines


def test_a_broken_flow_is_not_walked(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"actions": [{"type": "tlak"}, {"type": "beep", "next_id": "x"}]}))
    result = CliRunner().invoke(flows_app, ["simulate", str(path)])
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "$.actions[0].type" in result.stderr
    assert "$.actions[1].next_id" in result.stderr


@pytest.mark.parametrize("words", [("--digits", "12x"), ("--variable", "name")])
def test_wrong_options_are_named(tmp_path: Path, words: tuple[str, str]) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"actions": [{"type": "beep"}]}))
    result = CliRunner().invoke(flows_app, ["simulate", str(path), *words])
    assert isinstance(result.exception, InvalidArgument)
    assert words[0] in str(result.exception)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(flows_app, ["simulate", str(tmp_path / "none.json")])
    assert isinstance(result.exception, InvalidArgument)
    assert "none.json" in str(result.exception)
