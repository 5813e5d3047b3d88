"""Checks a flow file: all findings at once, each with its JSON path, before anything of it runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from app.domain.flow import Flow
from app.domain.ids import is_id
from app.flow.action import ActionSpec
from app.flow.action_registry import ActionRegistry
from app.flow.definition import FlowFile, build_flow
from app.flow.finding import Finding, describe_errors, name_choices, name_value
from app.flow.flow_ids import RESERVED_IDS
from app.flow.flow_json import read_json
from app.flow.loops import check_ways
from app.flow.option_types import canonical_language, list_flow_languages, list_nested_actions, list_targets
from app.flow.speech_facts import PlacedOption, SpeechFacts, check_speech
from app.flow.variable_reads import check_variables
from app.flow.variables import has_placeholder

_CONTAINER_ERRORS = frozenset({"list_type", "dict_type", "model_type", "extra_forbidden", "missing"})
"""Errors that a `${variable}` cannot mend: it always becomes a text."""


MAX_NESTING = 4
"""How many flows may stand inside each other as options of actions."""


@dataclass(frozen=True, slots=True)
class CheckedFlow:
    """The outcome of a check: a flow, perhaps with warnings, or the findings that say why there is none."""

    flow: Flow | None
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that refuse the flow."""
        return tuple(each for each in self.findings if each.is_error)


@dataclass(frozen=True, slots=True)
class _Scope:
    """What one definition is checked with; `depth` is how many others it stands in."""

    registry: ActionRegistry
    speech: SpeechFacts | None
    depth: int = 0


def check_flow_file(
    content: bytes, *, file: str, name_key: str, registry: ActionRegistry, speech: SpeechFacts | None = None
) -> CheckedFlow:
    """Check the text of one flow file; `file` is what the findings call it.

    Without `speech` nothing is said about languages and hints.
    """
    raw, findings = read_json(content)
    flow: Flow | None = None
    if raw is not None or not findings:
        flow, more = _check_definition(raw, name_key, _Scope(registry, speech))
        findings += more
    is_refused = any(each.is_error for each in findings)
    return CheckedFlow(None if is_refused else flow, tuple(replace(each, file=file) for each in findings))


def _check_definition(raw: object, name_key: str, scope: _Scope) -> tuple[Flow | None, list[Finding]]:
    """Check a flow, or what an action has as a flow inside it; the flow where it is not refused."""
    flow_file, findings = _read_form(raw)
    findings += _check_contents(raw, scope)
    is_refused = any(each.is_error for each in findings)
    flow = build_flow(flow_file, name_key) if flow_file is not None and not is_refused else None
    if flow is not None:
        findings += check_ways(flow, scope.registry)
    return flow, findings


def _check_nested(
    spec: ActionSpec, option: Mapping[str, object], path: str, language: object, scope: _Scope
) -> list[Finding]:
    """Check the actions inside an option as a flow of its own; `path` is the option's."""
    findings: list[Finding] = []
    for key, actions in list_nested_actions(spec.options, option):
        if scope.depth >= MAX_NESTING:
            expected = f"at most {MAX_NESTING} flows inside each other"
            findings.append(Finding(f"{path}.{key}", "actions nested too deeply", expected))
        elif actions:
            inside = f"{path}.{key}"
            inner = replace(scope, depth=scope.depth + 1)
            _, found = _check_definition({"language": language, "actions": actions}, "nested", inner)
            findings += [each.inside("$.actions", inside) for each in found]
    return findings


def _read_form(raw: object) -> tuple[FlowFile | None, list[Finding]]:
    try:
        return FlowFile.model_validate_json(json.dumps(raw), strict=True), []
    except ValidationError as error:
        return None, [each.below("$") for each in describe_errors(error.errors(), FlowFile)]
    except RecursionError:
        return None, [Finding("$", "objects nested too deeply", "a flow")]


def _check_contents(raw: object, scope: _Scope) -> list[Finding]:
    """Check what the form cannot: types, options, targets, numbers, speech; skips what has the wrong form."""
    if not isinstance(raw, Mapping):
        return []
    findings = _check_numbers(raw.get("numbers"))
    actions = raw.get("actions")
    if not isinstance(actions, list):
        return findings
    language = raw.get("language") or ""
    ids: dict[str, int] = {}
    for index, entry in enumerate(actions):
        if isinstance(entry, Mapping):
            findings += _check_own_id(entry.get("id"), index, ids)
    for index, entry in enumerate(actions):
        if isinstance(entry, Mapping):
            path = f"$.actions[{index}]"
            findings += _check_action(entry, path, ids, scope.registry, has_language=bool(language))
            findings += _check_inside(entry, path, language, scope)
    options = list(_list_options(actions, scope.registry))
    findings += check_speech(options, language if isinstance(language, str) else "", scope.speech)
    if scope.depth == 0:  # ${name} in a flow inside is replaced by the variables of the one around it
        findings += check_variables(options)
    return findings


