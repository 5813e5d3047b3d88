"""Checks the actions that a client of the API sends: their first fault is told, by its place (ADR 0022).

They are read more kindly than a flow file, because VoIPBIN's clients write what its Go code writes: an `option` of
null, empty texts and zero ids for what is not given, keys that no type has, and what an answer of ours showed them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from app.domain.flow import Action, Flow
from app.domain.ids import ZERO_ID, is_id, new_id
from app.errors import InvalidArgument
from app.flow.action import ActionSpec
from app.flow.action_registry import ActionRegistry
from app.flow.checker import check_option, unknown_type
from app.flow.finding import Finding, name_value
from app.flow.flow_ids import RESERVED_IDS, is_action_name, to_api_action_id
from app.flow.loops import find_endless_loops
from app.flow.option_types import list_flow_languages, list_targets
from app.flow.variables import MAX_VALUE_BYTES, has_placeholder

MAX_ACTIONS = 1000
MAX_DEPTH = 16
_MAX_INTEGER = 2**63
_MAX_KEY = 255
_BLANK = ("", ZERO_ID)
"""What stands for "not given" beside null and absence."""
_ANONYMOUS_OF = frozenset({"connect", "call"})


class InvalidActionType(InvalidArgument):
    """An action has a type that is unknown, or not there yet (contract 8)."""

    code = "INVALID_ACTION_TYPE"


class InvalidAnonymousOption(InvalidArgument):
    """`anonymous` of an action that makes calls is not yes, no or auto (contract 8)."""

    code = "INVALID_ANONYMOUS_VALUE"


def check_actions(raw: object, place: str, registry: ActionRegistry) -> tuple[Action, ...]:
    """Return the actions of a JSON array, with ids: new ones where a client gave none, those of names for names.

    InvalidArgument names the first fault by its path, which begins with `place` (`actions[2].option.language`).
    Options stay as they were sent, but for those that say nothing and that their type would not take.
    """
    if not isinstance(raw, list):
        raise _fault(Finding(place, name_value(raw), "a list of actions"))
    if len(raw) > MAX_ACTIONS:
        raise _fault(Finding(place, f"{len(raw)} actions", f"at most {MAX_ACTIONS}"))
    paths = [f"{place}[{index}]" for index in range(len(raw))]
    entries = [_read_entry(entry, path) for entry, path in zip(raw, paths, strict=True)]
    ids = _assign_ids(entries, paths)
    known = frozenset(ids)
    actions = tuple(
        _read_action(entry, path, own_id, known, registry)
        for entry, path, own_id in zip(entries, paths, ids, strict=True)
    )
    for finding in find_endless_loops(Flow("", "", "", actions), registry):
        raise _fault(
            Finding(
                finding.path.replace("$.actions", place, 1), finding.found.replace("$.actions", place), finding.expected
            )
        )
    return actions


def _fault(finding: Finding, kind: type[InvalidArgument] = InvalidArgument) -> InvalidArgument:
    return kind(finding.path, f"found {finding.found}, expected {finding.expected}")


def _read_entry(entry: object, path: str) -> Mapping[str, object]:
    if not isinstance(entry, Mapping):
        raise _fault(Finding(path, name_value(entry), "an action: an object with a type"))
    return entry


def _assign_ids(entries: list[Mapping[str, object]], paths: list[str]) -> list[str]:
    """Return every action's id; a client's own one must be a UUID or a name that no other action has."""
    ids: dict[str, str] = {}
    for entry, path in zip(entries, paths, strict=True):
        own = entry.get("id")
        if own is None or own in _BLANK:
            ids[new_id()] = path
            continue
        if not isinstance(own, str) or own in RESERVED_IDS or not (is_id(own) or is_action_name(own)):
            expected = "a UUID that is not reserved, or a name (a letter, then letters, digits, _ . -)"
            raise _fault(Finding(f"{path}.id", name_value(own), expected))
        if (first := ids.setdefault(to_api_action_id(own), path)) != path:
            raise _fault(Finding(f"{path}.id", f"{name_value(own)}, the id of {first}", "an id of its own"))
    return list(ids)


def _read_action(
    entry: Mapping[str, object], path: str, own_id: str, ids: frozenset[str], registry: ActionRegistry
) -> Action:
    type_name, option = entry.get("type"), entry.get("option")
    if not isinstance(type_name, str) or not type_name:
        raise _fault(Finding(f"{path}.type", name_value(type_name), "the type of the action"), InvalidActionType)
    spec = registry.find(type_name)
    if spec is None:
        raise _fault(unknown_type(f"{path}.type", type_name, registry), InvalidActionType)
    if option is None:
        option = {}
    if not isinstance(option, Mapping):
        raise _fault(Finding(f"{path}.option", name_value(option), "an object"))
    _check_values(option, f"{path}.option", 0)
    return Action(
        id=own_id,
        type=type_name,
        option=_read_option(spec, option, f"{path}.option", ids),
        next_id=_read_next_id(entry.get("next_id"), f"{path}.next_id", ids),
    )


def _read_next_id(target: object, path: str, ids: frozenset[str]) -> str:
    if target is None or target in _BLANK:
        return ZERO_ID
    if isinstance(target, str):
        if target in RESERVED_IDS:
            return target
        if (action_id := to_api_action_id(target)) in ids:
            return action_id
    raise _fault(_unknown_target(path, target))


def _unknown_target(path: str, target: object) -> Finding:
    return Finding(path, name_value(target), "the id of one of these actions")


def _read_option(
    spec: ActionSpec, option: Mapping[str, object], path: str, ids: frozenset[str]
) -> Mapping[str, object]:
    """Return the option without what says nothing, checked by its type."""
    blank = _list_blank(spec, option)
    kept = {key: value for key, value in option.items() if key not in blank}
    for finding in check_option(spec, kept, extra="ignore"):
        is_anonymous = spec.name in _ANONYMOUS_OF and finding.path == ".anonymous"
        raise _fault(finding.below(path), InvalidAnonymousOption if is_anonymous else InvalidArgument)
    for place, target in list_targets(spec.options, kept):
        if not has_placeholder(target) and to_api_action_id(target) not in ids:
            raise _fault(_unknown_target(f"{path}{place}", target))
    for place in list_flow_languages(spec.options, kept):
        raise InvalidArgument(f"{path}{place}", "is required: a flow made here has no language of its own")
    return kept


def _list_blank(spec: ActionSpec, option: Mapping[str, object]) -> frozenset[str]:
    """Return the keys of optional options that hold null, "" or the zero id where their type takes no such value."""
    optional = {field.alias or name for name, field in spec.options.model_fields.items() if not field.is_required()}
    wrong = {error["loc"][0] for error in _list_errors(spec, option) if len(error["loc"]) >= 1}
    targets = {place[1:] for place, target in list_targets(spec.options, option) if target in _BLANK}
    is_blank = {key for key, value in option.items() if value is None or (isinstance(value, str) and value in _BLANK)}
    return frozenset(key for key in option if key in optional & is_blank & (wrong | targets))


def _list_errors(spec: ActionSpec, option: Mapping[str, object]) -> list[ErrorDetails]:
    try:
        spec.options.model_validate_json(json.dumps(option), strict=True, extra="ignore")
    except ValidationError as error:
        return error.errors(include_url=False, include_context=False)
    return []


def _check_values(value: object, path: str, depth: int) -> None:
    """Refuse what the store or JSON cannot hold, and what is bigger than anything a flow can use."""
    if depth > MAX_DEPTH:
        raise _fault(Finding(path, "objects nested too deeply", f"at most {MAX_DEPTH} levels"))
    match value:
        case str():
            if len(value.encode("utf-8", "replace")) > MAX_VALUE_BYTES:
                raise _fault(Finding(path, "a text that is too long", f"at most {MAX_VALUE_BYTES} bytes"))
            if "\0" in value:
                raise _fault(Finding(path, "a NUL character", "a text without it"))
        case float() if not math.isfinite(value):
            raise _fault(Finding(path, "a number that JSON has not", "a finite number"))
        case int() if abs(value) >= _MAX_INTEGER:
            raise _fault(Finding(path, name_value(value), "a number of at most 64 bits"))
        case Mapping():
            for key, inner in value.items():
                if len(key) > _MAX_KEY:
                    raise _fault(Finding(path, "a key that is too long", f"keys of at most {_MAX_KEY} characters"))
                _check_values(key, path, depth)
                _check_values(inner, f"{path}.{key}", depth + 1)
        case list():
            for index, inner in enumerate(value):
                _check_values(inner, f"{path}[{index}]", depth + 1)
        case _:
            pass
