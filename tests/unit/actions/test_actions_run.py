import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.actions import sleep as sleep_module
from app.actions import talk as talk_module
from app.actions.play import to_media
from app.domain.call import HangupReason, PlayOutcome
from app.domain.transcribe import Direction
from app.errors import Unavailable
from app.flow.flow_ids import to_flow_id
from tests.unit.flow.doubles import ScriptedCall, Stage, types

BEEP = {"type": "beep"}
ANSWER = {"type": "answer"}
PLAYED_BEEP = ("play", "tone:beep")
UUID = "8c5a9e2a-2a7f-4a6f-9f1d-debd72c279ce"


def talk(text: str = "hi", **option: Any) -> Mapping[str, Any]:
    return {"type": "talk", "option": {"text": text, **option}}


def set_to(key: str, value: str, **entry: Any) -> Mapping[str, Any]:
    return {"type": "variable_set", "option": {"key": key, "value": value}, **entry}


def goto(target: str, count: Any = None, **entry: Any) -> Mapping[str, Any]:
    return {
        "type": "goto",
        "option": {"target_id": target, **({} if count is None else {"loop_count": count})},
        **entry,
    }


async def test_answer_answers_once() -> None:
    stage = Stage()
    await stage.run(ANSWER, ANSWER)
    assert stage.call.done == [("answer",), ("hang_up", "normal")]


async def test_talk_answers_and_speaks_in_the_flows_language() -> None:
    stage = Stage()
    await stage.run(talk("안녕"), talk("hello", language="en-us"), language="ko-KR")
    assert stage.call.done == [
        ("answer",),
        ("play", "sound:http://app/ko-KR/안녕"),
        ("play", "sound:http://app/en-US/hello"),
        ("hang_up", "normal"),
    ]


async def test_talk_passes_ssml_and_takes_the_options_of_voipbin() -> None:
    stage = Stage()
    ssml = '<speak>a<break time="1s"/></speak>'
    await stage.run(talk(ssml, provider="gcp", voice_id="en-US-Wavenet-F", digits_handle=""))
    assert stage.call.done[1] == ("play", f"sound:http://app/en-US/{ssml}")


async def test_talk_is_stopped_by_a_digit_when_asked() -> None:
    stage = Stage(ScriptedCall(plays=[PlayOutcome.STOPPED_BY_DIGIT]))
    await stage.run(talk(digits_handle="next"), BEEP)
    assert stage.call.done[1:3] == [("play", "sound:http://app/en-US/hi", "until digit"), PLAYED_BEEP]


async def test_talk_without_a_voice_goes_on() -> None:
    stage = Stage()
    stage.prompts.error = Unavailable("no voice")
    await stage.run(talk(), BEEP)
    assert stage.call.done == [("answer",), PLAYED_BEEP, ("hang_up", "normal")]


async def test_talk_that_takes_too_long_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(talk_module, "SYNTHESIS_SECONDS", 0)
    stage = Stage()
    stage.prompts.gate = asyncio.Event()
    await stage.run(talk(), BEEP)
    assert stage.call.done == [("answer",), PLAYED_BEEP, ("hang_up", "normal")]


async def test_talk_in_the_background_lets_the_flow_go_on() -> None:
    stage = Stage()
    stage.prompts.gate = asyncio.Event()
    await stage.run({"type": "talk", "option": {"text": "hi", "async": True}}, BEEP)
    assert stage.call.done == [("answer",), PLAYED_BEEP, ("hang_up", "normal")]


async def test_play_does_not_answer_and_plays_in_order() -> None:
    stage = Stage()
    await stage.run({"type": "play", "option": {"stream_urls": ["http://a/1.wav", "sound:https://b/2,3.wav?x=1"]}})
    assert stage.call.done[0] == ("play", "sound:http://a/1.wav", "sound:https://b/2%2C3.wav?x=1")


