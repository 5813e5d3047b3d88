"""The action `talk`."""

import asyncio
from enum import StrEnum

from pydantic import Field, field_validator

from app.domain.call import PlayOutcome
from app.errors import Unavailable
from app.flow.action import ActionContext, ActionFailed, ActionOptions, LegState, Next, Outcome, action
from app.flow.option_types import LanguageTag, SpokenText

SYNTHESIS_SECONDS = 10.0
"""How long the speaking of a text may take to prepare (contract 8.1)."""


class DigitsHandle(StrEnum):
    """What a digit that is pressed while the text is spoken does."""

    NONE = ""
    NEXT = "next"


class TalkOptions(ActionOptions):
    """What is said, and how."""

    text: SpokenText = Field(min_length=1, description="The text to say: plain, or SSML in a <speak> element")
    language: LanguageTag = Field("", description="Language of the text; empty = the flow's")
    provider: str = Field("", description="Accepted for VoIPBIN's flows; prompts are always spoken by the local voices")
    voice_id: str = Field("", description="Accepted for VoIPBIN's flows; the language chooses the voice")
    digits_handle: DigitsHandle = Field(DigitsHandle.NONE, description='"next" = any digit stops the text')
    is_async: bool = Field(False, alias="async", description="Whether the flow goes on while the text is spoken")

    @field_validator("text")
    @classmethod
    def _has_words(cls, text: str) -> str:
        if not text.strip():
            raise ValueError("a text to say")
        return text


@action(
    "talk",
    options=TalkOptions,
    needs=LegState.ALIVE,
    is_blocking=True,
    example={"text": "This call is being transcribed for quality assurance", "language": "en-US"},
    fails="no voice speaks the language, the text is not spoken within 10 seconds, it is SSML that a variable "
    "has made malformed, or Asterisk cannot play it",
)
async def talk(context: ActionContext, options: TalkOptions) -> Outcome:
    """Speak a text to the party; answers the call by itself and goes on when the text has ended."""
    language = context.language_or_default(options.language)
    if not context.call.is_answered:
        await context.call.answer()
    if options.is_async:
        context.background.start(_speak(context, options, language), action_type=context.action.type)
    else:
        await _speak(context, options, language)
    return Next()


async def _speak(context: ActionContext, options: TalkOptions, language: str) -> None:
    try:
        async with asyncio.timeout(SYNTHESIS_SECONDS):
            media = await context.ports.prompts.prepare(options.text, language)
    except TimeoutError:
        raise Unavailable(f"text: was not spoken within {SYNTHESIS_SECONDS:g} s; expected a faster voice") from None
    is_stopped = options.digits_handle is DigitsHandle.NEXT
    if await context.call.play([media], is_stopped_by_digit=is_stopped) is PlayOutcome.FAILED:
        raise ActionFailed("text: Asterisk could not play the spoken prompt; expected a WAV that it can fetch")
