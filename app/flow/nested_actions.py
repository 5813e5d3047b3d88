"""Actions inside an option of an action: a flow of its own that is made when the action runs."""

from collections.abc import Mapping, Sequence

from app.flow.action_registry import ActionRegistry
from app.flow.option_types import list_flow_languages, list_nested_actions


def fill_languages(
    actions: Sequence[Mapping[str, object]], language: str, registry: ActionRegistry
) -> list[dict[str, object]]:
    """Return raw actions that name `language` wherever they leave it to their flow, which has none of its own then."""
    return [_fill(entry, language, registry) for entry in actions]


def _fill(entry: Mapping[str, object], language: str, registry: ActionRegistry) -> dict[str, object]:
    type_name, option = entry.get("type"), entry.get("option") or {}
    spec = registry.find(type_name) if isinstance(type_name, str) else None
    if spec is None or not language or not isinstance(option, Mapping):
        return dict(entry)
    filled = {**option, **{place[1:]: language for place in list_flow_languages(spec.options, option)}}
    for key, nested in list_nested_actions(spec.options, option):
        if all(isinstance(each, Mapping) for each in nested):
            filled[key] = [_fill(each, language, registry) for each in nested if isinstance(each, Mapping)]
    return {**entry, "option": filled} if filled else dict(entry)
