"""Checks the actions that a client of the API sends: all faults are told, each by its place (ADR 0022).

They are read more kindly than a flow file, because VoIPBIN's clients write what its Go code writes: an `option` of
null, empty texts and zero ids for what is not given, keys that no type has, and what an answer of ours showed them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from app.domain.flow import Action, Flow
from app.domain.ids import ZERO_ID, is_id, new_id
from app.errors import InvalidArgument
from app.flow.action import ActionSpec
from app.flow.action_registry import ActionRegistry
from app.flow.checker import MAX_NESTING, check_option, not_configured, unknown_type
from app.flow.finding import Finding, name_value
from app.flow.flow_ids import RESERVED_IDS, is_action_name, to_api_action_id
from app.flow.loops import check_ways
from app.flow.option_types import list_flow_languages, list_nested_actions, list_targets
from app.flow.speech_facts import PlacedOption, SpeechFacts, check_speech
from app.flow.variable_reads import check_variables
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


@dataclass(slots=True)
class _Check:
    """One check: what it stands on, and what it has found, in the order in which clients are told."""

    registry: ActionRegistry
    speech: SpeechFacts | None
    depth: int = 0
    faults: list[tuple[Finding, type[InvalidArgument]]] = field(default_factory=list)
    weak: list[Finding] = field(default_factory=list)

    def refuse(self, finding: Finding, kind: type[InvalidArgument] = InvalidArgument) -> None:
        self.faults.append((finding, kind))

    def take(self, finding: Finding) -> None:
        """Take a finding, whatever its severity."""
        if finding.is_error:
            self.refuse(finding)
        else:
            self.weak.append(finding)

    def raise_faults(self) -> None:
        """Raise the first fault, with all that was found."""
        if self.faults:
            first, kind = self.faults[0]
            findings = (*(finding for finding, _ in self.faults), *self.weak)
            raise kind(first.path, first.text, findings=findings)


@dataclass(frozen=True, slots=True)
class CheckedActions:
    """Actions with ids, and the warnings about them."""

    actions: tuple[Action, ...]
    warnings: tuple[Finding, ...]


def check_actions(raw: object, place: str, registry: ActionRegistry) -> tuple[Action, ...]:
    """Return what `inspect_actions` returns as actions, for who does not tell warnings."""
    return inspect_actions(raw, place, registry).actions


def inspect_actions(
    raw: object, place: str, registry: ActionRegistry, speech: SpeechFacts | None = None
) -> CheckedActions:
    """Return the actions of a JSON array, with ids: new ones where a client gave none, those of names for names.

    InvalidArgument names the first fault by its path, which begins with `place` (`actions[2].option.language`), and
    has all findings in its details (`findings`). Options stay as they were sent, but for those that say nothing and
    that their type would not take.
    """
    check = _Check(registry, speech)
    actions = _check_list(raw, place, check)
    check.raise_faults()
    return CheckedActions(actions, tuple(check.weak))


def _check_list(raw: object, place: str, check: _Check) -> tuple[Action, ...]:
    if not isinstance(raw, list):
        check.refuse(Finding(place, name_value(raw), "a list of actions"))
        return ()
    if len(raw) > MAX_ACTIONS:
        check.refuse(Finding(place, f"{len(raw)} actions", f"at most {MAX_ACTIONS}"))
        return ()
    before = len(check.faults)
    entries: list[tuple[str, Mapping[str, object]]] = []
    for index, entry in enumerate(raw):
        if isinstance(entry, Mapping):
            entries.append((f"{place}[{index}]", entry))
        else:
            check.refuse(Finding(f"{place}[{index}]", name_value(entry), "an action: an object with a type"))
    ids = _assign_ids(entries, check)
    known = frozenset(ids)
    options: list[PlacedOption] = []
    actions = [
        _read_action(entry, path, own_id, known, check, options)
        for (path, entry), own_id in zip(entries, ids, strict=True)
    ]
    for finding in check_speech(options, "", check.speech):
        check.take(finding)
    if check.depth == 0:
        for finding in check_variables(options):
            check.take(finding)
    good = tuple(action for action in actions if action is not None)
    if len(check.faults) == before:
        for finding in check_ways(Flow("", "", "", good), check.registry):
            check.take(finding.inside("$.actions", place))
    return good


def _assign_ids(entries: list[tuple[str, Mapping[str, object]]], check: _Check) -> list[str]:
    """Return every action's id; a client's own one must be a UUID or a name that no other action has."""
    ids: list[str] = []
    owners: dict[str, str] = {}
    for path, entry in entries:
        own = entry.get("id")
        if own is None or own in _BLANK:
            ids.append(new_id())
        elif not isinstance(own, str) or own in RESERVED_IDS or not (is_id(own) or is_action_name(own)):
            expected = "a UUID that is not reserved, or a name (a letter, then letters, digits, _ . -)"
            check.refuse(Finding(f"{path}.id", name_value(own), expected))
            ids.append(new_id())
        else:
            ids.append(to_api_action_id(own))
            if (first := owners.setdefault(ids[-1], path)) != path:
                check.refuse(Finding(f"{path}.id", f"{name_value(own)}, the id of {first}", "an id of its own"))
    return ids


def _read_action(
    entry: Mapping[str, object],
    path: str,
    own_id: str,
    ids: frozenset[str],
    check: _Check,
    options: list[PlacedOption],
) -> Action | None:
    """Return the action, None where it is refused; its option is added to `options` where it can be looked at."""
    type_name, option = entry.get("type"), entry.get("option")
    next_id = _read_next_id(entry.get("next_id"), f"{path}.next_id", ids, check)
    if not isinstance(type_name, str) or not type_name:
        check.refuse(Finding(f"{path}.type", name_value(type_name), "the type of the action"), InvalidActionType)
        return None
    spec = check.registry.find(type_name)
    if spec is None:
        check.refuse(unknown_type(f"{path}.type", type_name, check.registry), InvalidActionType)
        return None
    if option is None:
        option = {}
    if not isinstance(option, Mapping):
        check.refuse(Finding(f"{path}.option", name_value(option), "an object"))
        return None
    if (wrong := _find_wrong_value(option, f"{path}.option", 0)) is not None:
        check.refuse(wrong)
        return None
    if setting := check.registry.missing_setting(spec, option):
        check.refuse(not_configured(f"{path}.type", type_name, setting), InvalidActionType)
    kept = _read_option(spec, option, f"{path}.option", ids, check)
    options.append((f"{path}.option", spec, kept))
    return Action(id=own_id, type=type_name, option=kept, next_id=next_id)


def _read_next_id(target: object, path: str, ids: frozenset[str], check: _Check) -> str:
    if target is None or target in _BLANK:
        return ZERO_ID
    if isinstance(target, str):
        if target in RESERVED_IDS:
            return target
        if (action_id := to_api_action_id(target)) in ids:
            return action_id
    check.refuse(_unknown_target(path, target))
    return ZERO_ID


def _unknown_target(path: str, target: object) -> Finding:
    return Finding(path, name_value(target), "the id of one of these actions")


def _read_option(
    spec: ActionSpec, option: Mapping[str, object], path: str, ids: frozenset[str], check: _Check
) -> Mapping[str, object]:
    """Return the option without what says nothing, checked by its type."""
    blank = _list_blank(spec, option)
    kept = {key: value for key, value in option.items() if key not in blank}
    for finding in check_option(spec, kept, extra="ignore"):
        is_anonymous = spec.name in _ANONYMOUS_OF and finding.path == ".anonymous"
        check.refuse(finding.below(path), InvalidAnonymousOption if is_anonymous else InvalidArgument)
    for place, target in list_targets(spec.options, kept):
        if target and not has_placeholder(target) and to_api_action_id(target) not in ids:
            check.refuse(_unknown_target(f"{path}{place}", target))
    for key, nested in list_nested_actions(spec.options, kept):
        _check_nested(nested, f"{path}.{key}", check)
    for place in list_flow_languages(spec.options, kept):
        expected = "one: a flow made here has no language of its own"
        check.refuse(Finding(f"{path}{place}", "no language", expected))
    return kept


def _check_nested(raw: list[object], place: str, check: _Check) -> None:
    if check.depth >= MAX_NESTING:
        check.refuse(Finding(place, "actions nested too deeply", f"at most {MAX_NESTING} flows inside each other"))
        return
    check.depth += 1
    _check_list(raw, place, check)
    check.depth -= 1


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


def _find_wrong_value(value: object, path: str, depth: int) -> Finding | None:
    """Return the first thing that the store or JSON cannot hold, or that is bigger than anything a flow can use."""
    if depth > MAX_DEPTH:
        return Finding(path, "objects nested too deeply", f"at most {MAX_DEPTH} levels")
    if isinstance(value, Mapping):
        for key in value:
            if len(key) > _MAX_KEY:
                return Finding(path, "a key that is too long", f"keys of at most {_MAX_KEY} characters")
            if (wrong := _find_wrong_scalar(key, path)) is not None:
                return wrong
        inner = [(f"{path}.{key}", each) for key, each in value.items()]
    elif isinstance(value, list):
        inner = [(f"{path}[{index}]", each) for index, each in enumerate(value)]
    else:
        return _find_wrong_scalar(value, path)
    found = (_find_wrong_value(each, place, depth + 1) for place, each in inner)
    return next((each for each in found if each is not None), None)


def _find_wrong_scalar(value: object, path: str) -> Finding | None:
    match value:
        case str() if len(value.encode("utf-8", "replace")) > MAX_VALUE_BYTES:
            return Finding(path, "a text that is too long", f"at most {MAX_VALUE_BYTES} bytes")
        case str() if "\0" in value:
            return Finding(path, "a NUL character", "a text without it")
        case float() if not math.isfinite(value):
            return Finding(path, "a number that JSON has not", "a finite number")
        case int() if abs(value) >= _MAX_INTEGER:
            return Finding(path, name_value(value), "a number of at most 64 bits")
        case _:
            return None
