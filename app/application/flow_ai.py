"""The operator's language model for flows: any endpoint that speaks OpenAI's chat completions."""

from collections.abc import Sequence

from pydantic import BaseModel, Field, ValidationError

from app.application.json_endpoint import JsonEndpoint
from app.errors import Unavailable
from app.flow.reach import AiMessage

_PATH = "/chat/completions"


class _Message(BaseModel):
    content: str = Field(min_length=1)


class _Choice(BaseModel):
    message: _Message


class _Completion(BaseModel):
    choices: list[_Choice] = Field(min_length=1)


def completions_url(url: str) -> str:
    """Return the address of chat completions for the base address (`.../v1`), or for itself."""
    bare = url.rstrip("/")
    return bare if bare.endswith(_PATH) else bare + _PATH


class FlowAi:
    """Asks the model (AiControl)."""

    def __init__(self, endpoint: JsonEndpoint, model: str) -> None:
        self._endpoint = endpoint
        self._model = model

    async def complete(self, messages: Sequence[AiMessage]) -> str:
        """Return the model's next turn; Unavailable when none comes."""
        asked: dict[str, object] = {"messages": [{"role": each.role, "content": each.content} for each in messages]}
        if self._model:
            asked["model"] = self._model
        try:
            completion = _Completion.model_validate(await self._endpoint.post(asked))
        except ValidationError:
            raise Unavailable("CALLSCRIBE_AI_URL: the answer is no chat completion with a text") from None
        return completion.choices[0].message.content.strip()
