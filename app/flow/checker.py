"""Checks a flow file: all findings at once, each with its JSON path, before anything of it runs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from app.domain.flow import Flow
from app.domain.ids import is_id
from app.flow.action import ActionSpec
from app.flow.action_registry import ActionRegistry
from app.flow.contract_types import CONTRACT_TYPES
from app.flow.definition import FlowFile, build_flow
from app.flow.finding import Finding, describe_errors, name_choices, name_value
from app.flow.flow_ids import RESERVED_IDS
from app.flow.flow_json import read_json
from app.flow.loops import find_endless_loops
from app.flow.option_types import list_flow_languages, list_targets
from app.flow.variables import has_placeholder

_CONTAINER_ERRORS = frozenset({"list_type", "dict_type", "model_type", "extra_forbidden", "missing"})
"""Errors that a `${variable}` cannot mend: it always becomes a text."""


@dataclass(frozen=True, slots=True)
class CheckedFlow:
    """The outcome of a check: a flow, or the findings that say why there is none."""

    flow: Flow | None
    findings: tuple[Finding, ...]


def check_flow_file(content: bytes, *, file: str, name_key: str, registry: ActionRegistry) -> CheckedFlow:
    """Check the text of one flow file; `file` is what the findings call it."""
    raw, findings = read_json(content)
    flow_file: FlowFile | None = None
    if raw is not None or not findings:
        flow_file, form_findings = _read_form(raw)
        findings += form_findings + _check_contents(raw, registry)
    flow = build_flow(flow_file, name_key) if flow_file is not None and not findings else None
    if flow is not None:
        findings += find_endless_loops(flow, registry)
    return CheckedFlow(None if findings else flow, tuple(replace(each, file=file) for each in findings))


def _read_form(raw: object) -> tuple[FlowFile | None, list[Finding]]:
    try:
        return FlowFile.model_validate_json(json.dumps(raw), strict=True), []
    except ValidationError as error:
        return None, [each.below("$") for each in describe_errors(error.errors(), FlowFile)]
    except RecursionError:
        return None, [Finding("$", "objects nested too deeply", "a flow")]


def _check_contents(raw: object, registry: ActionRegistry) -> list[Finding]:
    """Check what the form cannot: types, options, targets, numbers; skips what has the wrong form."""
    if not isinstance(raw, Mapping):
        return []
    findings = _check_numbers(raw.get("numbers"))
    actions = raw.get("actions")
    if not isinstance(actions, list):
        return findings
    has_language = bool(raw.get("language"))
    ids: dict[str, int] = {}
    for index, entry in enumerate(actions):
        if isinstance(entry, Mapping):
            findings += _check_own_id(entry.get("id"), index, ids)
    for index, entry in enumerate(actions):
        if isinstance(entry, Mapping):
            findings += _check_action(entry, f"$.actions[{index}]", ids, registry, has_language=has_language)
    return findings


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
    """Return the finding for a type that this version does not have."""
    if type_name in CONTRACT_TYPES:
        choices = f"{name_choices(registry.types)}; {type_name} is not available yet in this version"
        return Finding(path, name_value(type_name), choices)
    return Finding(path, name_value(type_name), name_choices(registry.types, type_name))
