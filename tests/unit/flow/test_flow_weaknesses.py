"""What the check finds beyond types and options: ways, variables, languages, hints; and how long it takes."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import app.actions
from app.flow.checker import CheckedFlow, check_flow_file
from app.flow.finding import Severity
from app.flow.known_variables import is_known_variable
from tests.unit.flow.doubles import REGISTRY

BEEP: dict[str, Any] = {"type": "beep"}
ANSWER: dict[str, Any] = {"type": "answer"}
STOP: dict[str, Any] = {"type": "stop"}


class KnownSpeech:
    """English and Korean are there; the English model knows three words."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def explain_missing(self, language: str) -> str:
        self.asked.append(language)
        return "" if language in {"en-US", "ko-KR"} else f"install one with: callscribe models install {language}"

    def find_unknown_words(self, language: str, phrases: Sequence[str]) -> Sequence[str]:
        known = {"sales", "support", "yes"}
        return [word for phrase in phrases for word in phrase.split() if language == "en-US" and word not in known]


def check(*actions: object, speech: KnownSpeech | None = None, **more: object) -> CheckedFlow:
    content = json.dumps({"language": "en-US", "actions": list(actions)} | more).encode()
    return check_flow_file(content, file="x.json", name_key="x", registry=REGISTRY, speech=speech)


def found(*actions: object, speech: KnownSpeech | None = None, **more: object) -> list[tuple[str, str]]:
    return [(each.path, each.severity.value) for each in check(*actions, speech=speech, **more).findings]


def goto(target: str, count: int = 1, **entry: object) -> dict[str, Any]:
    return {"type": "goto", "option": {"target_id": target, "loop_count": count}, **entry}


def branch(default: str = "", **targets: str) -> dict[str, Any]:
    return {"type": "branch", "option": {"default_target_id": default, "target_ids": targets}}


def talk(text: str, **option: object) -> dict[str, Any]:
    return {"type": "talk", "option": {"text": text, **option}}


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        ([{"id": "a", **ANSWER}, {**ANSWER, "next_id": "a"}], [("$.actions[1].next_id", "error")]),
        ([{"id": "a", **BEEP}, {**ANSWER, "next_id": "a"}], [("$.actions[1].next_id", "warning")]),
        ([{"id": "a", **ANSWER}, goto("a", 3)], []),
        ([{"id": "a", **ANSWER}, goto("a", 3, next_id="a")], [("$.actions[1].next_id", "error")]),
        ([{"id": "a", **BEEP}, branch("a")], [("$.actions[1]", "warning")]),
        ([{"id": "a", **BEEP}, branch("a", b="b"), {"id": "b", **STOP}], []),
        ([{"id": "a", **BEEP}, branch("", b="a")], []),
        ([{"id": "a", **BEEP}, branch("${voipbin.call.digits}", b="a")], []),
        (
            [goto("c"), {"id": "b", **ANSWER, "next_id": "b"}, {"id": "c", **STOP}],
            [("$.actions[1].next_id", "error")],
        ),
    ],
)
def test_loops_without_an_exit(actions: list[object], expected: list[tuple[str, str]]) -> None:
    assert found(*actions) == expected


def test_a_loop_says_where_it_goes_back_to() -> None:
    [finding] = check({"id": "a", **BEEP}, ANSWER, {**ANSWER, "next_id": "a"}).findings
    assert finding.found == "a loop back to $.actions[0] without an exit"


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        ([STOP, BEEP], [1]),
        ([{**ANSWER, "next_id": "c"}, BEEP, {"id": "c", **BEEP}], [1]),
        ([branch("c"), BEEP, {"id": "c", **BEEP}], [1]),
        ([branch("${c}"), BEEP, {"id": "c", **BEEP}], []),
        ([STOP, {"id": "a", **BEEP}, BEEP], [1, 2]),
        ([goto("c"), BEEP, {"id": "c", **BEEP}], []),
    ],
)
def test_actions_to_which_nothing_leads(actions: list[object], expected: list[int]) -> None:
    unreached = [each for each in check(*actions).findings if "nothing leads" in each.found]
    assert [each.path for each in unreached] == [f"$.actions[{place}]" for place in expected]
    assert all(each.severity is Severity.WARNING for each in unreached)


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        ([talk("${voipbin.call.source.name} ${voipbin.call.digits}")], []),
        ([talk("${name}")], ["$.actions[0].option.text"]),
        ([{"type": "variable_set", "option": {"key": "name", "value": "x"}}, talk("${name}")], []),
        ([{"type": "variable_set", "option": {"key": "${voipbin.call.id}", "value": "x"}}, talk("${name}")], []),
        ([talk("${voipbin.call.digts}")], ["$.actions[0].option.text"]),
        ([{"type": "branch", "option": {"variable": "voipbin.call.speech"}}], []),
        ([{"type": "branch", "option": {"variable": "voipbin.call.spech"}}], ["$.actions[0].option.variable"]),
        ([{"type": "branch", "option": {"variable": "${mine}"}}], ["$.actions[0].option.variable"]),
        ([{"type": "play", "option": {"stream_urls": ["http://a/${b}", "${c}"]}}],
         ["$.actions[0].option.stream_urls[0]", "$.actions[0].option.stream_urls[1]"]),
    ],
)  # fmt: skip
def test_variables_that_nothing_sets(actions: list[object], expected: list[str]) -> None:
    checked = check(*actions)
    assert [each.path for each in checked.findings if "the variable" in each.found] == expected
    assert checked.flow is not None, "clients may supply them, so they are no error"


