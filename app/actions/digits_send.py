"""The action `digits_send`."""

from asyncio import sleep as wait
from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema

from app.flow.action import ActionContext, ActionOptions, LegState, Next, Outcome, action

MAX_DIGITS = 100
LEAD_MS = 150
"""Asterisk is silent for 100 ms before the first digit; the rest is for its way to the party."""


def _sendable(text: str) -> str:
    if not 1 <= len(text) <= MAX_DIGITS or not set(text) <= set("0123456789ABCD*#"):
        raise ValueError(f"1 to {MAX_DIGITS} of the digits 0-9, A-D, * and #")
    return text


DigitString = Annotated[
    str, AfterValidator(_sendable), WithJsonSchema({"type": "string", "pattern": f"^[0-9A-D*#]{{1,{MAX_DIGITS}}}$"})
]


class DigitsSendOptions(ActionOptions):
    """Which digits, and how fast."""

    digits: DigitString = Field(description="The digits to send: 0-9, A-D, * and #, 100 at most")
    duration: int = Field(100, ge=100, le=1000, description="How long each digit lasts, in milliseconds")
    interval: int = Field(100, ge=0, le=5000, description="The pause between two digits, in milliseconds")


@action(
    "digits_send",
    options=DigitsSendOptions,
    needs=LegState.ALIVE,
    is_blocking=True,
    example={"digits": "1234#", "duration": 100, "interval": 100},
    fails="Asterisk does not take the digits",
)
async def digits_send(context: ActionContext, options: DigitsSendOptions) -> Outcome:
    """Send digits (DTMF) to the party; the flow goes on when all are sent.

    They are RFC 4733 events for a party that knows them, else tones.
    """
    await context.call.send_digits(options.digits, duration_ms=options.duration, interval_ms=options.interval)
    count = len(options.digits)
    await wait((LEAD_MS + count * options.duration + (count - 1) * options.interval) / 1000)
    return Next()
