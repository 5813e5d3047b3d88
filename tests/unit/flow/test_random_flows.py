"""Random flows of all action types, valid and broken, in virtual time: they end, and the check is as strict as the run.

The actions are the real ones, all of them; what they stand on is the simulator's, and some of it fails: languages
without a model, calls that nobody takes, answers that are no actions, a party that hangs up at any moment.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from app.domain.call import AnsweredBy
from app.domain.flow import Action, ActiveflowStatus, Flow
from app.domain.ids import ZERO_ID, new_id
from app.flow.action import ActionSpec
from app.flow.checker import check_flow_file
from app.flow.executor import FlowLimits
from app.flow.flow_ids import FINISH_ID, NEXT_ID, to_flow_id
from app.flow.script import ConnectOutcome, QueueOutcome, Script
from app.flow.simulator import Ending, Simulated, simulate
from app.flow.virtual_time import NothingHappens, VirtualTimeLoop
from tests.unit.flow.doubles import REGISTRY
from tests.unit.flow.random_options import options_of

LIMITS = FlowLimits(actions_per_activeflow=120, steps_without_wait=40, stacks=5)
NAMES = ["a", "b", "c", "d"]
ATTEMPTS = settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)

targets = st.sampled_from([*NAMES, "${t}"])
texts = st.sampled_from(["hello", "${voipbin.call.digits}", "${x}", "a ${y} b", "7", "sales", ""])
GOOD_OPTIONS = {spec.name: options_of(spec, targets) for spec in REGISTRY}


WILD_OPTIONS = {spec.name: options_of(spec, targets, is_wild=True) for spec in REGISTRY}


def entry_of(spec: ActionSpec) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"type": st.just(spec.name), "option": GOOD_OPTIONS[spec.name]},
        optional={"next_id": st.sampled_from([*NAMES, FINISH_ID, NEXT_ID])},
    )


WAYS = ["goto", "branch", "condition_variable", "condition_call_digits", "fetch_flow", "fetch", "variable_set"]
good_actions = st.one_of(
    st.sampled_from(list(REGISTRY)).flatmap(entry_of),
    # What leads elsewhere is the half of all.
    st.sampled_from([spec for spec in REGISTRY if spec.name in WAYS]).flatmap(entry_of),
)
rubbish = st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text(max_size=5) | st.lists(texts, max_size=2)
all_keys = sorted({field.alias or name for spec in REGISTRY for name, field in spec.options.model_fields.items()})
broken_actions = st.fixed_dictionaries(
    {"type": st.sampled_from([*REGISTRY.types, "nonsense"])},
    optional={
        "next_id": st.sampled_from([*NAMES, "nowhere"]),
        "option": st.dictionaries(st.sampled_from(all_keys), rubbish | targets | texts, max_size=4),
    },
)
wild_actions = st.sampled_from(list(REGISTRY)).flatmap(
    lambda spec: st.fixed_dictionaries({"type": st.just(spec.name), "option": WILD_OPTIONS[spec.name]})
)
fetched = st.sampled_from(
    [
        b"[]",
        b"not JSON",
        b'{"type": "beep"}',
        b'[{"type": "tlak"}]',
        b'[{"type": "talk", "option": {"text": "${x}"}}, {"type": "fetch", "option": {"event_url": "http://a/b"}}]',
        b'[{"id": "a", "type": "beep"}, {"type": "goto", "option": {"target_id": "a", "loop_count": 9}}]',
    ]
)
replies = st.sampled_from([b"", b"[1]", b'{"x": "b", "t": "nowhere", "y": {"z": true}}', b"\xff"])
scripts = st.builds(
    Script,
    digits=st.text("0123456789*#", max_size=6),
    said=st.lists(texts, max_size=3).map(tuple),
    variables=st.dictionaries(st.sampled_from(["x", "y", "t"]), texts | st.sampled_from(NAMES), max_size=3),
    connects=st.lists(st.sampled_from(list(ConnectOutcome)), min_size=1, max_size=2).map(tuple),
    queues=st.lists(st.sampled_from(list(QueueOutcome)), min_size=1, max_size=2).map(tuple),
    answered_by=st.sampled_from(list(AnsweredBy)),
    fetched=st.lists(fetched, min_size=1, max_size=2).map(tuple),
    replies=st.lists(replies, min_size=1, max_size=2).map(tuple),
    ai_answers=st.lists(st.sampled_from(["", '{"t": "b"}', "Goodbye. [END]"]), min_size=1, max_size=2).map(tuple),
    has_call=st.sampled_from([True, True, True, False]),
    hangup_seconds=st.none() | st.floats(0, 100),
)


class EnglishAndKorean:
    """Models for two languages."""

    def explain_missing(self, language: str) -> str:
        return "" if language in {"en-US", "ko-KR"} else "there is none"

    def find_unknown_words(self, language: str, phrases: Sequence[str]) -> Sequence[str]:
        return []


def walk(flow: Flow, script: Script, *others: Flow) -> tuple[Simulated, list[Any]]:
    """Run it in virtual time with `others` around it; what takes for ever there is NothingHappens."""
    by_id = {each.id: each for each in (flow, *others)}
    by_id[to_flow_id("self")] = flow
    script = replace(script, find_flow=by_id.get)
    with capture_logs() as logs, asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        done = runner.run(
            simulate(flow, REGISTRY, script, tell=lambda text: None, limits=LIMITS, speech=EnglishAndKorean())
        )
    assert [each for each in logs if each["log_level"] in {"error", "critical"}] == []
    assert done.activeflow.status is ActiveflowStatus.ENDED
    assert done.actions <= LIMITS.actions_per_activeflow
    assert done.ending in {Ending.FLOW, Ending.PARTY, Ending.WAITING}
    return done, logs


def named(actions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give the first actions the names that targets use."""
    return [{"id": name, **action} for name, action in zip(NAMES, actions, strict=False)] + actions[len(NAMES) :]


