"""Finds variables that a flow reads and nothing sets."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches

from app.flow.finding import Finding, json_path, name_value, warn
from app.flow.known_variables import KNOWN_VARIABLES, is_known_variable
from app.flow.option_types import VariableKeyMark, VariableMark, list_marked
from app.flow.speech_facts import PlacedOption
from app.flow.variables import SYSTEM_PREFIX, has_placeholder, list_placeholders

_SETS_ANY = frozenset({"webhook_send", "fetch", "fetch_flow", "ai_task", "ai_talk"})
"""Types that may set variables of any name: what comes back from elsewhere decides."""


def check_variables(options: Sequence[PlacedOption]) -> list[Finding]:
    """Return a warning for every place that reads a variable that has never a value.

    It is no error: POST /calls may supply any name but those of the system.
    """
    own: set[str] = set()
    is_any_set = False
    for _, spec, option in options:
        is_any_set |= spec.name in _SETS_ANY
        for key in list_marked(spec.options, VariableKeyMark):
            name = option.get(key)
            if isinstance(name, str):
                own.add(name)
                is_any_set |= has_placeholder(name)
    return [
        _unset(path, name, own)
        for path, name in _list_reads(options)
        if name not in own and not is_known_variable(name) and (name.startswith(SYSTEM_PREFIX) or not is_any_set)
    ]


def _unset(path: str, name: str, own: set[str]) -> Finding:
    near = get_close_matches(name, [*own, *KNOWN_VARIABLES], n=1, cutoff=0.8)
    hint = f' (did you mean "{near[0]}"?)' if near else ""
    if name.startswith(SYSTEM_PREFIX):
        return warn(path, f"the variable {name_value(name)}, which nothing sets", f"a variable of the system{hint}")
    expected = f"a variable that variable_set sets in this flow, or that every client supplies to its calls{hint}"
    return warn(path, f"the variable {name_value(name)}, which nothing sets here", expected)


def _list_reads(options: Sequence[PlacedOption]) -> Iterator[tuple[str, str]]:
    for path, spec, option in options:
        seen: set[tuple[str, str]] = set()
        for place, name in _list_placeholders(option, path):
            if (place, name) not in seen:
                seen.add((place, name))
                yield place, name
        for key in list_marked(spec.options, VariableMark):
            bare = option.get(key)
            if isinstance(bare, str) and bare and not has_placeholder(bare):
                yield f"{path}.{key}", bare


def _list_placeholders(value: object, path: str) -> Iterator[tuple[str, str]]:
    match value:
        case str():
            for name in list_placeholders(value):
                yield path, name
        case Mapping():
            for key, inner in value.items():
                yield from _list_placeholders(inner, path + json_path((str(key),)))
        case list():
            for index, inner in enumerate(value):
                yield from _list_placeholders(inner, f"{path}[{index}]")
        case _:
            pass
