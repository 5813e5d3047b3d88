import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from app.domain.flow import Action
from app.domain.ids import new_id
from app.domain.queue import Queue
from app.domain.timestamps import now
from app.errors import LegGone, NotFound, StateInvalid
from app.flow.ports import FlowPorts, QueueEntry, QueueResult
from tests.unit.flow.doubles import CUSTOMER_ID, Stage

QUEUE = Queue(new_id(), CUSTOMER_ID, "support", now(), now(), detail="second floor", wait_timeout=5000)
JOIN = {"type": "queue_join", "option": {"queue_id": "support"}}


def say(text: str) -> dict[str, Any]:
    return {"type": "talk", "option": {"text": text}}


class ScriptedQueues:
    """A queue in which the caller hears `rounds` of the wait flow before an agent is free."""

    def __init__(self, stage: Stage, wait_actions: tuple[Action, ...] = (), *, rounds: int = 1) -> None:
        self.stage = stage
        self.wait_actions = wait_actions
        self.rounds = rounds
        self.error: Exception | None = None
        self.entered: list[str] = []

    async def enter(self, call_id: str, queue_id: str, *, activeflow_id: str) -> QueueEntry:
        if queue_id != "support":
            raise NotFound("queue", queue_id)
        self.entered.append(call_id)
        return QueueEntry(QUEUE, new_id(), self.wait_actions, new_id())

    async def wait(self, queuecall_id: str, play: Callable[[], Awaitable[None]] | None) -> QueueResult:
        if play is not None:
            playing = asyncio.ensure_future(play())
            while len(self.plays) < self.rounds and not playing.done():
                await asyncio.sleep(0)
            if playing.done():
                playing.result()
                raise StateInvalid("the wait flow has ended")
            playing.cancel()
            await asyncio.gather(playing, return_exceptions=True)
        if self.error is not None:
            raise self.error
        return QueueResult("done", "", "the-agent")

    @property
    def plays(self) -> list[Any]:
        return [done for done in self.stage.call.done if done[0] == "play"]


def open_stage(*wait: Action, rounds: int = 1) -> tuple[Stage, ScriptedQueues]:
    stage = Stage()
    queues = ScriptedQueues(stage, wait, rounds=rounds)
    stage.ports = FlowPorts(stage.transcribes, stage.prompts, stage.calls, queues=queues)
    return stage, queues


async def test_the_caller_is_answered_waits_and_the_flow_goes_on_with_variables() -> None:
    stage, queues = open_stage()
    await stage.run(JOIN, say("${voipbin.queue.name} ${voipbin.queuecall.status} ${voipbin.queuecall.agent_id}"))
    assert queues.entered == [stage.call.record.id]
    assert stage.call.done == [
        ("answer",),
        ("play", "sound:http://app/en-US/support done the-agent"),
        ("hang_up", "normal"),
    ]


async def test_the_wait_flow_is_heard_until_an_agent_is_free() -> None:
    stage, queues = open_stage(Action(new_id(), "talk", {"text": "please wait"}))
    ended = await stage.run(JOIN, say("goodbye"))
    assert queues.plays == [("play", "sound:http://app/en-US/please wait"), ("play", "sound:http://app/en-US/goodbye")]
    assert [each.type for each in ended.executed_actions] == ["queue_join", "talk", "talk"]


async def test_the_wait_flow_can_end_the_flow() -> None:
    stage, _ = open_stage(Action(new_id(), "hangup", {"reason": "busy"}), rounds=2)
    await stage.run(JOIN, say("not reached"))
    assert stage.call.done == [("answer",), ("hang_up", "busy")]


async def test_the_caller_hangs_up_while_it_waits() -> None:
    stage, queues = open_stage()
    queues.error = LegGone("gone")
    await stage.run(JOIN, say("not reached"))
    assert stage.call.done == [("answer",)]


async def test_a_queue_that_is_not_there_ends_the_flow() -> None:
    stage, _ = open_stage()
    await stage.run({"type": "queue_join", "option": {"queue_id": "sales"}}, say("not reached"))
    assert stage.call.done[-1] == ("hang_up", "normal")
    assert ("play", "sound:http://app/en-US/not reached") not in stage.call.done
