"""Reading bodies: unknown fields are ignored, known ones are checked and named when they are wrong."""

from __future__ import annotations

from typing import Annotated, TypeVar

from aiohttp import web
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError

from app.api.errors import InvalidJsonBody
from app.domain.ids import ZERO_ID, is_id
from app.errors import CallscribeError, InvalidArgument

B = TypeVar("B", bound="RequestBody")


class RequestBody(BaseModel):
    """A JSON object that a client sends."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


def _check_id(text: str) -> str:
    if not is_id(text):
        raise ValueError("expected a UUID")
    return text.lower()


def _zero_when_empty(value: object) -> object:
    return ZERO_ID if value in (None, "") else value


BodyId = Annotated[str, AfterValidator(_check_id)]
"""A UUID in either case, lower case inside."""

OptionalBodyId = Annotated[BodyId, BeforeValidator(_zero_when_empty)]
"""A UUID, or null or "" for none, as old clients send it."""


async def read_body(request: web.Request, model: type[B]) -> B:
    """Return the checked body; InvalidJsonBody, or InvalidArgument with the field's name."""
    try:
        text = await request.read()
    except web.RequestPayloadError:
        raise InvalidJsonBody("body", "its encoding is broken") from None
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        raise _first_fault(error) from None


def _first_fault(error: ValidationError) -> CallscribeError:
    fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "json_invalid" or not place:
        return InvalidJsonBody("body", "expected a JSON object")
    if fault["type"] == "missing":
        return InvalidArgument(place, "is required")
    message = fault["msg"].removeprefix("Value error, ")
    return InvalidArgument(place, message[:1].lower() + message[1:])
