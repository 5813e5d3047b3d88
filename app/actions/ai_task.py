"""The action `ai_task`."""

from pydantic import Field

from app.flow.action import ActionContext, ActionFailed, ActionOptions, Next, OnFailure, Outcome, action
from app.flow.reach import AiMessage
from app.flow.reply_variables import read_json_reply, set_from_reply

CONTENT = "voipbin.ai_task.content"
MAX_PROMPT = 100_000
MAX_CONTENT_CHARACTERS = 32 * 1024
_FENCE = "```"


class AiTaskOptions(ActionOptions):
    """What the language model is asked."""

    prompt: str = Field(min_length=1, max_length=MAX_PROMPT, description="The question; ${name} in it is replaced")
    ai_id: str = Field("", max_length=255, description="Taken for VoIPBIN's clients; the model is CALLSCRIBE_AI_MODEL")


@action(
    "ai_task",
    options=AiTaskOptions,
    needs=None,
    on_failure=OnFailure.END,
    is_blocking=True,
    needs_setting="CALLSCRIBE_AI_URL",
    example={"prompt": 'Answer {"urgent": true} or {"urgent": false}: is this urgent? ${voipbin.transcribe.text}'},
    fails="the language model does not answer in 30 seconds or with an error",
)
async def ai_task(context: ActionContext, options: AiTaskOptions) -> Outcome:
    """Ask the operator's language model once; `voipbin.ai_task.content` is its answer.

    An answer that is a JSON object sets variables as webhook_send does: `urgent`, `order.id`. The model's failure ends
    the flow.
    """
    ai = context.ports.reach.ai
    if ai is None:
        raise ActionFailed("no language model can be asked: there is no CALLSCRIBE_AI_URL")
    context.variables.set_system({CONTENT: ""})
    answer = (await ai.complete([AiMessage("user", options.prompt)]))[:MAX_CONTENT_CHARACTERS]
    context.variables.set_system({CONTENT: answer})
    set_from_reply(context.variables, read_json_reply(_without_fence(answer)))
    return Next()


def _without_fence(text: str) -> str:
    """Return what stands between the fences that models put around JSON."""
    text = text.strip()
    if text.startswith(_FENCE) and text.endswith(_FENCE):
        return text.removeprefix(_FENCE).removesuffix(_FENCE).strip().removeprefix("json")
    return text
