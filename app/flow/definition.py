"""The form of a flow file (interface.md, Flow files): what its author writes, before it is a domain Flow.

`id` of an action is optional: a UUID, or a name that `next_id` and options such as `target_id` can use; the API shows
names as UUIDs (see flow_ids). `next_id` is the id of the action that follows; absent = the next one in the list.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, WithJsonSchema

from app.domain.flow import Action, Flow
from app.domain.ids import ZERO_ID, is_id
from app.flow.flow_ids import RESERVED_IDS, is_action_name, place_action_id, to_action_id, to_flow_id
from app.flow.option_types import canonical_language

ANY_NUMBER = "*"
"""In `numbers`: this flow answers what no other flow answers."""

# Digits and E.164 are SIP user parts too (RFC 3261 section 25.1, `user`, without escapes).
_SIP_USER = re.compile(r"[A-Za-z0-9\-_.!~*'()&=+$,;?/]{1,64}")


def _check_number(text: str) -> str:
    if not _SIP_USER.fullmatch(text):
        raise ValueError('digits (7001), E.164 (+15551234567), a SIP user part (alice) or "*"')
    return text


def _check_own_id(text: str) -> str:
    if not (is_id(text) or is_action_name(text)):
        raise ValueError("a UUID or a name (a letter, then letters, digits, _ . -)")
    if text in RESERVED_IDS:
        raise ValueError("an id that is not reserved")
    return text


def _check_next_id(text: str) -> str:
    if not (is_id(text) or is_action_name(text)):
        raise ValueError("the id or name of an action of this flow")
    return text


_ID_SCHEMA = WithJsonSchema({"type": "string", "minLength": 1})


class ActionEntry(BaseModel):
    """One action as written; `option` is checked by its type."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: str = Field(description="The type of the action")
    id: Annotated[str, AfterValidator(_check_own_id), _ID_SCHEMA] = Field(
        "", description="A UUID, or a name that next_id and target_id can use"
    )
    option: dict[str, JsonValue] = Field({}, description="The options of the action")
    next_id: Annotated[str, AfterValidator(_check_next_id), _ID_SCHEMA] = Field(
        "", description="The id of the action that follows; absent = the next one in the list"
    )


class FlowFile(BaseModel):
    """One flow file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_: str | None = Field(None, alias="$schema", description="Where editors find the schema of this file")
    name: str = Field("", description="What people call the flow; absent = the file's name")
    detail: str = Field("", description="What the flow is for")
    numbers: list[Annotated[str, AfterValidator(_check_number), WithJsonSchema({"type": "string", "minLength": 1})]] = (
        Field([], description='The numbers it answers: digits, E.164, SIP user parts, or "*" for all others')
    )
    language: Annotated[
        str,
        AfterValidator(canonical_language),
        WithJsonSchema({"type": "string", "pattern": "^$|^[A-Za-z]{2,3}([-_][A-Za-z0-9]+)*$"}),
    ] = Field("", description="The language (BCP 47) of actions that name none")
    actions: list[ActionEntry] = Field(min_length=1, description="A list of actions, run from the first one on")


def build_flow(file: FlowFile, name_key: str) -> Flow:
    """Return the domain flow of a checked file; `name_key` is the file's name without `.json`."""
    flow_id = to_flow_id(name_key)
    actions = tuple(
        Action(
            id=place_action_id(flow_id, index) if not entry.id else to_action_id(flow_id, entry.id),
            type=entry.type,
            option=dict(entry.option),
            next_id=ZERO_ID if not entry.next_id else to_action_id(flow_id, entry.next_id),
        )
        for index, entry in enumerate(file.actions)
    )
    return Flow(
        id=flow_id,
        name_key=name_key,
        name=file.name or name_key,
        actions=actions,
        detail=file.detail,
        numbers=tuple(file.numbers),
        language=file.language,
    )
