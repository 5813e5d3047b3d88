"""The action `condition_datetime`."""

from typing import Annotated

from pydantic import Field

from app.flow.action import ActionContext, ActionOptions, Jump, Next, OnFailure, Outcome, action
from app.flow.comparison import Condition, compare
from app.flow.option_types import ActionTarget

Weekday = Annotated[int, Field(ge=0, le=6)]


class ConditionDatetimeOptions(ActionOptions):
    """What the time is compared with, part by part."""

    condition: Condition = Field(description="How each part of now (left) is compared with the option (right)")
    minute: int = Field(0, ge=-1, le=59, description="Minute; -1 = any")
    hour: int = Field(0, ge=-1, le=23, description="Hour in UTC; -1 = any")
    day: int = Field(0, ge=0, le=31, description="Day of the month; 0 = any")
    month: int = Field(0, ge=0, le=12, description="Month; 0 = any")
    weekdays: list[Weekday] = Field(
        [], max_length=7, description="Days of the week on which it can be true, 0 = Sunday to 6 = Saturday; [] = any"
    )
    false_target_id: ActionTarget = Field(description="The id or name of the action to go on with where it is false")


@action(
    "condition_datetime",
    options=ConditionDatetimeOptions,
    needs=None,
    on_failure=OnFailure.END,
    example={"condition": ">=", "minute": -1, "hour": 9, "weekdays": [1, 2, 3, 4, 5], "false_target_id": "closed"},
    fails="the false target, which came out of a variable, is no action of this flow",
)
async def condition_datetime(context: ActionContext, options: ConditionDatetimeOptions) -> Outcome:
    """Go on with the next action where the time now (UTC) compares as told in all its parts, else elsewhere.

    Every part is compared for itself: `>=` with hour 9 and minute 30 is false at 10:15, because 15 is less than 30.
    For office hours use two of them: hour `>=` 9 and hour `<` 18, each with minute -1.
    """
    moment = context.ports.now()
    parts = (
        (moment.minute, options.minute, options.minute >= 0),
        (moment.hour, options.hour, options.hour >= 0),
        (moment.day, options.day, options.day > 0),
        (moment.month, options.month, options.month > 0),
    )
    holds = all(compare(now, options.condition, wanted) for now, wanted, is_asked in parts if is_asked)
    if options.weekdays:
        holds = holds and moment.isoweekday() % 7 in options.weekdays
    return Next() if holds else Jump(options.false_target_id)
