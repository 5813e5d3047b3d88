"""Random options of every action type, made from the JSON Schema that the type itself has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from app.flow.action import ActionSpec
from app.flow.option_types import (
    NestedActionsMark,
    TargetMark,
    VariableKeyMark,
    VariableMark,
    list_marked,
    name_target_options,
)

Json = Any
LATER = "${x}"

_ADDRESSES = (
    {"type": "extension", "target_name": "1001"},
    {"type": "tel", "target": "+821012345678"},
    {"target": "sip:alice@example.com"},
)
_BY_KEY: Mapping[str, st.SearchStrategy[Json]] = {
    "uri": st.just("http://127.0.0.1/x"),
    "event_url": st.just("http://127.0.0.1/y"),
    "data_type": st.sampled_from(["application/json", "text/plain"]),
    "flow_id": st.sampled_from(["other", "self", "missing"]),
    "on_end_flow_id": st.sampled_from(["", "other"]),
    "language": st.sampled_from(["", "en-US", "ko-KR", "xh-ZA"]),
    "digits": st.sampled_from(["1", "12#"]),
    "hints": st.lists(st.sampled_from(["sales", "support", "${x} y"]), max_size=2),
    "attachments": st.just([{"reference_id": "${voipbin.recording.id}"}]),
    "encapsulation": st.sampled_from(["rtp", "audiosocket"]),
    "transport": st.just(""),
    "direction_listen": st.sampled_from(["in", "out", "both", LATER]),
    "data": st.sampled_from(["", "8c5a9e2a-2a7f-4a6f-9f1d-debd72c279ce"]),
    "reference_id": st.sampled_from(["", LATER, "8c5a9e2a-2a7f-4a6f-9f1d-debd72c279ce"]),
}
"""What a schema cannot tell: which of all texts mean something."""
_NESTED = ([{"type": "talk", "option": {"text": "hello", "language": "en-US"}}], [{"type": "beep"}, {"type": "stop"}])


def options_of(
    spec: ActionSpec, targets: st.SearchStrategy[str], *, is_wild: bool = False
) -> st.SearchStrategy[dict[str, Json]]:
    """Options of a type that are right; `targets` are those of the flow. One may be left to a variable.

    With `is_wild` they are only what the schema allows: the type itself may not (an address that is none).
    """
    schema = spec.options.model_json_schema()
    required = set(schema.get("required", []))
    made: dict[str, st.SearchStrategy[Json]] = {}
    for key, part in schema.get("properties", {}).items():
        made[key] = _shape(part, schema) if is_wild else _value_of(spec, key, part, schema, targets)
    if {"flow_id", "actions"} <= made.keys():
        required.add("actions")
    fixed = {key: value for key, value in made.items() if key in required}
    return st.fixed_dictionaries(fixed, optional={key: value for key, value in made.items() if key not in fixed})


def _value_of(
    spec: ActionSpec, key: str, part: Json, schema: Json, targets: st.SearchStrategy[str]
) -> st.SearchStrategy[Json]:
    if key in list_marked(spec.options, TargetMark):
        if key in name_target_options(spec.options):
            return targets
        return st.dictionaries(st.sampled_from(["1", "sales", "", "7"]), targets, max_size=3)
    if key in list_marked(spec.options, NestedActionsMark):
        return st.sampled_from(_NESTED)
    if key in list_marked(spec.options, VariableKeyMark):
        return st.sampled_from(["x", "y", "t"])
    if key in list_marked(spec.options, VariableMark):
        return st.sampled_from(["voipbin.call.speech", "voipbin.call.digits", "x", "${y}"])
    if spec.name == "email_send" and key == "destinations":
        return st.just(["anna@example.com", {"type": "email", "target": "bob@example.com"}])
    if key in _BY_KEY:
        return _BY_KEY[key]
    # A variable becomes a text, which no list and no object is.
    is_text = part.get("type") not in {"array", "object"} and not any("$ref" in each for each in part.get("anyOf", []))
    return st.just(LATER) | _shape(part, schema) if is_text else _shape(part, schema)


def _shape(part: Json, schema: Json) -> st.SearchStrategy[Json]:
    match part:
        case {"$ref": str(ref)}:
            name = ref.rsplit("/", 1)[1]
            return st.sampled_from(_ADDRESSES) if name == "AddressForm" else _shape(schema["$defs"][name], schema)
        case {"enum": list(choices)}:
            return st.sampled_from(choices)
        case {"const": choice}:
            return st.just(choice)
        case {"anyOf": list(choices)}:
            return st.one_of(*(_shape(each, schema) for each in choices))
        case {"type": "array", "items": dict(item)}:
            low = part.get("minItems", 0)
            return st.lists(_shape(item, schema), min_size=low, max_size=max(low, 2))
        case {"type": "integer"}:
            return st.integers(part.get("minimum", -(10**9)), part.get("maximum", 10**9))
        case {"type": "number"}:
            return st.floats(part.get("minimum", -1e9), part.get("maximum", 1e9), allow_nan=False)
        case {"type": "boolean"}:
            return st.booleans()
        case {"type": "null"}:
            return st.none()
        case {"type": "string", "pattern": str(pattern)}:
            return _text_like(pattern)
        case {"type": "string"}:
            texts = ["hello", "a ${y} b", LATER, *([] if part.get("minLength") else [""])]
            return st.sampled_from(texts)
        case _:
            return st.sampled_from(["", "text", {"a": [1, "${x}"]}, 5])


def _text_like(pattern: str) -> st.SearchStrategy[str]:
    if "https?" in pattern:
        return st.just("http://127.0.0.1/a.wav")
    return st.from_regex(pattern, fullmatch=True)
