"""`callscribe flows simulate`: the path of a flow, printed without a telephone."""

from __future__ import annotations

import json
import signal
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


def simulate(
    tmp_path: Path, actions: list[dict[str, Any]], *words: str, language: str = "en-US", exit_code: int = 0
) -> list[str]:
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"numbers": ["7003"], "language": language, "actions": actions}))
    result = CliRunner().invoke(flows_app, ["simulate", str(path), *words])
    assert result.exit_code == exit_code, result.output
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
    assert lines[-4] == "name = Kim"
    assert lines[-1] == "voipbin.transcribe.language = en-US"
    pressed = lines.index("the caller presses #")
    assert lines[pressed + 1] == "voipbin.call.digits = 12"
    assert lines[pressed + 3] == "voipbin.call.digits is empty now", "branch has read it"


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
    lines = simulate(tmp_path, [{"id": "a", "type": "beep"}, {"type": "beep", "next_id": "a"}], exit_code=1)
    assert any("flow ended at its limit of actions: limit=1200" in line for line in lines)
    assert any(line.startswith("... and ") for line in lines)
    assert len(lines) < 450


def test_failures_are_told_at_their_place(tmp_path: Path) -> None:
    lines = simulate(tmp_path, [{"type": "answer"}, {"type": "transcribe_start"}, {"type": "beep"}], language="xh-ZA")
    place = next(index for index, line in enumerate(lines) if line.startswith("! action failed"))
    assert "no speech model for xh-ZA is installed" in lines[place]
    assert "transcribe_start" in lines[place - 1]
    assert "beep" in lines[place + 1]


CONNECT = {"type": "connect", "option": {"destinations": [{"type": "extension", "target_name": "1001"}]}}


def statuses(lines: list[str], name: str) -> list[str]:
    """What became of a variable, without the list at the end."""
    end = next(index for index, line in enumerate(lines) if " after " in line)
    return [line.partition(" = ")[2] for line in lines[:end] if line.startswith(f"{name} = ")]


def test_connects_end_as_told(tmp_path: Path) -> None:
    assert statuses(simulate(tmp_path, [CONNECT]), "voipbin.connect.status") == ["answered"]
    lines = simulate(tmp_path, [CONNECT, CONNECT, CONNECT], "--connect", "noanswer", "--connect", "busy")
    assert statuses(lines, "voipbin.connect.status") == ["noanswer", "busy"], "the last one stays"
    assert lines.count("rung: extension 1001") == 3
    assert lines.count("nobody answers: busy") == 2


@pytest.mark.parametrize(
    ("words", "heard"),
    [
        ([], "Thank you for your call. Goodbye."),
        (["--queue", "timeout"], "We are sorry that nobody was free. Please call again later. Goodbye."),
    ],
)
def test_our_queue(words: list[str], heard: str) -> None:
    lines = walk_ours("call-queue-recording", *words)
    assert f"the caller hears: {heard}" in lines
    assert lines.index("the call is recorded from now on (wav)") < lines.index("the recording has ended")


def walk_ours(name: str, *words: str) -> list[str]:
    result = CliRunner().invoke(flows_app, ["simulate", str(ROOT / "flows" / f"{name}.json"), *words])
    assert result.exit_code == 0, result.output
    return [line.strip() for line in result.stdout.splitlines()]


def test_our_menu_at_night_and_by_day() -> None:
    words = ["--digits", "19", "--at"]
    assert any("We are closed now." in line for line in walk_ours("ivr-digits", *words, "2026-11-22T12:00"))
    assert any("We are open until 5" in line for line in walk_ours("ivr-digits", *words, "2026-11-23 12:00"))


def test_our_voicemail_and_what_follows(tmp_path: Path) -> None:
    lines = walk_ours("voicemail", "--say", "please call me")
    assert "the caller says: please call me" in lines
    assert "the flow voicemail-message would follow" in lines
    words = ["--no-call", "--variable", "voipbin.recording.id=8b3f0a6e-2f64-4d8e-9a77-3d1c5c0a7f11"]
    lines = walk_ours("voicemail-message", *words)
    assert any(line.startswith("POST http://127.0.0.1:9000/voicemail ") for line in lines)


