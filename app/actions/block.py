"""The action `block`."""

import asyncio

from app.flow.action import NEVER, ActionContext, Next, NoOptions, OnFailure, Outcome, action
from app.logs import get_log

log = get_log("actions")


@action(
    "block",
    options=NoOptions,
    needs=None,
    on_failure=OnFailure.END,
    is_blocking=True,
    fails=NEVER,
)
async def block(context: ActionContext, options: NoOptions) -> Outcome:
    """Park a flow that runs without a call, until somebody stops it (POST /activeflows/{id}/stop).

    A call's flow is not parked by it, it goes on: to wait in a call, use `sleep`.
    """
    if context.live_call is not None:
        log.warning("block skipped, this flow runs for a call", action_id=context.action.id)
        return Next()
    await asyncio.get_running_loop().create_future()
    return Next()
