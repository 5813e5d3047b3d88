"""The action `answer`."""

from app.flow.action import ActionContext, LegState, Next, NoOptions, Outcome, action


@action(
    "answer",
    options=NoOptions,
    needs=LegState.ALIVE,
    fails="Asterisk does not answer the call",
)
async def answer(context: ActionContext, options: NoOptions) -> Outcome:
    """Answer an incoming call; nothing happens when it is answered already."""
    if not context.call.is_answered:
        await context.call.answer()
    return Next()
