"""What bodies say about flows: actions in line, variables, and flows by their id (contract 3.3, 8)."""

from __future__ import annotations

import unicodedata
from typing import Annotated

from pydantic import PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from app.api.ports import ApiContext
from app.domain.ids import ZERO_ID
from app.errors import InvalidArgument
from app.flow.variables import MAX_TOTAL_BYTES, MAX_VALUE_BYTES, MAX_VARIABLES, SYSTEM_PREFIX

_MAX_KEY = 255

ActionsField = Annotated[
    object,
    WithJsonSchema(
        {
            "type": "array",
            "description": "The actions, run from the first one on; docs/actions.md has their types and options",
            "items": {
                "type": "object",
                "required": ["type"],
                "properties": {
                    "type": {"type": "string", "examples": ["talk"]},
                    "id": {"type": "string", "description": "A UUID or a name; absent = a new one"},
                    "next_id": {
                        "type": "string",
                        "description": "The id of the action that follows; absent = the next",
                    },
                    "option": {"type": "object", "description": "What this type needs"},
                },
            },
        }
    ),
]
"""A list of actions as it was sent: give it to FlowPort.check."""


def _wrong(fault: str) -> PydanticCustomError:
    return PydanticCustomError("INVALID_VARIABLES", fault)


def _size(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


def _read_variables(value: object) -> dict[str, str]:
    """Return the variables without those of the system's names; limits count before these are dropped."""
    if not isinstance(value, dict):
        raise _wrong("expected an object of texts by name")
    if len(value) > MAX_VARIABLES:
        raise _wrong(f"expected at most {MAX_VARIABLES} variables")
    total = 0
    for key, text in value.items():
        if not key or len(key) > _MAX_KEY or any(unicodedata.category(each) == "Cc" for each in key):
            raise _wrong(f"expected names of 1 to {_MAX_KEY} characters without control characters")
        if not isinstance(text, str):
            raise _wrong("expected a text for every name")
        if (size := _size(text)) > MAX_VALUE_BYTES:
            raise _wrong(f"expected texts of at most {MAX_VALUE_BYTES} bytes")
        total += size
    if total > MAX_TOTAL_BYTES:
        raise _wrong(f"expected at most {MAX_TOTAL_BYTES} bytes in all")
    return {key: text for key, text in value.items() if not key.startswith(SYSTEM_PREFIX)}


VariablesField = Annotated[
    dict[str, str],
    PlainValidator(_read_variables),
    WithJsonSchema(
        {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": f"Variables of the flow by name: at most {MAX_VARIABLES}, {MAX_VALUE_BYTES} bytes each, "
            f"{MAX_TOTAL_BYTES} in all; names that begin with {SYSTEM_PREFIX} are dropped",
        }
    ),
]
"""Variables that a client supplies; their faults are INVALID_VARIABLES."""


async def check_flow_reference(context: ApiContext, customer_id: str, flow_id: str, field: str) -> None:
    """Let ZERO_ID and flows of this customer pass that last; InvalidArgument names `field` for all others."""
    if flow_id == ZERO_ID:
        return
    stored = await context.store.flows.get(customer_id, flow_id)
    is_temporary = stored is not None and stored.is_temporary
    if is_temporary or await context.flows.find(customer_id, flow_id) is None:
        raise InvalidArgument(field, "expected the id of a flow of yours; there is none with this id")
