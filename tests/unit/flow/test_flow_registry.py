import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import app.actions
from app.flow.action import LegState, OnFailure
from app.flow.action_registry import ActionRegistryError, load_actions
from tests.unit.flow.contract_types import CONTRACT_TYPES, OWN_TYPES
from tests.unit.flow.doubles import REGISTRY

GOOD = """
from app.flow.action import ActionContext, NoOptions, Outcome, Next, action

@action("{name}", options=NoOptions, needs=None)
async def run(context: ActionContext, options: NoOptions) -> Outcome:
    "Do nothing."
    return Next()
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    folder = tmp_path / "trial_actions"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield import_module("trial_actions")
    for name in [each for each in sys.modules if each.split(".")[0] == "trial_actions"]:
        del sys.modules[name]


def write(package: ModuleType, name: str, text: str) -> None:
    (Path(package.__path__[0]) / f"{name}.py").write_text(text)


def test_actions_are_found_by_walking(package: ModuleType) -> None:
    write(package, "one", GOOD.format(name="one"))
    write(package, "two", "from trial_actions.one import run as other\n" + GOOD.format(name="two"))
    registry = load_actions(package)
    assert registry.types == ("one", "two")
    assert registry.find("three") is None


def test_a_name_that_occurs_twice_stops_the_program(package: ModuleType) -> None:
    write(package, "one", GOOD.format(name="one"))
    write(package, "two", GOOD.format(name="one"))
    with pytest.raises(ActionRegistryError, match=r"one is defined in trial_actions.one and in trial_actions.two"):
        load_actions(package)


def test_a_module_without_an_action_stops_the_program(package: ModuleType) -> None:
    write(package, "one", "")
    with pytest.raises(ActionRegistryError, match=r"trial_actions.one defines no action"):
        load_actions(package)


def test_an_import_error_stops_the_program(package: ModuleType) -> None:
    write(package, "one", "import no_such_module_anywhere")
    with pytest.raises(ImportError):
        load_actions(package)


def test_our_actions_are_one_file_each_named_as_in_the_contract() -> None:
    assert load_actions(app.actions).types == REGISTRY.types
    assert set(REGISTRY.types) == CONTRACT_TYPES | OWN_TYPES
    for spec in REGISTRY:
        assert spec.module == f"app.actions.{spec.name}"
        assert spec.text.splitlines()[0].endswith(".")
        assert all(field.description for field in spec.options.model_fields.values())


def test_failure_and_waiting_are_as_in_the_contract() -> None:
    """Contract 8 and 8.1, but for connect, whose failure lets the flow go on with the reason in a variable."""
    ours = set(REGISTRY.types)
    assert {spec.name for spec in REGISTRY if spec.on_failure is OnFailure.END} == ours & {
        *("ai_summary", "ai_talk", "ai_task", "block", "branch", "call", "conference_join", "goto", "hangup", "stop"),
        *("condition_call_digits", "condition_call_status", "condition_datetime", "condition_variable"),
        *("fetch", "fetch_flow", "message_send", "queue_join"),
    }
    assert {spec.name for spec in REGISTRY if spec.is_blocking} == ours & {
        *(
            "ai_summary",
            "ai_talk",
            "ai_task",
            "amd",
            "beep",
            "block",
            "confbridge_join",
            "connect",
            "digits_receive",
            "digits_send",
            "echo",
        ),
        *("fetch", "play", "queue_join", "sleep", "speech_receive", "stream_echo", "talk", "transcribe_recording"),
    }
    assert {spec.name for spec in REGISTRY if spec.needs is None} == ours & {
        *("ai_summary", "ai_task", "block", "branch", "call", "case_create", "condition_datetime"),
        *("condition_variable", "conversation_send", "email_send", "fetch", "fetch_flow", "goto", "message_send"),
        *("stop", "transcribe_recording", "variable_set", "webhook_send"),
    }
    assert {spec.name for spec in REGISTRY if spec.needs is LegState.ANSWERED} == ours & {
        *("amd", "echo", "mute", "recording_start", "stream_echo", "transcribe_start"),
        *("external_media_start",),
    }
