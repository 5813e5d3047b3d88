"""The action `ai_talk`."""

import asyncio
from typing import Literal

from pydantic import Field

from app.actions.speech_receive import SPEECH, SpeechReceiveOptions, speech_receive
from app.flow.action import ActionContext, ActionFailed, ActionOptions, LegState, Next, OnFailure, Outcome, action
from app.flow.option_types import SpokenLanguage
from app.flow.reach import AiMessage

MAX_TEXT = 32 * 1024
MAX_ANSWER_CHARACTERS = 2000
MAX_TURNS = 200
_KEPT_MESSAGES = 40
_LISTEN_MS = 10_000
_SILENT_TURNS = 3
"""After so many questions without an answer nobody is there any more."""
END = "[END]"
_RULES = (
    "You talk with a person on the telephone. Answer in one to three short sentences of plain text that can be read "
    "aloud, without lists and formatting, in the language {language}. When the person wants to end the conversation, "
    f"or your task is done, say goodbye and write {END} at the end."
)


class AiTalkOptions(ActionOptions):
    """The conversation."""

    prompt: str = Field("", max_length=MAX_TEXT, description="What the model is told about its part")
    greeting: str = Field("", max_length=MAX_TEXT, description="What is said first; empty = the caller begins")
    language: SpokenLanguage = Field("", description="Language of the conversation; empty = the flow's")
    duration: int = Field(300, ge=1, le=3600, description="How long it lasts at most, in seconds")
    ai_id: str = Field("", max_length=255, description="Taken for VoIPBIN's clients; the model is CALLSCRIBE_AI_MODEL")
    assistance_type: Literal["", "ai", "team"] = Field("", description="Taken for VoIPBIN's clients, means nothing")
    assistance_id: str = Field("", max_length=255, description="Taken for VoIPBIN's clients, means nothing")


@action(
    "ai_talk",
    options=AiTalkOptions,
    needs=LegState.ALIVE,
    on_failure=OnFailure.END,
    is_blocking=True,
    needs_setting="CALLSCRIBE_AI_URL",
    example={
        "prompt": "You take orders for a bakery.",
        "greeting": "Good morning, what may I bake for you?",
        "duration": 120,
    },
    fails="the language model does not answer in 30 seconds or with an error, or the language has no speech model",
)
async def ai_talk(context: ActionContext, options: AiTalkOptions) -> Outcome:
    """Let the caller talk with the operator's language model, until it says goodbye, nobody answers, or time is up.

    The caller is heard offline, as by speech_receive, and may interrupt; only texts go to CALLSCRIBE_AI_URL. Answers
    the call by itself. The model's failure, and a language that cannot be recognised, end the flow.
    """
    ai = context.ports.reach.ai
    if ai is None:
        raise ActionFailed("nobody can be talked with: there is no CALLSCRIBE_AI_URL")
    language = context.language_or_default(options.language)
    rules = AiMessage("system", f"{_RULES.format(language=language)}\n{options.prompt}")
    said: list[AiMessage] = [AiMessage("assistant", options.greeting)] if options.greeting else []
    text, silent_turns, is_over = options.greeting, 0, False
    try:
        async with asyncio.timeout(options.duration):
            for _ in range(MAX_TURNS):
                question = SpeechReceiveOptions(prompt=text, language=language, timeout=0 if is_over else _LISTEN_MS)
                await speech_receive.run(context, question)
                heard = context.variables.get(SPEECH)
                if is_over:
                    break
                if not heard:
                    silent_turns, text = silent_turns + 1, ""
                    if silent_turns == _SILENT_TURNS:
                        break
                    continue
                silent_turns = 0
                said = [*said, AiMessage("user", heard)][-_KEPT_MESSAGES:]
                answer = (await ai.complete([rules, *said]))[:MAX_ANSWER_CHARACTERS]
                is_over = END in answer
                text = answer.replace(END, "").strip()
                said.append(AiMessage("assistant", text))
    except TimeoutError:
        pass  # the time is up, wherever the conversation is
    return Next()
