"""Types of options that several actions share, with what the checker and the schema need to know about them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema

from app.domain.ids import ZERO_ID
from app.domain.language import parse_language
from app.errors import InvalidArgument
from app.flow.action import ActionOptions
from app.flow.flow_ids import to_flow_id
from app.speech.ssml import MAX_CHARACTERS, parse_prompt


@dataclass(frozen=True, slots=True)
class TargetMark:
    """Marks an option that holds the id of an action: a text, or an object whose values are such texts."""


@dataclass(frozen=True, slots=True)
class NestedActionsMark:
    """Marks an option that holds a list of actions: a flow of its own, with ids of its own."""


@dataclass(frozen=True, slots=True)
class FlowLanguageMark:
    """Marks a language option that falls back to the flow's language."""


@dataclass(frozen=True, slots=True)
class RecognitionMark:
    """Marks a language option in which speech is recognised: it needs an installed model."""


@dataclass(frozen=True, slots=True)
class HintsMark:
    """Marks an option with phrases that are to be recognised: a model may not know their words."""


@dataclass(frozen=True, slots=True)
class VariableMark:
    """Marks an option that holds the name of a variable that is read."""


@dataclass(frozen=True, slots=True)
class VariableKeyMark:
    """Marks an option that holds the name of a variable that is set."""


def canonical_language(text: str) -> str:
    """Return the canonical BCP 47 tag; the empty text stays; ValueError says what was expected."""
    if not text:
        return ""
    expected = "a BCP 47 language code such as en-US or ko-KR"
    if text != text.strip():
        raise ValueError(expected)
    try:
        return parse_language(text).tag
    except ValueError:
        raise ValueError(expected) from None


def _flow_id_or_zero(text: str) -> str:
    return to_flow_id(text) if text else ZERO_ID


ActionTarget = Annotated[str, Field(min_length=1), TargetMark()]
"""The id or name of an action of the same flow."""

LanguageTag = Annotated[
    str,
    AfterValidator(canonical_language),
    FlowLanguageMark(),
    WithJsonSchema(
        {"type": "string", "pattern": "^$|^[A-Za-z]{2,3}([-_][A-Za-z0-9]+)*$", "examples": ["en-US", "ko-KR"]}
    ),
]
"""A language code; empty = the flow's language."""

SpokenLanguage = Annotated[LanguageTag, RecognitionMark()]
"""The code of a language that is recognised; empty = the flow's language."""

FlowReference = Annotated[str, AfterValidator(_flow_id_or_zero), WithJsonSchema({"type": "string"})]
"""A flow: its UUID or its file's name; empty = none (ZERO_ID after validation)."""


def _speakable(text: str) -> str:
    if text.strip():
        try:
            parse_prompt(text)
        except InvalidArgument as error:
            raise ValueError(f"words, or SSML that can be spoken; it {error.message.partition(' ')[2]}") from None
    return text


SpokenText = Annotated[str, Field(max_length=MAX_CHARACTERS), AfterValidator(_speakable)]
"""A text that is spoken: plain, or SSML. The empty one is left to the option."""


def _some_flow(text: str) -> str:
    if text == ZERO_ID:
        raise ValueError("a flow, not the id of none")
    return to_flow_id(text)


RequiredFlow = Annotated[str, Field(min_length=1), AfterValidator(_some_flow)]
"""A flow that must be named: its UUID or its file's name."""


def list_marked(options: type[ActionOptions], mark: type[object]) -> Iterator[str]:
    """Yield the keys of all options that carry `mark`."""
    for name, field in options.model_fields.items():
        if any(isinstance(each, mark) for each in field.metadata):
            yield field.alias or name


def name_target_options(options: type[ActionOptions]) -> Iterator[str]:
    """Yield the keys of the options that hold one target, not an object of targets."""
    for name, field in options.model_fields.items():
        if field.annotation is str and any(isinstance(mark, TargetMark) for mark in field.metadata):
            yield field.alias or name


def list_targets(options: type[ActionOptions], option: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Yield (path inside the option, target) of everything in a raw `option` that points at an action."""
    for name, field in options.model_fields.items():
        if not any(isinstance(mark, TargetMark) for mark in field.metadata):
            continue
        key = field.alias or name
        value = option.get(key)
        if isinstance(value, str):
            yield f".{key}", value
        elif isinstance(value, Mapping):
            for part, target in value.items():
                if isinstance(target, str):
                    yield f".{key}[{part!r}]", target


def list_nested_actions(
    options: type[ActionOptions], option: Mapping[str, object]
) -> Iterator[tuple[str, list[object]]]:
    """Yield (key, actions) of every list of actions in a raw `option`."""
    for name, field in options.model_fields.items():
        key = field.alias or name
        actions = option.get(key)
        if isinstance(actions, list) and any(isinstance(mark, NestedActionsMark) for mark in field.metadata):
            yield key, actions


def list_flow_languages(options: type[ActionOptions], option: Mapping[str, object]) -> Iterator[str]:
    """Yield the path of every language in a raw `option` that is left to the flow."""
    for name, field in options.model_fields.items():
        key = field.alias or name
        if any(isinstance(mark, FlowLanguageMark) for mark in field.metadata) and option.get(key, "") == "":
            yield f".{key}"
