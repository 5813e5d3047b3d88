"""The action `speech_receive`."""

import asyncio
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from app.domain.answer import AnswerRequest, HeardAnswer, SpeechStatus
from app.domain.call import PlayOutcome
from app.errors import Unavailable
from app.flow.action import ActionContext, ActionFailed, ActionOptions, LegState, Next, Outcome, action
from app.flow.option_types import HintsMark, SpokenLanguage, SpokenText
from app.flow.ports import AnswerEar
from app.logs import get_log

log = get_log("actions")

SYNTHESIS_SECONDS: Final = 10.0
MAX_HINTS: Final = 200
MAX_HINT_CHARACTERS: Final = 200
MAX_TIMEOUT_MS: Final = 600_000
MAX_ANSWER_MS: Final = 15_000
"""Longer utterances are cut by the recognizers."""

SPEECH: Final = "voipbin.call.speech"
CONFIDENCE: Final = "voipbin.call.speech_confidence"
TEXT: Final = "voipbin.call.speech_text"
STATUS: Final = "voipbin.call.speech_status"


def _has_words(hint: str) -> str:
    if not any(each.isalnum() for each in hint):
        raise ValueError("a phrase of words")
    return hint


Hint = Annotated[str, Field(min_length=1, max_length=MAX_HINT_CHARACTERS), AfterValidator(_has_words)]


class SpeechReceiveOptions(ActionOptions):
    """What is asked, and what counts as an answer."""

    prompt: SpokenText = Field("", description="The text to say first: plain, or SSML; empty = nothing")
    language: SpokenLanguage = Field("", description="Language of the prompt and of the answer; empty = the flow's")
    hints: Annotated[list[Hint], Field(max_length=MAX_HINTS), HintsMark()] = Field(
        [], description="The phrases that are expected, one of which the answer has to be; empty = any text"
    )
    hint_threshold: float = Field(
        0.75, ge=0.3, le=1, description="How much of a hint has to be heard, 1 = every letter of it"
    )
    end_of_silence: int = Field(
        0, ge=0, le=5000, description="Silence that ends the answer, in milliseconds; 0 = the setting's value"
    )
    timeout: int = Field(
        5000, ge=0, le=MAX_TIMEOUT_MS, description="How long it waits for speech after the prompt, in milliseconds"
    )
    max_length: int = Field(
        MAX_ANSWER_MS, ge=500, le=MAX_ANSWER_MS, description="How long an answer is heard at most, in milliseconds"
    )
    barge_in: bool = Field(True, description="Whether speech stops the prompt; false = answers count after the prompt")


@action(
    "speech_receive",
    options=SpeechReceiveOptions,
    needs=LegState.ALIVE,
    is_blocking=True,
    example={
        "prompt": "Do you want to talk with sales or with support?",
        "hints": ["sales", "support"],
        "timeout": 5000,
    },
    fails="the language has no speech model, no port is free, or the prompt cannot be spoken; the variables are "
    "then empty. Silence and words that are not understood are no failure",
)
async def speech_receive(context: ActionContext, options: SpeechReceiveOptions) -> Outcome:
    """Ask something and understand the answer by voice, offline; answers the call by itself.

    The party is heard from before the prompt on, so no first word is lost. With `hints` the answer is the nearest of
    them, and `voipbin.call.speech` is that hint as it is written here; what is too far from all of them is not
    understood. Without hints it is the text. `voipbin.call.speech_text` is what was heard, whatever it was taken for,
    `voipbin.call.speech_confidence` is from 0 to 1 (empty where the engine has none) and `voipbin.call.speech_status`
    is understood, not_understood or silence. `branch` with `"variable": "voipbin.call.speech"` goes on by the hint.

    A running transcribe goes on beside it. A language without a model, or no free port: the variables are empty and the
    flow goes on.
    """
    answers = context.ports.answers
    context.variables.set_system(dict.fromkeys((SPEECH, CONFIDENCE, TEXT, STATUS), ""))
    if answers is None:
        raise ActionFailed("this flow runs where no speech can be recognised")
    language = context.language_or_default(options.language)
    request = AnswerRequest(
        language=language,
        hints=tuple(dict.fromkeys(options.hints)),
        hint_threshold=options.hint_threshold,
        end_of_silence_ms=options.end_of_silence or None,
    )
    if not context.call.is_answered:
        await context.call.answer()
    async with answers.open(context.call.record.id, request) as ear:
        if options.prompt.strip():
            # A voice may need a second: who speaks meanwhile is heard.
            media = await _prepare_prompt(context, options.prompt, language)
            await _play_prompt(context, ear, media, is_interrupted=options.barge_in)
        answer = await _wait_answer(ear, options)
        context.variables.set_system(_variables_of(answer, request, has_spoken=ear.has_spoken))
    return Next()


async def _prepare_prompt(context: ActionContext, text: str, language: str) -> str:
    try:
        async with asyncio.timeout(SYNTHESIS_SECONDS):
            return await context.ports.prompts.prepare(text, language)
    except TimeoutError:
        raise Unavailable(f"prompt: was not spoken within {SYNTHESIS_SECONDS:g} s; expected a faster voice") from None


async def _play_prompt(context: ActionContext, ear: AnswerEar, media: str, *, is_interrupted: bool) -> None:
    """Play the prompt to its end or, with `is_interrupted`, until the party speaks. One that fails is only logged."""
    playing = asyncio.ensure_future(context.call.play([media]))
    speaking = asyncio.ensure_future(_wait_speech(ear))
    try:
        await asyncio.wait({playing, speaking} if is_interrupted else {playing}, return_when=asyncio.FIRST_COMPLETED)
        if playing.done():
            if playing.result() is PlayOutcome.FAILED:
                log.warning("the prompt of speech_receive could not be played", action_id=context.action.id)
        else:
            speaking.result()
    finally:
        playing.cancel()
        speaking.cancel()
        await asyncio.gather(playing, speaking, return_exceptions=True)
    if not is_interrupted:
        ear.ignore_so_far()


async def _wait_speech(ear: AnswerEar) -> None:
    while ear.speaking_since is None and ear.answer is None:
        await ear.wait_change()


async def _wait_answer(ear: AnswerEar, options: SpeechReceiveOptions) -> HeardAnswer | None:
    """Return the first utterance with words; None when the time is up without one.

    Speech that goes on when the time for silence is up is heard to its end; sounds without words do not prolong it.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + options.timeout / 1000
    while ear.answer is None:
        began = ear.speaking_since
        try:
            async with asyncio.timeout_at(deadline if began is None else began + options.max_length / 1000):
                await ear.wait_change()
        except TimeoutError:
            return await ear.finish()
    return ear.answer


def _variables_of(answer: HeardAnswer | None, request: AnswerRequest, *, has_spoken: bool) -> dict[str, str]:
    if answer is None:
        status = SpeechStatus.NOT_UNDERSTOOD if has_spoken else SpeechStatus.SILENCE
        return {SPEECH: "", CONFIDENCE: "", TEXT: "", STATUS: status.value}
    speech = answer.hint if request.hints else answer.text
    status = SpeechStatus.UNDERSTOOD if speech else SpeechStatus.NOT_UNDERSTOOD
    confidence = "" if answer.confidence is None else f"{answer.confidence:.2f}"
    return {SPEECH: speech, CONFIDENCE: confidence, TEXT: answer.text, STATUS: status.value}