def check(actions: list[dict[str, Any]], name_key: str = "x") -> Any:
    content = json.dumps({"language": "en-US", "actions": named(actions)}).encode()
    return check_flow_file(content, file=f"{name_key}.json", name_key=name_key, registry=REGISTRY)


def bare(actions: list[dict[str, Any]], name_key: str) -> Flow:
    """A flow that no check has seen."""
    made = tuple(
        Action(new_id(), str(each["type"]), each.get("option", {}), each.get("next_id", ZERO_ID)) for each in actions
    )
    return Flow(to_flow_id(name_key), name_key, name_key, made, language="en-US")


@pytest.mark.parametrize("spec", list(REGISTRY), ids=lambda spec: spec.name)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_every_shape_of_options_passes_the_check(spec: ActionSpec, data: st.DataObject) -> None:
    """What the type's own JSON Schema allows is allowed: else the flows below would say little."""
    entry = {"type": spec.name, "option": data.draw(GOOD_OPTIONS[spec.name])}
    beep = {"type": "beep"}
    errors = check([entry, beep, beep, beep]).errors
    assert all("a loop back" in each.found for each in errors), errors


@ATTEMPTS
@given(
    st.lists(good_actions, min_size=4, max_size=10),
    st.lists(good_actions, min_size=4, max_size=6),
    scripts,
)
def test_flows_that_pass_the_check_end(
    actions: list[dict[str, Any]], others: list[dict[str, Any]], script: Script
) -> None:
    """And nothing that was written in them fails for an option or a target."""
    checked, other = check(actions), check(others, "other")
    # A loop without an exit is the only fault that these can have.
    assert all("a loop back" in each.found for each in (*checked.errors, *other.errors)), checked.errors
    if checked.flow is None:
        return
    around = [] if other.flow is None else [other.flow]
    if around and script.digits[:1] in {"1", "2"}:
        script = replace(script, wait_flow=other.flow, pre_flow=other.flow)
    done, logs = walk(checked.flow, script, *around)
    event(f"ended: {done.ending.name}")
    assert_only_variables_fail(logs, checked.flow, *around)