@pytest.mark.parametrize(
    "url",
    ["", "sound:", "sound:hello", "/etc/passwd", "file:///x", "ftp://a/b", "http:///x", "http://", "http://a b/c", "http://a/\nb",
     "http://[::1", "http://a:99999/x", "http://a:0x/x", "recording:x", "tone:ring"],
)  # fmt: skip
def test_play_refuses_other_urls(url: str) -> None:
    with pytest.raises(ValueError, match=r"an http:// or https:// URL"):
        to_media(url)


@given(st.text(max_size=30))
def test_play_never_breaks_on_a_url(text: str) -> None:
    for url in (text, f"http://{text}", f"sound:https://a/{text}"):
        try:
            media = to_media(url)
        except ValueError:
            continue
        assert media.startswith(("sound:http://", "sound:https://"))
        assert "," not in media


async def test_beep_does_not_answer() -> None:
    stage = Stage()
    await stage.run(BEEP)
    assert stage.call.done == [PLAYED_BEEP, ("hang_up", "normal")]


async def test_sleep_waits_milliseconds(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    async def note(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(sleep_module, "wait", note)
    await Stage().run({"type": "sleep", "option": {"duration": 1500}}, {"type": "sleep", "option": {"duration": 0}})
    assert waited == [1.5, 0]


async def test_sleep_takes_its_duration_from_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    async def note(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(sleep_module, "wait", note)
    await Stage().run(set_to("x", "250"), {"type": "sleep", "option": {"duration": "${x}0"}})
    assert waited == [2.5]


async def test_hangup_ends_the_flow_with_its_reason() -> None:
    stage = Stage()
    await stage.run({"type": "hangup", "option": {"reason": "busy"}}, BEEP)
    assert stage.call.done == [("hang_up", "busy")]


async def test_hangup_takes_the_reason_of_another_call() -> None:
    stage = Stage()
    other = stage.calls.add_ended(HangupReason.NOANSWER)
    await stage.run({"type": "hangup", "option": {"reference_id": other}})
    assert stage.call.done == [("hang_up", "noanswer")]


@pytest.mark.parametrize("is_known", [True, False])
async def test_hangup_keeps_its_reason_when_the_other_call_has_none(is_known: bool) -> None:
    stage = Stage()
    other = stage.calls.add_ended(HangupReason.NONE) if is_known else UUID
    await stage.run({"type": "hangup", "option": {"reason": "busy", "reference_id": other}})
    assert stage.call.done == [("hang_up", "busy")]


async def test_transcribe_start_passes_its_options_and_sets_variables() -> None:
    stage = Stage()
    option = {
        "language": "ko-kr",
        "direction": "in",
        "provider": "gcp",
        "on_end_flow_id": "after",
        "end_of_silence_ms": 400,
    }
    show = talk("${voipbin.transcribe.id} ${voipbin.transcribe.language} ${voipbin.transcribe.direction}")
    ended = await stage.run(ANSWER, {"type": "transcribe_start", "option": option}, show)
    [started] = stage.transcribes.started
    record = started["record"]
    assert (record.language, record.direction, record.provider) == ("ko-KR", Direction.IN, "gcp")
    assert (record.reference_id, record.activeflow_id) == (stage.call.record.id, ended.id)
    assert record.on_end_flow_id == to_flow_id("after")
    assert started["end_of_silence_ms"] == 400
    assert stage.call.done[1] == ("play", f"sound:http://app/en-US/{record.id} ko-KR in")


async def test_transcribe_start_defaults() -> None:
    stage = Stage()
    await stage.run(ANSWER, {"type": "transcribe_start"}, language="ko")
    assert stage.transcribes.started == [], "the language of the flow counts, and this one is not installed"
    stage = Stage()
    await stage.run(ANSWER, {"type": "transcribe_start"})
    [started] = stage.transcribes.started
    assert (started["record"].language, started["record"].direction) == ("en-US", Direction.BOTH)
    assert started["end_of_silence_ms"] is None


async def test_transcribe_start_that_fails_lets_the_flow_go_on() -> None:
    stage = Stage()
    ended = await stage.run(
        ANSWER, {"type": "transcribe_start", "option": {"language": "fr-FR"}}, talk("${voipbin.transcribe.id}x")
    )
    assert types(ended) == ["answer", "transcribe_start", "talk"]
    assert stage.call.done[1] == ("play", "sound:http://app/en-US/x")


async def test_transcribe_stop_ends_what_the_flow_started() -> None:
    stage = Stage()
    start = {"type": "transcribe_start", "option": {"language": "${l}"}}
    await stage.run(
        {"type": "transcribe_stop"}, ANSWER, set_to("l", "en-US"), start, set_to("l", "ko-KR"), start,
        {"type": "transcribe_stop"}, {"type": "transcribe_stop"},
    )  # fmt: skip
    assert Counter(stage.transcribes.stopped) == Counter(each["record"].id for each in stage.transcribes.started)
    assert len(stage.transcribes.stopped) == 2


async def test_variable_set_stores_the_expanded_value() -> None:
    stage = Stage()
    await stage.run(set_to("a", "1"), set_to("b", "${a}${c}"), set_to("a", "2"), talk("${a} ${b}"))
    assert stage.call.done[1] == ("play", "sound:http://app/en-US/2 1")


async def test_variable_set_that_is_too_long_is_tolerated() -> None:
    stage = Stage()
    ended = await stage.run(set_to("b", "x" * 20_000), set_to("a", "${b}${b}"), talk("${a}y"))
    assert types(ended) == ["variable_set", "variable_set", "talk"]
    assert stage.call.done[1] == ("play", "sound:http://app/en-US/y")


@pytest.mark.parametrize(("count", "beeps"), [(None, 1), (0, 1), (-1, 1), (1, 2), (3, 4), ("${n}", 3)])
async def test_goto_jumps_loop_count_times_then_falls_through(count: object, beeps: int) -> None:
    stage = Stage()
    ended = await stage.run(set_to("n", "2"), {"id": "again", **BEEP}, goto("again", count), {"type": "stop"})
    assert stage.call.done == [PLAYED_BEEP] * beeps + [("hang_up", "normal")]
    assert types(ended)[-2:] == ["goto", "stop"]


async def test_goto_counts_each_goto_for_itself() -> None:
    stage = Stage()
    ended = await stage.run({"id": "a", **BEEP}, goto("a", 2), {"id": "b", **BEEP}, goto("b", 1))
    assert Counter(types(ended)) == {"beep": 3 + 2, "goto": 3 + 2}


async def test_goto_ignores_next_id_while_it_jumps() -> None:
    stage = Stage()
    ended = await stage.run(
        goto("last", 1, next_id="first", id="go"),
        {"id": "first", "type": "stop"},
        {"id": "last", "type": "beep", "next_id": "go"},
    )
    assert types(ended) == ["goto", "beep", "goto", "stop"]


async def test_goto_forward_skips() -> None:
    stage = Stage()
    assert types(await stage.run(goto("end", 1), BEEP, {"id": "end", "type": "stop"})) == ["goto", "stop"]


async def test_stop_ends_the_flow() -> None:
    stage = Stage()
    await stage.run({"type": "stop"}, BEEP)
    assert stage.call.done == [("hang_up", "normal")]


async def test_the_tutorials_flow() -> None:
    stage = Stage()
    language = {"language": "en-US"}
    text = "This call is being transcribed for quality assurance"
    await stage.run(
        {"type": "answer"}, {"type": "transcribe_start", "option": language}, talk(text, **language), language=""
    )
    assert len(stage.transcribes.started) == 1
    assert stage.call.done == [("answer",), ("play", f"sound:http://app/en-US/{text}"), ("hang_up", "normal")]
