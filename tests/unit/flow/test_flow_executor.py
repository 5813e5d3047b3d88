import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from app.domain.call import CallStatus, PlayOutcome
from app.domain.flow import Action, Activeflow, ActiveflowStatus, Flow
from app.domain.ids import ZERO_ID
from app.errors import LegGone, Unavailable
from app.flow.action import ActionContext, Next, NoOptions, Outcome, Push, action
from app.flow.action_registry import ActionRegistry
from app.flow.activeflow import MAX_SHOWN_ACTIONS, create_activeflow
from app.flow.executor import Executor, FlowLimits
from app.flow.flow_ids import to_action_id
from tests.unit.flow.doubles import REGISTRY, ScriptedCall, Stage, bare_action, bare_flow, build, types

SAY = {"type": "talk", "option": {"text": "hi"}}


async def test_a_flow_runs_to_its_end_and_hangs_up() -> None:
    stage = Stage()
    ended = await stage.run({"type": "answer"}, {"type": "transcribe_start"}, SAY)
    assert stage.call.done == [("answer",), ("play", "sound:http://app/en-US/hi"), ("hang_up", "normal")]
    assert types(ended) == ["answer", "transcribe_start", "talk"]
    assert ended.status is ActiveflowStatus.ENDED
    assert ended.current_action is None


async def test_every_step_is_told_before_it_runs() -> None:
    stage = Stage()
    await stage.run({"type": "answer"}, SAY)
    assert [each.current_action.type if each.current_action else None for each in stage.steps] == [
        "answer",
        "talk",
        None,
    ]
    assert [types(each) for each in stage.steps] == [[], ["answer"], ["answer", "talk"]]
    assert [each.status.value for each in stage.steps] == ["running", "running", "ended"]
    assert len({each.id for each in stage.steps}) == 1


async def test_options_are_shown_as_written_and_run_as_expanded() -> None:
    stage = Stage()
    written = {"type": "talk", "option": {"text": "hi ${voipbin.call.source.name}"}}
    ended = await stage.run(written)
    assert stage.call.done[1] == ("play", "sound:http://app/en-US/hi Alice")
    assert ended.executed_actions[0].option == written["option"]


@pytest.mark.parametrize("gone_at", [1, 2, 3])
async def test_a_party_that_is_gone_is_a_normal_end(gone_at: int) -> None:
    stage = Stage(ScriptedCall(gone_at=gone_at))
    with capture_logs() as logs:
        ended = await stage.run({"type": "answer"}, SAY, {"type": "beep"}, SAY)
    assert len(stage.call.done) == gone_at
    assert ended.status is ActiveflowStatus.ENDED
    assert {each["log_level"] for each in logs} == {"info"}
    assert logs[-1]["how"] == "leg gone"


async def test_a_party_that_is_gone_at_the_hang_up_is_a_normal_end() -> None:
    stage = Stage(ScriptedCall(gone_at=2))
    assert (await stage.run({"type": "answer"})).status is ActiveflowStatus.ENDED


@pytest.mark.parametrize("name", ["talk", "play", "beep"])
async def test_call_side_failures_go_on_with_the_next_action(name: str) -> None:
    stage = Stage(ScriptedCall(plays=[PlayOutcome.FAILED]))
    failing: dict[str, Mapping[str, object]] = {
        "talk": SAY,
        "beep": {"type": "beep"},
        "play": {"type": "play", "option": {"stream_urls": ["http://a/b"]}},
    }
    with capture_logs() as logs:
        await stage.run(failing[name], {"type": "variable_set", "option": {"key": "k", "value": "v"}}, {"type": "stop"})
    assert types(stage.steps[-1]) == [name, "variable_set", "stop"]
    warnings = [each for each in logs if each["log_level"] != "info"]
    assert [(each["event"], each["action"]) for each in warnings] == [("action failed", name)]


