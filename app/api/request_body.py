"""Reading bodies: unknown fields are ignored, known ones are checked and named when they are wrong."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, TypeVar

from aiohttp import web
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import from_json, to_json

from app.api.errors import InvalidJsonBody, invalid_field
from app.domain.ids import ZERO_ID, is_id
from app.errors import CallscribeError, InvalidArgument

B = TypeVar("B", bound="RequestBody")


class RequestBody(BaseModel):
    """A JSON object that a client sends. A field that is null counts as not sent."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    def sent(self) -> dict[str, Any]:
        """Return the fields that were sent, for a PUT that leaves the others as they are."""
        return {name: getattr(self, name) for name in type(self).model_fields if name in self.model_fields_set}


def _check_id(text: str) -> str:
    if not is_id(text):
        raise ValueError("expected a UUID")
    return text.lower()


def _zero_when_empty(value: object) -> object:
    return ZERO_ID if value in (None, "") else value


_UUID = {"format": "uuid"}

BodyId = Annotated[str, AfterValidator(_check_id), Field(json_schema_extra=_UUID)]
"""A UUID in either case, lower case inside."""

OptionalBodyId = Annotated[
    str,
    AfterValidator(_check_id),
    BeforeValidator(_zero_when_empty),
    Field(description='UUID; null, "" or zeros for none'),
]
"""A UUID, or null or "" for none, as old clients send it."""


async def read_body(request: web.Request, model: type[B]) -> B:
    """Return the checked body; InvalidJsonBody, or InvalidArgument with the field's name.

    No body at all is an empty object where the model needs no field.
    """
    try:
        text = await request.read()
    except web.RequestPayloadError:
        raise InvalidJsonBody("body", "its encoding is broken") from None
    if not text.strip() and is_body_optional(model):
        text = b"{}"
    return parse_body(text, model)


def parse_body(text: bytes, model: type[B]) -> B:
    """Return the checked body from its JSON text."""
    try:
        content = from_json(text, allow_inf_nan=False)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise InvalidJsonBody("body", "expected a JSON object")
    names = {field.alias or name for name, field in model.model_fields.items()}
    known = {name: value for name, value in content.items() if name in names and value is not None}
    for place, value in known.items():
        for path, fault in _unstorable(place, value):
            raise InvalidArgument(path, fault)
    try:
        return model.model_validate_json(to_json(known))
    except ValidationError as error:
        raise _first_fault(error) from None


def is_body_optional(model: type[BaseModel]) -> bool:
    """Tell whether an empty object is a right body: no field is required."""
    return not any(field.is_required() for field in model.model_fields.values())


def _unstorable(place: str, value: object) -> Iterator[tuple[str, str]]:
    """Yield the places within `value` that no database or no JSON reader takes: NUL characters, infinite numbers."""
    if isinstance(value, str):
        if "\0" in value:
            yield place, "must not hold NUL characters"
    elif isinstance(value, float):
        if not math.isfinite(value):
            yield place, "expected a number of a smaller size"
    elif isinstance(value, dict):
        for name, inner in value.items():
            if "\0" in name:
                yield place, "must not hold NUL characters"
            yield from _unstorable(f"{place}.{name}", inner)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _unstorable(f"{place}.{number}", inner)


def _first_fault(error: ValidationError) -> CallscribeError:
    fault = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in fault["loc"])
    if not place:
        return InvalidJsonBody("body", "expected a JSON object")
    if fault["type"] == "missing":
        return InvalidArgument(place, "is required")
    message = _wrong_length(fault["type"], fault.get("ctx", {})) or fault["msg"].removeprefix("Value error, ")
    return invalid_field(fault["type"], place, message[:1].lower() + message[1:])


def _wrong_length(kind: str, context: Mapping[str, Any]) -> str | None:
    """Return what was expected of a list or text of a wrong length: pydantic's own words name types of Python."""
    unit = "character" if context.get("field_type") == "Value" else "item"  # Value: a text that was changed first
    match kind:
        case "too_short":
            word, limit = "at least", context["min_length"]
        case "too_long":
            word, limit = "at most", context["max_length"]
        case _:
            return None
    return f"expected {word} {limit} {unit}{'' if limit == 1 else 's'}"
