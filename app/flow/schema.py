"""The JSON Schema of flow files, made from the registry, so that editors complete and check them.

Draft 7, because that is what editors know best. Where an option is not a plain text a `${variable}` is allowed too.
"""

import json
from collections.abc import Mapping

from pydantic import BaseModel

from app.flow.action import ActionSpec
from app.flow.action_registry import ActionRegistry
from app.flow.definition import ActionEntry, FlowFile

Schema = dict[str, object]

_PLACEHOLDER: Schema = {
    "type": "string",
    "pattern": r"\$\{.*?\}",
    "description": "A variable, replaced when the action runs",
}


def make_flow_schema(registry: ActionRegistry) -> Schema:
    """Return the schema; it accepts every file that the checker accepts."""
    file_properties = _properties(FlowFile)
    definitions: Schema = {}
    for spec in registry:
        _add_action(spec, definitions)
    file_properties["actions"] = {
        "description": FlowFile.model_fields["actions"].description,
        "type": "array",
        "minItems": 1,
        "items": {"oneOf": [{"$ref": f"#/definitions/{spec.name}"} for spec in registry]},
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Callscribe flow",
        "type": "object",
        "properties": file_properties,
        "required": ["actions"],
        "additionalProperties": False,
        "definitions": definitions,
    }


def render_flow_schema(registry: ActionRegistry) -> str:
    """Return the text of `flow.schema.json`."""
    return json.dumps(make_flow_schema(registry), indent=2, ensure_ascii=False) + "\n"


def _add_action(spec: ActionSpec, definitions: Schema) -> None:
    options = spec.options.model_json_schema(ref_template=f"#/definitions/{spec.name}.{{model}}")
    nested = options.pop("$defs", {})
    for name, schema in nested.items():
        definitions[f"{spec.name}.{name}"] = _without_titles(schema)
    required = list(options.get("required", []))
    option: Schema = {
        "type": "object",
        "properties": {key: _allow_variables(_without_titles(part)) for key, part in options["properties"].items()}
        if "properties" in options
        else {},
        "additionalProperties": False,
    }
    if required:
        option["required"] = required
    entry = _properties(ActionEntry)
    entry["type"] = {"const": spec.name, "description": spec.text.splitlines()[0]}
    entry["option"] = option
    definitions[spec.name] = {
        "type": "object",
        "properties": entry,
        "required": ["type", "option"] if required else ["type"],
        "additionalProperties": False,
    }


def _properties(model: type[BaseModel]) -> Schema:
    """Return a model's properties; what is empty by default is left out by authors, not written as empty."""
    result: Schema = {}
    for key, schema in model.model_json_schema()["properties"].items():
        part = _without_titles(schema)
        if part.get("default") in ("", [], {}):
            del part["default"]
        result[key] = part
    return result


def _allow_variables(schema: Schema) -> Schema:
    """Let a `${variable}` stand where the value is not a plain text anyway."""
    if schema.get("type") == "array" and isinstance(schema.get("items"), Mapping):
        return {**schema, "items": _allow_variables(dict(schema["items"]))}  # type: ignore[call-overload]
    if schema.get("type") == "object" or _is_plain_text(schema):
        return schema
    outer: Schema = {key: schema[key] for key in ("description", "default") if key in schema}
    inner = {key: value for key, value in schema.items() if key not in outer}
    choices = inner.pop("anyOf", None)
    parts = [*choices] if isinstance(choices, list) and not inner else [inner | ({"anyOf": choices} if choices else {})]
    return {**outer, "anyOf": [*parts, _PLACEHOLDER]}


def _is_plain_text(schema: Schema) -> bool:
    return schema.get("type") == "string" and not schema.keys() & {"pattern", "enum", "const", "minLength", "maxLength"}


def _without_titles(schema: object) -> Schema:
    """Return a copy without the titles that pydantic makes of the names."""
    return {key: value for key, value in dict(schema).items() if key != "title"}  # type: ignore[call-overload]
