"""Which action of a flow can follow which: what loops and unreachable actions are found in."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from app.domain.flow import Action, Flow
from app.domain.ids import ZERO_ID
from app.flow.action_registry import ActionRegistry
from app.flow.flow_ids import NEXT_ID, to_action_id, to_api_action_id
from app.flow.option_types import list_targets, name_target_options
from app.flow.variables import has_placeholder


@dataclass(frozen=True, slots=True)
class Step:
    """What can come after one action: the places of other actions, and whether the flow may end there."""

    followers: tuple[int, ...]
    may_end: bool
    is_blocking: bool


def build_graph(flow: Flow, registry: ActionRegistry) -> tuple[Step, ...]:
    """Return the step of every action of a flow that is right otherwise.

    A target that only the run knows (`${x}`) may be any action. A failure that ends the flow is no way out.
    """
    places = {action.id: index for index, action in enumerate(flow.actions)}
    return tuple(_step(index, flow, places, registry) for index in range(len(flow.actions)))


def _step(index: int, flow: Flow, places: Mapping[str, int], registry: ActionRegistry) -> Step:
    action = flow.actions[index]
    spec = registry.find(action.type)
    followers: dict[int, None] = {}
    may_end = False
    if spec is None or not spec.is_final:
        after = _find_next(index, action, len(flow.actions), places)
        may_end = after is None
        if after is not None:
            followers[after] = None
    if spec is not None:
        targets = [target for _, target in list_targets(spec.options, action.option)]
        for target in targets:
            if has_placeholder(target):
                followers |= dict.fromkeys(range(len(flow.actions)))
                may_end = True
            elif (place := _find(target, flow, places)) is not None:
                followers[place] = None
        is_default_open = any(not action.option.get(key) for key in name_target_options(spec.options))
        may_end |= spec.is_final and (not targets or is_default_open)
    return Step(tuple(followers), may_end, spec is not None and spec.is_blocking)


def _find_next(index: int, action: Action, count: int, places: Mapping[str, int]) -> int | None:
    if action.next_id not in {ZERO_ID, NEXT_ID}:
        return places.get(action.next_id)
    return index + 1 if index + 1 < count else None


def _find(target: str, flow: Flow, places: Mapping[str, int]) -> int | None:
    for own_id in (to_action_id(flow.id, target) if flow.id else "", to_api_action_id(target)):
        if own_id in places:
            return places[own_id]
    return None


def find_reached(graph: tuple[Step, ...]) -> frozenset[int]:
    """Return the places that the first action leads to, itself among them."""
    reached: set[int] = set()
    waiting = [0] if graph else []
    while waiting:
        place = waiting.pop()
        if place not in reached:
            reached.add(place)
            waiting.extend(graph[place].followers)
    return frozenset(reached)


def find_components(graph: tuple[Step, ...]) -> Iterator[tuple[int, ...]]:
    """Yield the strongly connected components, each sorted (Tarjan 1972, without recursion)."""
    order: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    for root in range(len(graph)):
        if root in order:
            continue
        trail: list[tuple[int, Iterator[int]]] = []
        entering: int | None = root
        while entering is not None or trail:
            if entering is not None:
                order[entering] = low[entering] = len(order)
                stack.append(entering)
                on_stack.add(entering)
                trail.append((entering, iter(graph[entering].followers)))
                entering = None
            place, followers = trail[-1]
            for follower in followers:
                if follower not in order:
                    entering = follower
                    break
                if follower in on_stack:
                    low[place] = min(low[place], order[follower])
            if entering is not None:
                continue
            trail.pop()
            if trail:
                low[trail[-1][0]] = min(low[trail[-1][0]], low[place])
            if low[place] == order[place]:
                component: list[int] = []
                while not component or component[-1] != place:
                    component.append(stack.pop())
                on_stack.difference_update(component)
                yield tuple(sorted(component))