@pytest.mark.parametrize("name", ["quality-assurance", "conference-transcripts", "demo", "korean"])
def test_our_other_flows(name: str) -> None:
    assert any(line.startswith("The flow has ended after ") for line in walk_ours(name))


def test_flows_that_come_from_elsewhere(tmp_path: Path) -> None:
    again = {"language": "en-US", "actions": [{"type": "talk", "option": {"text": "another file"}}]}
    (tmp_path / "other.json").write_text(json.dumps(again))
    reply = tmp_path / "reply.txt"
    reply.write_text('[{"type": "talk", "option": {"text": "fetched for ${name}"}}]')
    webhook = tmp_path / "webhook.txt"
    webhook.write_text('{"name": "Kim"}')
    send = {"type": "webhook_send", "option": {"uri": "http://127.0.0.1/x", "sync": True}}
    fetch = {"type": "fetch", "option": {"event_url": "http://127.0.0.1/y"}}
    fetch_flow = {"type": "fetch_flow", "option": {"flow_id": "other"}}
    lines = simulate(tmp_path, [send, fetch, fetch_flow], "--fetch", str(reply), "--webhook", str(webhook))
    assert "the caller hears: fetched for Kim" in lines
    assert "the caller hears: another file" in lines
    assert any(line.endswith("s  other $.actions[0] talk") for line in lines)
    assert any(line.endswith("s  fetched $.actions[0] talk") for line in lines)


def test_a_flow_that_fetches_itself_is_stopped(tmp_path: Path) -> None:
    lines = simulate(tmp_path, [{"type": "fetch_flow", "option": {"flow_id": "x"}}], exit_code=1)
    assert any("expected fewer nested flows" in line for line in lines)


def test_the_caller_hangs_up(tmp_path: Path) -> None:
    record: dict[str, Any] = {"type": "recording_start", "option": {"on_end_flow_id": "later"}}
    loop: list[dict[str, Any]] = [
        {"type": "answer"},
        record,
        {"id": "a", "type": "beep"},
        {"type": "beep", "next_id": "a"},
    ]
    lines = simulate(tmp_path, loop, "--hangup-after", "20")
    assert lines.index("the caller has hung up") < lines.index("the recording has ended")
    assert any(line.startswith("The caller has hung up after ") and line.endswith(" 20.0 s") for line in lines)


def test_a_call_lasts_no_longer_than_the_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLSCRIBE_MAX_CALL_SECONDS", "50")
    lines = simulate(tmp_path, [{"type": "sleep", "option": {"duration": 86_400_000}}])
    assert any(line.startswith("The call was ended at its longest time after 1 actions") for line in lines)


def test_a_flow_that_waits_for_ever_ends(tmp_path: Path) -> None:
    lines = simulate(tmp_path, [{"type": "block"}], "--no-call")
    assert lines[-1] == "The flow waits until somebody stops it after 1 actions"


def test_ctrl_c_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"actions": [{"id": "a", "type": "beep"}, {"type": "beep", "next_id": "a"}]}))
    steps = 0

    def press(printer: object, text: str) -> None:
        nonlocal steps
        steps += 1
        if steps == 50:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("app.cli.simulate._Printer.tell", press)
    result = CliRunner().invoke(flows_app, ["simulate", str(path)])
    assert result.exit_code != 0
    assert "stopped before the flow has ended" in result.stderr
    assert steps < 100


def test_a_broken_flow_is_not_walked(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"actions": [{"type": "tlak"}, {"type": "beep", "next_id": "x"}]}))
    result = CliRunner().invoke(flows_app, ["simulate", str(path)])
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "$.actions[0].type" in result.stderr
    assert "$.actions[1].next_id" in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("--digits", "12x"),
        ("--variable", "name"),
        ("--variable", "voipbin.call.id=x"),
        ("--fetch", "/no/such/file"),
        ("--webhook", "/no/such/file"),
    ],
)
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