def test_a_misspelt_variable_is_pointed_out() -> None:
    [finding] = check(talk("${voipbin.call.digts}")).findings
    assert 'did you mean "voipbin.call.digits"?' in finding.expected


def test_the_names_that_our_own_code_sets_are_known() -> None:
    folder = Path(app.actions.__file__).parent
    names = set()
    for path in [*folder.glob("*.py"), *folder.parent.glob("flow/*.py"), *folder.parent.glob("application/*.py")]:
        text = path.read_text(encoding="utf-8")
        names |= set(re.findall(r'"(voipbin\.[a-z_]+\.[a-z_.]*[a-z_])"', text))
    assert len(names) > 20
    groups = {"voipbin.call.source", "voipbin.call.destination"}
    assert [name for name in sorted(names - groups) if not is_known_variable(name)] == []


def test_a_language_without_a_model_is_told_with_the_command() -> None:
    start = {"type": "transcribe_start", "option": {"language": "fr-fr"}}
    checked = check(ANSWER, start, start, speech=KnownSpeech())
    assert [(each.path, each.severity.value) for each in checked.findings] == [
        ("$.actions[1].option.language", "warning"),
        ("$.actions[2].option.language", "warning"),
    ]
    assert "callscribe models install fr-FR" in checked.findings[0].expected
    assert checked.flow is not None


def test_the_language_of_a_flow_is_told_once_and_looked_up_once() -> None:
    speech = KnownSpeech()
    start = {"type": "transcribe_start"}
    assert found(ANSWER, start, start, language="fr-FR", speech=speech) == [("$.language", "warning")]
    assert speech.asked == ["fr-FR"]
    assert found(talk("bonjour"), language="fr-FR", speech=KnownSpeech()) == [], "voices are another thing"
    assert found({"type": "transcribe_start", "option": {"language": "${l}"}}, speech=KnownSpeech()) == [
        ("$.actions[0].option.language", "warning")
    ], "the variable, not the language"


def test_words_that_a_model_does_not_know_are_told_for_each_hint() -> None:
    option = {"hints": ["sales", "technical support", "${x}", "yes"]}
    checked = check({"type": "speech_receive", "option": option}, speech=KnownSpeech())
    assert [each.path for each in checked.findings] == [
        "$.actions[0].option.hints[1]",
        "$.actions[0].option.hints[2]",
    ]
    assert checked.findings[0].found == '"technical" in a hint'
    assert (
        found({"type": "speech_receive", "option": {"hints": ["sales"], "language": "ko-KR"}}, speech=KnownSpeech())
        == []
    )


def test_errors_and_warnings_come_at_once() -> None:
    actions = [talk("${name}"), {"type": "transcribe_start", "option": {"language": "fr-FR"}}, {"type": "tlak"}]
    assert sorted(found(*actions, speech=KnownSpeech())) == [
        ("$.actions[0].option.text", "warning"),
        ("$.actions[1].option.language", "warning"),
        ("$.actions[2].type", "error"),
    ]


def test_a_thousand_actions_are_checked_in_a_moment() -> None:
    actions: list[dict[str, Any]] = []
    for index in range(250):
        actions += [
            {"id": f"a{index}", **talk("Hello ${voipbin.call.source.name}")},
            {"type": "speech_receive", "option": {"hints": ["sales", "support", "yes"]}},
            branch(f"a{index}", **{"1": f"a{(index * 7) % 250}", "2": f"b{index}"}),
            {"id": f"b{index}", "type": "variable_set", "option": {"key": "k", "value": "${k}"}},
        ]
    checks = []
    for _ in range(5):
        began = time.process_time()
        checked = check(*actions, speech=KnownSpeech())
        checks.append(time.process_time() - began)
        assert checked.findings == ()
    assert min(checks) < 0.1, checks
