"""The action `digits_receive`."""

import asyncio
from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema

from app.flow.action import NEVER, ActionContext, ActionOptions, LegState, Next, Outcome, action
from app.flow.variables import DIGITS

MAX_DURATION_MS = 3600 * 1000
MAX_LENGTH = 100


def _known_keys(text: str) -> str:
    if len(text) > 16 or not set(text.upper()) <= set("0123456789ABCD*#"):
        raise ValueError("keys of a telephone: 0-9, A-D, * and #")
    return text.upper()


EndingKeys = Annotated[
    str, AfterValidator(_known_keys), WithJsonSchema({"type": "string", "pattern": "^[0-9A-Da-d*#]{0,16}$"})
]


class DigitsReceiveOptions(ActionOptions):
    """What ends it: the first of these."""

    duration: int = Field(
        ge=0, le=MAX_DURATION_MS, description="How long it waits at most, in milliseconds from its start"
    )
    length: int = Field(0, ge=0, le=MAX_LENGTH, description="How many digits are enough; 0 = any number")
    key: EndingKeys = Field("", description='Keys that end it, e.g. "#" or "*#"; they are not part of the digits')


@action(
    "digits_receive",
    options=DigitsReceiveOptions,
    needs=LegState.ALIVE,
    is_blocking=True,
    example={"duration": 5000, "length": 1, "key": "#"},
    fails=NEVER,
)
async def digits_receive(context: ActionContext, options: DigitsReceiveOptions) -> Outcome:
    """Collect the digits that the party presses into the variable `voipbin.call.digits`.

    It ends when `length` digits are there, a key of `key` is pressed, or the time is up. Digits that were typed ahead
    count first, so that they may end it at once; what is typed beyond its end waits for the next one. The variable is
    empty where nothing was pressed.
    """
    digits = context.call.digits
    collected = ""
    try:
        async with asyncio.timeout(options.duration / 1000):
            while not options.length or len(collected) < options.length:
                digit = await digits.take()
                if digit in options.key:
                    break
                collected += digit
    except TimeoutError:
        pass
    digits.mark_taken()
    context.variables.set_system({DIGITS: collected})
    return Next()
