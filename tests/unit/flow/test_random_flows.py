"""Random flows, valid and broken, in virtual time: they always end, and the check is no kinder than the run.

Every type that the simulator plays is there; the ports behind them are its own, and some of them fail.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from app.domain.flow import Action, ActiveflowStatus, Flow
from app.domain.ids import ZERO_ID, new_id
from app.flow.checker import check_flow_file
from app.flow.executor import FlowLimits
from app.flow.flow_ids import FINISH_ID, NEXT_ID
from app.flow.simulator import PLAYED, Script, Simulated, simulate
from app.flow.virtual_time import NothingHappens, VirtualTimeLoop
from tests.unit.flow.doubles import REGISTRY

LIMITS = FlowLimits(actions_per_activeflow=150, steps_without_wait=40, stacks=5)
NAMES = ["a", "b", "c", "d"]
ATTEMPTS = settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])

targets = st.sampled_from([*NAMES, "${t}"])
texts = st.sampled_from(["hello", "${voipbin.call.digits}", "${x}", "a ${y} b", "7", "sales", ""])
conditions = st.sampled_from(["==", "!=", ">", ">=", "<", "<="])


def option(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(fields)


GOOD_OPTIONS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "talk": option(text=st.sampled_from(["hello", "a ${y} b", "${x}"])),
    "play": option(stream_urls=st.just(["http://127.0.0.1/a.wav"])),
    "sleep": option(duration=st.integers(0, 86_400_000)),
    "digits_receive": option(
        duration=st.integers(0, 10_000), length=st.integers(0, 3), key=st.sampled_from(["", "#", "*#"])
    ),
    "digits_send": option(digits=st.sampled_from(["1", "12#"])),
    "speech_receive": option(
        prompt=st.sampled_from(["", "what?"]),
        hints=st.lists(st.sampled_from(["sales", "support", "${x} y"]), max_size=2),
        timeout=st.integers(0, 5000),
        barge_in=st.booleans(),
    ),
    "goto": option(target_id=targets, loop_count=st.integers(-1, 10**9)),
    "branch": option(
        variable=st.sampled_from(["voipbin.call.speech", "x", "${y}"]),
        target_ids=st.dictionaries(st.sampled_from(["1", "sales", "", "7"]), targets, max_size=3),
        default_target_id=targets,
    ),
    "condition_variable": option(
        condition=conditions,
        variable=st.sampled_from(["x", "${y}", "voipbin.call.digits"]),
        value_type=st.sampled_from(["string", "number", "length"]),
        value_string=texts,
        value_number=st.integers(-5, 5),
        false_target_id=targets,
    ),
    "condition_call_digits": option(length=st.integers(1, 3), key=st.just("1"), false_target_id=targets),
    "condition_call_status": option(status=st.just("progressing"), false_target_id=targets),
    "variable_set": option(key=st.sampled_from(["x", "y", "t"]), value=texts | targets),
    "transcribe_start": option(language=st.sampled_from(["en-US", "ko-KR"]), direction=st.sampled_from(["in", "both"])),
}
"""Options that are right; types that need none are left out."""

PLAIN = sorted(PLAYED - set(GOOD_OPTIONS) - {"condition_datetime"})

good_actions = st.one_of(
    *(
        st.fixed_dictionaries({"type": st.just(name), "option": options}, optional={"next_id": st.sampled_from(NAMES)})
        for name, options in GOOD_OPTIONS.items()
    ),
    st.fixed_dictionaries({"type": st.sampled_from(PLAIN)}, optional={"next_id": st.sampled_from([*NAMES, FINISH_ID])}),
)
rubbish = st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text(max_size=5) | st.lists(texts, max_size=2)
all_keys = sorted({field.alias or name for spec in REGISTRY for name, field in spec.options.model_fields.items()})
broken_actions = st.fixed_dictionaries(
    {"type": st.sampled_from([*REGISTRY.types, "ai_talk", "nonsense"])},
    optional={
        "next_id": st.sampled_from([*NAMES, "nowhere"]),
        "option": st.dictionaries(st.sampled_from(all_keys), rubbish | targets | texts, max_size=4),
    },
)
scripts = st.builds(
    Script,
    digits=st.text("0123456789*#", max_size=6),
    said=st.lists(texts, max_size=3).map(tuple),
    variables=st.dictionaries(st.sampled_from(["x", "y", "t"]), texts, max_size=3),
)


def walk(flow: Flow, script: Script) -> Simulated:
    """Run it in virtual time; what takes for ever there is NothingHappens."""
    with capture_logs() as logs, asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        done = runner.run(simulate(flow, REGISTRY, script, tell=lambda text: None, limits=LIMITS))
    assert [each for each in logs if each["log_level"] in {"error", "critical"}] == []
    assert done.activeflow.status is ActiveflowStatus.ENDED
    assert done.actions <= LIMITS.actions_per_activeflow
    return done


def named(actions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give the first actions the names that targets use."""
    return [{"id": name, **action} for name, action in zip(NAMES, actions, strict=False)] + actions[len(NAMES) :]


