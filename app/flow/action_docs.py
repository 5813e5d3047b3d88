"""The page about the actions, made from the registry."""

import json
from collections.abc import Iterator

from pydantic_core import PydanticUndefined

from app.flow.action import ActionSpec, LegState
from app.flow.action_registry import ActionRegistry
from app.flow.schema import Schema

_NEEDS = {None: "nothing", LegState.ALIVE: "a call", LegState.ANSWERED: "an answered call"}
_INTRODUCTION = """# Actions

Generated from the registry by `callscribe flows docs --write`; change the files in `app/actions`, not this page.

An action in a flow file is `{"type": ..., "option": {...}}`, with an optional `id` (a UUID or a name) and `next_id`
(the action that follows; without it, the next one in the list). Every text in `option` may hold `${name}`; the
variable's value at that moment takes its place, and an unknown name the empty text. A flow that has ended hangs its
call up.
"""


def render_action_docs(registry: ActionRegistry) -> str:
    """Return the Markdown page: a table of all actions, then a section for each."""
    lines = [
        _INTRODUCTION,
        "| Action | What it does | Needs | The flow waits | When it fails, the flow |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| [`{spec.name}`](#{spec.name}) | {spec.text.splitlines()[0]} | {_NEEDS[spec.needs]} "
        f"| {'yes' if spec.is_blocking else 'no'} | {spec.on_failure.value} |"
        for spec in registry
    ]
    for spec in registry:
        lines += ["", *_section(spec)]
    return "\n".join(lines) + "\n"


def _section(spec: ActionSpec) -> Iterator[str]:
    yield f"## {spec.name}"
    yield ""
    yield spec.text
    if isinstance(spec.needs_setting, str) and spec.needs_setting:
        yield ""
        yield f"Needs the setting `{spec.needs_setting}`: a flow with this action is refused without it."
    if spec.options.model_fields:
        schema = spec.options.model_json_schema()
        yield ""
        yield "| Option | Form | Default | Meaning |"
        yield "|---|---|---|---|"
        for name, field in spec.options.model_fields.items():
            key = field.alias or name
            default = "required" if field.default is PydanticUndefined else f"`{json.dumps(field.default)}`"
            yield f"| `{key}` | {_form(schema['properties'][key], schema)} | {default} | {field.description} |"
    yield ""
    yield "```json"
    example: dict[str, object] = {"type": spec.name}
    if spec.example:
        example["option"] = spec.example
    yield json.dumps(example, ensure_ascii=False)
    yield "```"


def _form(part: Schema, schema: Schema) -> str:
    """Return the form of an option in a few words."""
    match part:
        case {"$ref": str(ref)}:
            definitions = schema["$defs"]
            assert isinstance(definitions, dict)
            return _form(definitions[ref.rsplit("/", 1)[1]], schema)
        case {"enum": list(choices)}:
            return ", ".join(f"`{json.dumps(choice)}`" for choice in choices)
        case {"anyOf": list(choices)}:
            return " or ".join(_form(choice, schema) for choice in choices if choice != {"type": "null"})
        case {"type": "array", "items": dict(item)}:
            return f"list of {_form(item, schema)}"
        case {"type": "integer", "minimum": low, "maximum": high}:
            return f"whole number, {low} to {high}"
    words = {"string": "text", "integer": "whole number", "boolean": "true or false", "object": "object"}
    return words.get(str(part.get("type")), str(part.get("type")))
