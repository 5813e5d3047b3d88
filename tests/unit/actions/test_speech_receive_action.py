"""speech_receive against a scripted party, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from app.domain.call import PlayOutcome
from app.errors import LanguageNotInstalled
from app.flow.variables import Variables
from app.flow.virtual_time import VirtualTimeLoop
from tests.unit.flow.answer_doubles import ScriptedAnswers, Utterance
from tests.unit.flow.doubles import ScriptedCall, Stage, check, types

PROMPT_SECONDS = 4.0
HINTS = ["sales", "technical support", "billing"]


class TalkingCall(ScriptedCall):
    """A call whose prompts last four seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.played_seconds: list[float] = []

    async def play(self, media: Sequence[str], *, is_stopped_by_digit: bool = False) -> PlayOutcome:
        outcome = await super().play(media, is_stopped_by_digit=is_stopped_by_digit)
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            await asyncio.sleep(PROMPT_SECONDS)
        finally:
            self.played_seconds.append(round(loop.time() - began, 3))
        return outcome


class Asked:
    def __init__(self, *script: Utterance, answers: ScriptedAnswers | None = None, **option: Any) -> None:
        self.answers = answers or ScriptedAnswers(script)
        self.variables = Variables()
        self.call = TalkingCall()
        self.seconds = 0.0
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            runner.run(self._run(option))

    async def _run(self, option: dict[str, Any]) -> None:
        stage = Stage(self.call)
        stage.ports = replace(stage.ports, answers=self.answers)
        self.ended = await stage.run({"type": "speech_receive", "option": option}, variables=self.variables)
        self.seconds = round(asyncio.get_running_loop().time(), 3)

    @property
    def got(self) -> tuple[str, str, str, str]:
        names = ("speech", "speech_status", "speech_text", "speech_confidence")
        values = [self.variables.get(f"voipbin.call.{name}") for name in names]
        return (values[0], values[1], values[2], values[3])


def test_an_answer_is_the_hint_as_it_is_written() -> None:
    asked = Asked(Utterance(1, 2, "Tech support, please.", 0.876), hints=["Sales", "Technical Support"])
    assert asked.got == ("Technical Support", "understood", "Tech support, please.", "0.88")
    assert asked.seconds == 2.0
    assert asked.call.done == [("answer",), ("hang_up", "normal")]
    assert asked.answers.open_ears == 0


def test_without_hints_the_answer_is_the_text() -> None:
    assert Asked(Utterance(1, 2, "My name is Kim.")).got == ("My name is Kim.", "understood", "My name is Kim.", "")


def test_a_wrong_answer_is_not_understood_but_shown() -> None:
    asked = Asked(Utterance(1, 2, "what a lovely day"), hints=HINTS)
    assert asked.got == ("", "not_understood", "what a lovely day", "")
    assert asked.seconds == 2.0


def test_silence_takes_the_time_for_it() -> None:
    asked = Asked(hints=HINTS, timeout=3000)
    assert asked.got == ("", "silence", "", "")
    assert asked.seconds == 3.0


def test_silence_counts_from_the_end_of_the_prompt() -> None:
    assert Asked(prompt="hello", timeout=3000).seconds == PROMPT_SECONDS + 3.0


def test_sounds_without_words_are_not_understood_and_do_not_prolong_it() -> None:
    asked = Asked(Utterance(1, 1.2, ""), Utterance(2, 2.4, ""), timeout=3000)
    assert asked.got == ("", "not_understood", "", "")
    assert asked.seconds == 3.0


def test_a_word_after_a_cough_is_heard() -> None:
    assert Asked(Utterance(1, 1.2, ""), Utterance(2, 2.4, "sales"), hints=HINTS).got[0] == "sales"


def test_speech_stops_the_prompt() -> None:
    asked = Asked(Utterance(1.5, 2.5, "billing"), prompt="hello", hints=HINTS)
    assert asked.call.played_seconds == [1.5]
    assert asked.got[:2] == ("billing", "understood")
    assert asked.seconds == 2.5


def test_without_barge_in_the_prompt_is_played_to_its_end() -> None:
    asked = Asked(Utterance(0.5, 1.5, "sales"), Utterance(5, 6, "billing"), prompt="hello", hints=HINTS, barge_in=False)
    assert asked.call.played_seconds == [PROMPT_SECONDS]
    assert asked.got[:2] == ("billing", "understood")


def test_without_barge_in_an_answer_across_the_end_of_the_prompt_counts() -> None:
    assert Asked(Utterance(3.5, 4.5, "sales"), prompt="hello", hints=HINTS, barge_in=False).got[0] == "sales"


def test_speech_that_goes_on_when_the_time_for_silence_is_up_is_heard_to_its_end() -> None:
    asked = Asked(Utterance(2.5, 6, "sales"), hints=HINTS, timeout=3000)
    assert (asked.got[0], asked.seconds) == ("sales", 6.0)


def test_an_answer_that_is_too_long_counts_as_far_as_it_came() -> None:
    asked = Asked(Utterance(1, 60, "sales and so on"), hints=HINTS, max_length=4000)
    assert (asked.got[0], asked.seconds) == ("sales", 5.0)


def test_no_model_lets_the_flow_go_on_with_empty_variables() -> None:
    asked = Asked(answers=ScriptedAnswers(error=LanguageNotInstalled("fr-FR")), language="fr-FR")
    assert asked.got == ("", "", "", "")
    assert types(asked.ended) == ["speech_receive"]


def test_its_options_reach_the_ear() -> None:
    asked = Asked(hints=["a", "b", "a"], hint_threshold=0.9, end_of_silence=700, language="ko-kr", timeout=0)
    [request] = asked.answers.requests
    assert (request.language, request.hints, request.hint_threshold, request.end_of_silence_ms) == (
        "ko-KR",
        ("a", "b"),
        0.9,
        700,
    )


def test_a_flow_branches_by_the_answer() -> None:
    async def run() -> None:
        stage = Stage(TalkingCall())
        stage.ports = replace(stage.ports, answers=ScriptedAnswers([Utterance(1, 2, "Billing!")]))
        ended = await stage.run(
            {"type": "speech_receive", "option": {"hints": HINTS}},
            {
                "type": "branch",
                "option": {
                    "variable": "voipbin.call.speech",
                    "target_ids": {"sales": "a", "billing": "b"},
                    "default_target_id": "a",
                },
            },
            {"id": "a", "type": "stop"},
            {"id": "b", "type": "beep"},
        )
        assert types(ended) == ["speech_receive", "branch", "beep"]

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(run())


@pytest.mark.parametrize(
    ("option", "place"),
    [
        ({"hints": "sales"}, ".hints"),
        ({"hints": [""]}, ".hints[0]"),
        ({"hints": ["sales", "?!"]}, ".hints[1]"),
        ({"hints": ["x"] * 201}, ".hints"),
        ({"hint_threshold": 2}, ".hint_threshold"),
        ({"timeout": -1}, ".timeout"),
        ({"max_length": 20_000}, ".max_length"),
        ({"barge_in": "yes"}, ".barge_in"),
        ({"language": "english"}, ".language"),
    ],
)
def test_wrong_options_are_named(option: dict[str, Any], place: str) -> None:
    checked = check({"language": "en-US", "actions": [{"type": "speech_receive", "option": option}]})
    assert [each.path for each in checked.findings] == [f"$.actions[0].option{place}"]
