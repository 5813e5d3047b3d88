"""The action `external_media_stop`."""

from app.flow.action import NEVER, ActionContext, ActionFailed, LegState, Next, NoOptions, Outcome, action


@action(
    "external_media_stop",
    options=NoOptions,
    needs=LegState.ALIVE,
    fails=NEVER,
)
async def external_media_stop(context: ActionContext, _options: NoOptions) -> Outcome:
    """End every external media of the call; none is no error."""
    if context.ports.external_media is None:
        raise ActionFailed("this flow runs where no sound can be sent elsewhere")
    await context.ports.external_media.stop(context.call.record.id)
    return Next()
