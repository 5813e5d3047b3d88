"""What is wrong in a flow: where, what was found, what was expected."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from enum import StrEnum
from typing import get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

_TYPE_WORDS = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
}
_LONGEST_FOUND = 60


class Severity(StrEnum):
    """What a finding means for a flow."""

    ERROR = "error"
    """The flow is refused."""
    WARNING = "warning"
    """The flow runs, and most likely not as its author wants."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault. `path` is a JSON path (`$.actions[2].option.text`), `$` for the whole file."""

    path: str
    found: str
    expected: str
    file: str = ""
    severity: Severity = Severity.ERROR

    @property
    def is_error(self) -> bool:
        """Whether the flow is refused for it."""
        return self.severity is Severity.ERROR

    @property
    def text(self) -> str:
        """What is wrong, without the place."""
        return f"found {self.found}, expected {self.expected}"

    def __str__(self) -> str:
        place = f"{self.file}: {self.path}" if self.file else self.path
        return f"{place}: {'' if self.is_error else 'warning: '}{self.text}"

    def inside(self, outer: str, inner: str) -> "Finding":
        """Return the finding with the place `outer` become `inner`, in its path and in what was found."""
        return replace(self, path=self.path.replace(outer, inner, 1), found=self.found.replace(outer, inner))

    def below(self, prefix: str) -> "Finding":
        """Return the finding with `prefix` before its path."""
        return replace(self, path=f"{prefix}{self.path}")


def warn(path: str, found: str, expected: str) -> Finding:
    """Return a finding that does not refuse the flow."""
    return Finding(path, found, expected, severity=Severity.WARNING)


def json_path(parts: Sequence[int | str]) -> str:
    """Return `.actions[2].option` for ("actions", 2, "option")."""
    text = ""
    for part in parts:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if part.replace("_", "").replace("$", "").isalnum() else f"[{part!r}]"
    return text


def name_value(value: object) -> str:
    """Return a short form of a JSON value for a message."""
    match value:
        case bool():
            return "true" if value else "false"
        case None:
            return "null"
        case str():
            return f'"{value}"' if len(value) <= _LONGEST_FOUND else "a long text"
        case int() | float():
            return repr(value) if abs(value) < 10**30 else "a huge number"
        case list():
            return f"a list of {len(value)}"
        case _:
            return "an object"


def name_choices(choices: Sequence[str], found: str = "") -> str:
    """Return `one of a, b, c`, with the nearest one pointed out."""
    near = get_close_matches(found, choices, n=1)
    hint = f' (did you mean "{near[0]}"?)' if near else ""
    return f"one of {', '.join(choices)}{hint}" if choices else "nothing"


def describe_errors(errors: Sequence[ErrorDetails], model: type[BaseModel]) -> list[Finding]:
    """Turn pydantic's errors about `model` into findings whose paths begin below it (`.text`)."""
    return [_describe(error, model) for error in errors]


def _describe(error: ErrorDetails, model: type[BaseModel]) -> Finding:
    path = json_path(error["loc"])
    kind = error["type"]
    owner = _find_owner(model, error["loc"])
    if kind == "missing":
        return Finding(path, "nothing", _expected_value(owner, error["loc"][-1]))
    if kind == "extra_forbidden":
        return Finding(path, "an unknown key", name_choices(_list_keys(owner), str(error["loc"][-1])))
    return Finding(path, name_value(error["input"]), _expected(error))


def _find_owner(model: type[BaseModel], loc: Sequence[int | str]) -> type[BaseModel] | None:
    """Return the model that has the last part of `loc` as a key; None when it lies in something else."""
    owner: type[BaseModel] | None = model
    for part in loc[:-1]:
        if isinstance(part, int) or owner is None:
            continue
        annotations = [field.annotation for name, field in owner.model_fields.items() if part == (field.alias or name)]
        owner = find_model(annotations)
    return owner


def find_model(annotations: Sequence[object]) -> type[BaseModel] | None:
    """Return the first pydantic model in type annotations, also within others (`tuple[Model, ...]`)."""
    for annotation in annotations:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            return annotation
        if (found := find_model(get_args(annotation))) is not None:
            return found
    return None


def _list_keys(model: type[BaseModel] | None) -> tuple[str, ...]:
    return tuple(field.alias or name for name, field in model.model_fields.items()) if model is not None else ()


def _expected_value(model: type[BaseModel] | None, key: int | str) -> str:
    for name, field in model.model_fields.items() if model is not None else ():
        if key == (field.alias or name) and field.description:
            return field.description[0].lower() + field.description[1:]
    return "a value"


def _expected(error: ErrorDetails) -> str:
    kind, context = error["type"], error.get("ctx", {})
    match kind:
        case "enum" | "literal_error":
            text = str(context["expected"]).replace("'", '"')
        case "greater_than_equal":
            text = f"at least {context['ge']}"
        case "less_than_equal":
            text = f"at most {context['le']}"
        case "string_too_short" | "too_short":
            text = "it not to be empty"
        case "value_error":
            text = str(context["error"])
        case _:
            text = _TYPE_WORDS.get(kind, error["msg"])
    return text
