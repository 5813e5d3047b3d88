"""Actions inside an option of an action: a flow of its own that is made when the action runs."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from app.domain.flow import Action, Flow
from app.flow.action_registry import ActionRegistry
from app.flow.option_types import list_flow_languages, list_nested_actions


def fill_languages(
    actions: Sequence[Mapping[str, object]], language: str, registry: ActionRegistry
) -> list[dict[str, object]]:
    """Return raw actions that name `language` wherever they leave it to their flow, which has none of its own then."""
    return [_fill(entry, language, registry) for entry in actions]


def with_language(flow: Flow, registry: ActionRegistry) -> Flow:
    """Return a flow whose actions name its language themselves, so that they can be run in another flow."""
    if not flow.language:
        return flow
    return replace(flow, actions=tuple(_fill_action(each, flow.language, registry) for each in flow.actions))


def _fill_action(action: Action, language: str, registry: ActionRegistry) -> Action:
    option = _fill({"type": action.type, "option": action.option}, language, registry)["option"]
    return replace(action, option=option) if isinstance(option, Mapping) else action


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