async def test_flow_side_failures_end_the_flow() -> None:
    stage = Stage()
    goto = {"type": "goto", "option": {"target_id": "${nowhere}", "loop_count": 1}}
    await stage.run(goto, {"type": "beep"})
    assert stage.call.done == [("hang_up", "normal")]


async def test_a_jump_to_nowhere_ends_the_flow() -> None:
    stage = Stage()
    where = {"type": "variable_set", "option": {"key": "where", "value": "nowhere"}}
    goto = {"type": "goto", "option": {"target_id": "${where}", "loop_count": 1}}
    await stage.run(where, goto, {"type": "beep"})
    assert stage.call.done == [("hang_up", "normal")]


async def test_what_needs_an_answer_is_refused_before_it() -> None:
    stage = Stage()
    with capture_logs() as logs:
        await stage.run({"type": "transcribe_start"}, SAY)
    assert stage.transcribes.started == []
    assert [each["error"] for each in logs if each["event"] == "action failed"] == [
        "transcribe_start needs an answered call and this one is not; put answer or talk before it"
    ]
    assert types(stage.steps[-1]) == ["transcribe_start", "talk"]


async def test_what_needs_an_answer_finds_a_call_that_is_ending_gone() -> None:
    stage = Stage()
    stage.call.record = replace(stage.call.record, status=CallStatus.TERMINATING)
    with capture_logs() as logs:
        await stage.run({"type": "transcribe_start"}, {"type": "stop"})
    assert {each["log_level"] for each in logs} == {"info"}
    assert stage.call.done == []


async def test_options_are_checked_again_after_substitution_without_telling_values() -> None:
    stage = Stage()
    with capture_logs() as logs:
        await stage.run(
            {"type": "variable_set", "option": {"key": "long", "value": "secret"}},
            {"type": "sleep", "option": {"duration": "${long}"}},
            {"type": "talk", "option": {"text": "${empty}"}},
        )
    errors = [each["error"] for each in logs if each["event"] == "action failed"]
    assert errors == ["option.duration: expected a whole number", "option.text: expected it not to be empty"]
    assert stage.call.done == [("hang_up", "normal")]


async def test_an_unknown_type_that_no_check_has_seen_is_skipped() -> None:
    stage = Stage()
    await stage.run_flow(bare_flow(bare_action("no_such"), bare_action("beep")))
    assert stage.call.done == [("play", "tone:beep"), ("hang_up", "normal")]


async def test_a_flow_without_a_call_skips_what_needs_one() -> None:
    stage = Stage()
    flow = build({"type": "variable_set", "option": {"key": "k", "value": "v"}}, SAY, {"type": "stop"})
    executor = Executor(REGISTRY, stage.ports)
    ended = await executor.run(create_activeflow(flow, stage.call.record), flow, None, on_step=stage.on_step)
    assert types(ended) == ["variable_set", "talk", "stop"]
    assert stage.call.done == []


async def test_a_broken_action_ends_its_flow_only() -> None:
    @action("broken", options=NoOptions, needs=None)
    async def broken(context: ActionContext, options: NoOptions) -> Outcome:
        """Break."""
        raise ZeroDivisionError

    stage = Stage()
    stage.registry = ActionRegistry([*REGISTRY, broken])
    with capture_logs() as logs:
        ended = await stage.run_flow(bare_flow(bare_action("broken"), bare_action("beep")))
    assert ended.status is ActiveflowStatus.ENDED
    assert stage.call.done == [("hang_up", "normal")]
    assert [each["event"] for each in logs if each["log_level"] == "error"] == ["action broke, the flow ends"]


async def test_pushed_actions_run_before_the_following_one() -> None:
    @action("nest", options=NoOptions, needs=None)
    async def nest(context: ActionContext, options: NoOptions) -> Outcome:
        """Push two."""
        return Push((bare_action("beep"), bare_action("variable_set", key="k", value="v")), flow_id=ZERO_ID)

    stage = Stage()
    stage.registry = ActionRegistry([*REGISTRY, nest])
    ended = await stage.run_flow(bare_flow(bare_action("nest"), bare_action("stop")))
    assert types(ended) == ["nest", "beep", "variable_set", "stop"]