def assert_only_variables_fail(logs: list[Any], *flows: Flow) -> None:
    by_id = {action.id: action for flow in flows for action in flow.actions}
    for each in logs:
        if each.get("code") in {"INVALID_ARGUMENT", "UNKNOWN_TARGET", "INVALID_ACTION_TYPE"}:
            action = by_id.get(each.get("action_id", ""))
            if action is not None and action.type != "fetch":  # what a fetch brings nobody has checked before
                written = json.dumps(dict(action.option))
                assert "${" in written, f"only a variable can make this fail at run time: {each} {written}"


@ATTEMPTS
@given(
    st.lists(good_actions | wild_actions | broken_actions, min_size=1, max_size=8),
    st.lists(good_actions | broken_actions, min_size=1, max_size=4),
    scripts,
)
def test_flows_that_no_check_has_seen_end_too(
    actions: list[dict[str, Any]], others: list[dict[str, Any]], script: Script
) -> None:
    other = bare(others, "other")
    walk(bare(actions, "x"), replace(script, wait_flow=other, pre_flow=other), other)


@ATTEMPTS
@given(st.lists(good_actions | wild_actions | broken_actions, min_size=1, max_size=3), scripts)
def test_what_the_run_would_refuse_the_check_refuses(actions: list[dict[str, Any]], script: Script) -> None:
    """A flow that passes never fails for an option or a target that was written in it."""
    checked = check(actions)
    event("passed" if checked.flow is not None else "refused")
    if checked.flow is not None:
        _, logs = walk(checked.flow, script)
        assert_only_variables_fail(logs, checked.flow)


@pytest.mark.parametrize(
    "actions",
    [
        [{"type": "fetch_flow", "option": {"flow_id": "self"}}],
        [{"type": "fetch_flow", "option": {"flow_id": "other"}}],
        [{"type": "goto", "option": {"target_id": "a", "loop_count": 10**9}}],
        [{"type": "branch", "option": {"variable": "x", "default_target_id": "${t}"}}],
        [{"type": "fetch", "option": {"event_url": "http://a/b"}}],
        [{"type": "beep", "next_id": "a"}],
    ],
)
def test_what_goes_round_and_round_ends_at_a_limit(actions: list[dict[str, Any]]) -> None:
    back = check([{"type": "fetch_flow", "option": {"flow_id": "self"}}], "other").flow
    flow = check(actions).flow
    assert flow is not None, [str(each) for each in check(actions).errors]
    assert back is not None
    script = Script(fetched=(b'[{"type": "fetch", "option": {"event_url": "http://a/b"}}]',), variables={"t": "a"})
    _, logs = walk(flow, script, back)
    assert any("limit" in each["event"] or each.get("code") == "FLOW_LIMIT" for each in logs)


def test_virtual_time_jumps_and_never_hangs() -> None:
    async def wait_long() -> float:
        await asyncio.sleep(86_400)
        return asyncio.get_running_loop().time()

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        assert runner.run(wait_long()) == pytest.approx(86_400)
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner, pytest.raises(NothingHappens):
        runner.run(_wait_for_nothing())


def test_virtual_time_comes_to_years() -> None:
    """A float of so many seconds is coarser than what asyncio takes for due."""

    async def wait_years() -> None:
        for _ in range(3):
            await asyncio.sleep(1e9)
            await asyncio.sleep(0.001)

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(asyncio.wait_for(wait_years(), 1e10))


async def _wait_for_nothing() -> None:
    await asyncio.get_running_loop().create_future()


def test_the_reserved_ids_end_or_go_on() -> None:
    beep = Action(new_id(), "beep", next_id=NEXT_ID)
    assert walk(Flow(new_id(), "x", "x", (beep, beep)), Script())[0].actions == 2
