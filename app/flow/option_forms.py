"""The form of an option in a few words: `whole number, 0 to 5000`."""

import json

from app.flow.schema import Schema


def name_form(part: Schema, schema: Schema) -> str:  # noqa: PLR0911  (one for each form)
    """Return the form that `part` of a model's JSON Schema asks for; `schema` has the definitions."""
    match part:
        case {"$ref": str(ref)}:
            return _name_reference(ref.rsplit("/", 1)[1], schema)
        case {"enum": list(choices)}:
            return ", ".join(f"`{json.dumps(choice)}`" for choice in choices)
        case {"const": choice}:
            return f"`{json.dumps(choice)}`"
        case {"anyOf": list(choices)}:
            forms = dict.fromkeys(name_form(choice, schema) for choice in choices if choice != {"type": "null"})
            return " or ".join(forms)
        case {"type": "array", "items": dict(item)}:
            return f"list of {_count(part, 'Items')}{name_form(item, schema)}"
        case {"type": "object", "additionalProperties": dict(item)}:
            return f"object of {_count(part, 'Properties')}{name_form(item, schema)}"
        case {"type": "integer" | "number" as kind}:
            return f"{'whole number' if kind == 'integer' else 'number'}{_range(part)}"
        case {"type": "string", "examples": ["en-US", *_]}:
            return "language code (BCP 47)"
        case {"type": "string"}:
            return f"text{_length(part)}"
        case {"type": str(kind)}:
            return {"boolean": "true or false", "object": "object"}.get(kind, kind)
        case _:
            return "any JSON"


def _name_reference(name: str, schema: Schema) -> str:
    definitions = schema["$defs"]
    assert isinstance(definitions, dict)
    if name == "AddressForm":
        return "[address](#addresses)"
    found: Schema = definitions[name]
    return name_form(found, schema)


def _count(part: Schema, what: str) -> str:
    low, high = part.get(f"min{what}", 0), part.get(f"max{what}")
    if high is not None:
        return f"{low} to {high}: " if low else f"at most {high}: "
    return f"at least {low}: " if low else ""


def _range(part: Schema) -> str:
    low, high = part.get("minimum"), part.get("maximum")
    if low is not None and high is not None:
        return f", {low} to {high}"
    return f", at least {low}" if low is not None else f", at most {high}" if high is not None else ""


def _length(part: Schema) -> str:
    low, high = part.get("minLength", 0), part.get("maxLength")
    if high is not None:
        return f", {low} to {high} characters" if low else f", at most {high} characters"
    return ", not empty" if low else ""
