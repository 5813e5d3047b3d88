"""The action `queue_join`."""

import asyncio

from pydantic import Field

from app.errors import StateInvalid
from app.flow.action import ActionContext, ActionFailed, ActionOptions, LegState, Next, OnFailure, Outcome, Stop, action
from app.flow.ports import QueueEntry

SHORTEST_ROUND_SECONDS = 1.0
"""A wait flow that is through sooner begins again only then: it must not spin."""


class QueueJoinOptions(ActionOptions):
    """Which queue."""

    queue_id: str = Field(min_length=1, max_length=255, description="The id of the queue, or its name")


@action(
    "queue_join",
    options=QueueJoinOptions,
    needs=LegState.ALIVE,
    is_blocking=True,
    on_failure=OnFailure.END,
    example={"queue_id": "5a3fdc63-9b4a-4f06-9c37-0d7a3a6b9a53"},
    fails="there is no such queue of yours",
)
async def queue_join(context: ActionContext, options: QueueJoinOptions) -> Outcome:
    """Let the caller wait for an agent of the queue and talk with it; the flow goes on when that is over.

    While it waits it hears the queue's wait flow, again and again, or music on hold. Free agents who have one of the
    queue's tags are rung, one at a time, the callers in the order in which they came. `voipbin.queuecall.status` is
    then `done` where an agent has talked with the caller, else `abandoned`, and `voipbin.queuecall.reason` is
    `timeout` or `kicked` where that ended it. A queue that is not there ends the flow.
    """
    queues = context.ports.queues
    if queues is None:
        raise ActionFailed("there are no queues here")
    await context.call.answer()
    entry = await queues.enter(context.call.record.id, options.queue_id, activeflow_id=context.activeflow_id)
    queue = entry.queue
    context.variables.set_system(
        {
            "voipbin.queue.id": queue.id,
            "voipbin.queue.name": queue.name,
            "voipbin.queue.detail": queue.detail,
            "voipbin.queuecall.id": entry.queuecall_id,
            "voipbin.queuecall.timeout_wait": str(queue.wait_timeout),
            "voipbin.queuecall.timeout_service": str(queue.service_timeout),
        }
    )
    stops: list[Stop] = []

    async def play() -> None:
        stops.append(await _play_round_and_round(context, entry))

    try:
        result = await queues.wait(entry.queuecall_id, play if entry.wait_actions else None)
    except StateInvalid:
        if stops:
            return stops[0]
        raise
    context.call.digits.drop_all()  # they were for the agent
    context.variables.set_system(
        {
            "voipbin.queuecall.status": result.status,
            "voipbin.queuecall.reason": result.reason,
            "voipbin.queuecall.agent_id": result.agent_id,
        }
    )
    return Next()


async def _play_round_and_round(context: ActionContext, entry: QueueEntry) -> Stop:
    """Run the wait flow until it stops the flow."""
    if context.run_nested is None:
        raise ActionFailed("a wait flow cannot be run here")
    clock = asyncio.get_running_loop()
    while True:
        began = clock.time()
        stop = await context.run_nested(entry.wait_actions, entry.wait_flow_id)
        if stop is not None:
            return stop
        await asyncio.sleep(max(0.0, SHORTEST_ROUND_SECONDS - (clock.time() - began)))