async def test_stacks_have_a_limit() -> None:
    @action("nest", options=NoOptions, needs=None)
    async def nest(context: ActionContext, options: NoOptions) -> Outcome:
        """Push itself."""
        return Push((bare_action("nest"),), flow_id=ZERO_ID)

    stage = Stage(limits=FlowLimits(stacks=5))
    stage.registry = ActionRegistry([*REGISTRY, nest])
    assert types(await stage.run_flow(bare_flow(bare_action("nest")))) == ["nest"] * 5


async def test_a_flow_that_spins_ends_at_the_limit() -> None:
    stage = Stage(limits=FlowLimits(steps_without_wait=7))
    spin = [
        {"id": "a", "type": "variable_set", "option": {"key": "k", "value": "${k}x"}},
        {"type": "goto", "option": {"target_id": "a", "loop_count": 1000}},
    ]
    with capture_logs() as logs:
        ended = await stage.run(*spin)
    assert len(ended.executed_actions) == 7
    assert "flow ended at its limit of actions without a wait" in [each["event"] for each in logs]


async def test_waiting_starts_the_count_again_and_the_whole_flow_has_a_limit() -> None:
    stage = Stage(limits=FlowLimits(steps_without_wait=3, actions_per_activeflow=50))
    await stage.run({"id": "a", "type": "answer"}, {"type": "beep", "next_id": "a"})
    assert len(stage.steps) == 51
    assert len(stage.call.done) == 1 + 25 + 1


async def test_the_record_keeps_the_newest_actions() -> None:
    stage = Stage()
    ended = await stage.run(*[{"type": "beep"}] * (MAX_SHOWN_ACTIONS + 5), {"type": "stop"})
    assert len(ended.executed_actions) == MAX_SHOWN_ACTIONS
    assert types(ended)[-1] == "stop"


async def test_supplied_variables_reach_the_flow() -> None:
    stage = Stage()
    flow = build({"type": "talk", "option": {"text": "${a} ${b} ${voipbin.call.id}"}})
    await stage.run_flow(flow, supplied={"b": "2", "voipbin.call.id": "forged"}, inherited={"a": "1", "b": "0"})
    assert stage.call.done[1] == ("play", f"sound:http://app/en-US/1 2 {stage.call.record.id}")


async def test_cancelling_ends_the_record_and_passes() -> None:
    stage = Stage()
    stage.prompts.gate = asyncio.Event()
    run = asyncio.create_task(stage.run(SAY, {"type": "beep"}))
    while not stage.steps:
        await asyncio.sleep(0)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert stage.steps[-1].status is ActiveflowStatus.ENDED
    assert ("hang_up", "normal") not in stage.call.done


async def test_a_store_that_hangs_does_not_keep_a_flow() -> None:
    stage = Stage(limits=FlowLimits(end_seconds=0))

    async def hang_at_the_end(activeflow: Activeflow) -> None:
        if activeflow.status is ActiveflowStatus.ENDED:
            await asyncio.Event().wait()

    executor = Executor(REGISTRY, stage.ports, limits=stage.limits)
    flow = build({"type": "answer"})
    await executor.run(create_activeflow(flow, stage.call.record), flow, stage.call, on_step=hang_at_the_end)
    assert stage.call.done[-1] == ("hang_up", "normal")


