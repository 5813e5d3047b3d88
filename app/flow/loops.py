"""Finds loops that a flow can never leave and in which it never waits."""

from collections.abc import Mapping

from app.domain.flow import Action, Flow
from app.domain.ids import ZERO_ID
from app.flow.action_registry import ActionRegistry
from app.flow.finding import Finding
from app.flow.flow_ids import NEXT_ID


def find_endless_loops(flow: Flow, registry: ActionRegistry) -> list[Finding]:
    """Return a finding for every endless loop of a flow that is right otherwise.

    Only `next_id` makes one: goto falls through after its jumps. A loop with a blocking action in it is a choice
    (music until the caller hangs up), one without would only spin until the executor's limit.
    """
    places = {action.id: index for index, action in enumerate(flow.actions)}
    successors = [_successor(index, flow.actions, places, registry) for index in range(len(flow.actions))]
    findings: list[Finding] = []
    seen: set[int] = set()
    for start in range(len(flow.actions)):
        trail: list[int] = []
        place: int | None = start
        while place is not None and place not in seen:
            seen.add(place)
            trail.append(place)
            place = successors[place]
        if place is None or place not in trail:
            continue
        loop = trail[trail.index(place) :]
        if not any(_is_blocking(flow.actions[each], registry) for each in loop):
            findings.append(
                Finding(
                    f"$.actions[{loop[-1]}].next_id",
                    f"a loop back to $.actions[{place}] without an exit and without an action that waits",
                    "an exit, or an action such as talk or sleep in the loop",
                )
            )
    return findings


def _is_blocking(action: Action, registry: ActionRegistry) -> bool:
    spec = registry.find(action.type)
    return spec is not None and spec.is_blocking


def _successor(
    index: int, actions: tuple[Action, ...], places: Mapping[str, int], registry: ActionRegistry
) -> int | None:
    """Return where the flow goes on after the action when it does not jump; None = it ends."""
    spec = registry.find(actions[index].type)
    if spec is not None and spec.is_final:
        return None
    if actions[index].next_id not in {ZERO_ID, NEXT_ID}:
        return places.get(actions[index].next_id)
    return index + 1 if index + 1 < len(actions) else None