def _list_options(actions: Sequence[object], registry: ActionRegistry) -> Iterator[PlacedOption]:
    for index, entry in enumerate(actions):
        type_name = entry.get("type") if isinstance(entry, Mapping) else None
        option = entry.get("option", {}) if isinstance(entry, Mapping) else None
        spec = registry.find(type_name) if isinstance(type_name, str) else None
        if spec is not None and isinstance(option, Mapping):
            yield f"$.actions[{index}].option", spec, option


def _check_numbers(numbers: object) -> list[Finding]:
    if not isinstance(numbers, list):
        return []
    return [
        Finding(f"$.numbers[{index}]", f"{name_value(number)} again", "every number once")
        for index, number in enumerate(numbers)
        if number in numbers[:index]
    ]


def normalise_id(text: str) -> str:
    """Return how ids are compared: UUIDs without regard to case, names as they are."""
    return text.lower() if is_id(text) else text


def _check_own_id(own_id: object, index: int, ids: dict[str, int]) -> list[Finding]:
    if not isinstance(own_id, str):
        return []
    first = ids.setdefault(normalise_id(own_id), index)
    if first == index:
        return []
    return [
        Finding(f"$.actions[{index}].id", f"{name_value(own_id)}, the id of $.actions[{first}]", "an id of its own")
    ]


def _check_action(
    entry: Mapping[str, object], path: str, ids: Mapping[str, int], registry: ActionRegistry, *, has_language: bool
) -> list[Finding]:
    findings: list[Finding] = []
    next_id = entry.get("next_id")
    if isinstance(next_id, str) and normalise_id(next_id) not in ids and next_id not in RESERVED_IDS:
        findings.append(unknown_target(f"{path}.next_id", next_id, ids))
    type_name, option = entry.get("type"), entry.get("option", {})
    if not isinstance(type_name, str):
        return findings
    spec = registry.find(type_name)
    if spec is None:
        return [*findings, unknown_type(f"{path}.type", type_name, registry)]
    if not isinstance(option, Mapping):
        return findings
    if setting := registry.missing_setting(spec, option):
        findings.append(not_configured(f"{path}.type", type_name, setting))
    findings += [each.below(f"{path}.option") for each in check_option(spec, option)]
    for place, target in list_targets(spec.options, option):
        if not has_placeholder(target) and target and normalise_id(target) not in ids:
            findings.append(unknown_target(f"{path}.option{place}", target, ids))
    if not has_language:
        findings += [
            Finding(f"{path}.option{place}", "no language", "one here or as $.language of the flow")
            for place in list_flow_languages(spec.options, option)
        ]
    return findings


def _check_inside(entry: Mapping[str, object], path: str, language: object, scope: _Scope) -> list[Finding]:
    type_name, option = entry.get("type"), entry.get("option")
    spec = scope.registry.find(type_name) if isinstance(type_name, str) else None
    if spec is None or not isinstance(option, Mapping):
        return []
    # A wrong language of the flow is told once, at its own place.
    inherited = language if isinstance(language, str) and language and _is_language(language) else "en"
    return _check_nested(spec, option, f"{path}.option", inherited if language else "", scope)


def _is_language(text: str) -> bool:
    try:
        canonical_language(text)
    except ValueError:
        return False
    return True


def check_option(
    spec: ActionSpec, option: Mapping[str, object], *, extra: Literal["forbid", "ignore"] = "forbid"
) -> list[Finding]:
    """Return what is wrong in a raw `option`, with paths below it (`.text`); `extra` is what unknown keys are."""
    try:
        spec.options.model_validate_json(json.dumps(option), strict=True, extra=extra)
    except ValidationError as error:
        return describe_errors(_certain_errors(error.errors(), spec.options), spec.options)
    except RecursionError:
        return [Finding("", "objects nested too deeply", "options")]
    return []


def _certain_errors(errors: Sequence[ErrorDetails], model: type[BaseModel]) -> list[ErrorDetails]:
    """Drop the errors about values whose final form only the run knows; they are checked again then."""
    return [
        each
        for each in errors
        if each["type"] in _CONTAINER_ERRORS or not (has_placeholder(each["input"]) or _is_long_enough(each))
    ]


def _is_long_enough(error: ErrorDetails) -> bool:
    """Tell whether a list is called too short only because pydantic does not count its wrong items."""
    return error["type"] == "too_short" and len(error["input"]) >= error["ctx"]["min_length"]


def unknown_target(path: str, target: str, ids: Mapping[str, int]) -> Finding:
    """Return the finding for a target that no action has."""
    return Finding(path, name_value(target), f"the id of an action of this flow: {name_choices(list(ids), target)}")


def unknown_type(path: str, type_name: str, registry: ActionRegistry) -> Finding:
    """Return the finding for a type that there is not."""
    return Finding(path, name_value(type_name), name_choices(registry.types, type_name))


def not_configured(path: str, type_name: str, setting: str) -> Finding:
    """Return the finding for an action that cannot do anything without a setting of the operator's."""
    return Finding(path, name_value(type_name), f"an action that can work here; this one needs the setting {setting}")