async def test_background_parts_end_with_the_flow() -> None:
    stage = Stage()
    ended = asyncio.Event()

    @action("linger", options=NoOptions, needs=None)
    async def linger(context: ActionContext, options: NoOptions) -> Outcome:
        """Stay in the background."""

        async def stay() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

        context.background.start(stay(), action_type="linger")
        return Next()

    stage.registry = ActionRegistry([*REGISTRY, linger])
    await stage.run_flow(bare_flow(bare_action("linger"), bare_action("beep")))
    assert ended.is_set()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_background_part_that_never_began_is_closed() -> None:
    stage = Stage()
    await stage.run({"type": "talk", "option": {"text": "x", "async": True}})
    assert stage.call.done == [("answer",), ("hang_up", "normal")]


@pytest.mark.parametrize("error", [LegGone("gone"), Unavailable("no"), ZeroDivisionError()])
async def test_background_failures_touch_nothing_else(error: Exception) -> None:
    stage = Stage()
    stage.prompts.error = error
    with capture_logs() as logs:
        await stage.run({"type": "talk", "option": {"text": "x", "async": True}}, {"type": "beep"}, {"type": "beep"})
    assert stage.call.done[-3:] == [("play", "tone:beep"), ("play", "tone:beep"), ("hang_up", "normal")]
    failures = [each for each in logs if each["log_level"] in {"warning", "error"}]
    assert len(failures) == (0 if isinstance(error, LegGone) else 1)


names = st.sampled_from(["a", "b", "c", "d"])
option_values: st.SearchStrategy[object] = st.sampled_from(
    ["a", "b", "", "${k}", "${a", "x" * 40_000, 0, 3, -1, True, None, [], ["http://a/b"], {}]
)
random_options = st.dictionaries(
    st.sampled_from(["text", "target_id", "loop_count", "key", "value", "language", "stream_urls", "reason", "async"]),
    option_values,
    max_size=5,
)
fitting = {
    "talk": st.fixed_dictionaries({"text": st.sampled_from(["hi", "${k}"]), "async": st.booleans()}),
    "goto": st.fixed_dictionaries({"target_id": names | st.just("${k}"), "loop_count": st.integers(-1, 400)}),
    "variable_set": st.fixed_dictionaries({"key": st.just("k"), "value": st.sampled_from(["a", "${k}${k}x", "zz"])}),
    "sleep": st.fixed_dictionaries({"duration": st.just(0)}),
}
random_actions = st.sampled_from([*REGISTRY.types, "no_such"]).flatmap(
    lambda name: st.tuples(st.just(name), fitting.get(name, st.just({})) | random_options, names | st.just(""))
)


def build_random(parts: Sequence[tuple[str, dict[str, object], str]], flow: Flow) -> Flow:
    """Actions a, b, c ... whose next_id is one of the names, known or not."""
    actions = tuple(
        Action(
            id=to_action_id(flow.id, "abcdef"[index]),
            type=name,
            option=option,
            next_id=to_action_id(flow.id, next_name) if next_name else ZERO_ID,
        )
        for index, (name, option, next_name) in enumerate(parts)
    )
    return replace(flow, actions=actions)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(random_actions, max_size=6),
    st.lists(st.sampled_from(PlayOutcome), max_size=4),
    st.none() | st.integers(1, 6),
    st.sampled_from([None, Unavailable("x")]),
)
async def test_random_flows_always_end(
    parts: list[tuple[str, dict[str, object], str]],
    plays: list[PlayOutcome],
    gone_at: int | None,
    error: Exception | None,
) -> None:
    stage = Stage(
        ScriptedCall(plays=plays, gone_at=gone_at, error=error),
        limits=FlowLimits(actions_per_activeflow=300, steps_without_wait=100),
    )
    with capture_logs() as logs:
        ended = await stage.run_flow(build_random(parts, bare_flow()))
    assert ended.status is ActiveflowStatus.ENDED
    assert stage.steps[-1] == ended
    assert len(stage.steps) <= 301
    is_gone = gone_at is not None and len(stage.call.done) >= gone_at
    assert is_gone or stage.call.done[-1][0] == "hang_up"
    assert not [each for each in logs if "exc_info" in each], "no action broke"