@ATTEMPTS
@given(st.lists(good_actions, min_size=4, max_size=10), scripts)
def test_flows_that_pass_the_check_end(actions: list[dict[str, Any]], script: Script) -> None:
    content = json.dumps({"language": "en-US", "actions": named(actions)}).encode()
    checked = check_flow_file(content, file="x.json", name_key="x", registry=REGISTRY)
    # A loop without an exit is the only fault that these can have.
    assert all("a loop back" in each.found for each in checked.errors), checked.errors
    if checked.flow is not None:
        walk(checked.flow, script)


@ATTEMPTS
@given(st.lists(good_actions | broken_actions, min_size=1, max_size=8), scripts)
def test_flows_that_no_check_has_seen_end_too(actions: list[dict[str, Any]], script: Script) -> None:
    flow_id = new_id()
    flow = Flow(
        flow_id,
        "x",
        "x",
        tuple(
            Action(new_id(), str(each["type"]), each.get("option", {}), each.get("next_id", ZERO_ID))
            for each in actions
        ),
        language="en-US",
    )
    walk(flow, script)


@ATTEMPTS
@given(st.lists(good_actions | broken_actions, min_size=1, max_size=6), scripts)
def test_what_the_run_would_refuse_the_check_refuses(actions: list[dict[str, Any]], script: Script) -> None:
    """A flow that passes never fails for an option or a target that was written in it."""
    content = json.dumps({"language": "en-US", "actions": named(actions)}).encode()
    checked = check_flow_file(content, file="x.json", name_key="x", registry=REGISTRY)
    if checked.flow is None:
        return
    with capture_logs() as logs, asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(simulate(checked.flow, REGISTRY, script, tell=lambda text: None, limits=LIMITS))
    by_id = {action.id: action for action in checked.flow.actions}
    for each in logs:
        if each.get("code") in {"INVALID_ARGUMENT", "UNKNOWN_TARGET"}:
            written = json.dumps(dict(by_id[each["action_id"]].option))
            assert "${" in written, f"only a variable can make this fail at run time: {each} {written}"


def test_virtual_time_jumps_and_never_hangs() -> None:
    async def wait_long() -> float:
        await asyncio.sleep(86_400)
        return asyncio.get_running_loop().time()

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        assert runner.run(wait_long()) == pytest.approx(86_400)
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner, pytest.raises(NothingHappens):
        runner.run(_wait_for_nothing())


async def _wait_for_nothing() -> None:
    await asyncio.get_running_loop().create_future()


def test_the_reserved_ids_end_or_go_on() -> None:
    beep = Action(new_id(), "beep", next_id=NEXT_ID)
    assert walk(Flow(new_id(), "x", "x", (beep, beep)), Script()).actions == 2
