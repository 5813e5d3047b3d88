"""Finds loops that a flow can never leave, and actions that nothing leads to."""

from app.domain.flow import Flow
from app.domain.ids import ZERO_ID
from app.flow.action_registry import ActionRegistry
from app.flow.finding import Finding, warn
from app.flow.flow_graph import Step, build_graph, find_components, find_reached


def check_ways(flow: Flow, registry: ActionRegistry) -> list[Finding]:
    """Return the findings about the ways through a flow that is right otherwise: errors first."""
    graph = build_graph(flow, registry)
    reached = find_reached(graph)
    findings = _find_endless_loops(flow, graph)
    findings += [
        warn(f"$.actions[{place}]", f"{action.type}, to which nothing leads", "an action that leads here, or none here")
        for place, action in enumerate(flow.actions)
        if place not in reached
    ]
    return sorted(findings, key=lambda each: not each.is_error)


def _find_endless_loops(flow: Flow, graph: tuple[Step, ...]) -> list[Finding]:
    """Return a finding for every loop without an exit.

    Without an action that waits it would only spin until the executor's limit: an error. With one the caller's hang-up
    ends it (music until then), which may be meant. A goto falls through after its jumps, so that is an exit.
    """
    findings = []
    for loop in find_components(graph):
        inside = frozenset(loop)
        is_loop = len(loop) > 1 or loop[0] in graph[loop[0]].followers
        if not is_loop or any(graph[each].may_end or not inside.issuperset(graph[each].followers) for each in loop):
            continue
        first = loop[0]
        last = max(each for each in loop if first in graph[each].followers)
        place = f"$.actions[{last}]{'.next_id' if flow.actions[last].next_id != ZERO_ID else ''}"
        what = f"a loop back to $.actions[{first}] without an exit"
        if any(graph[each].is_blocking for each in loop):
            findings.append(warn(place, what, "an exit; now only the end of the call ends it"))
        else:
            expected = "an exit, or an action such as talk or sleep in the loop"
            findings.append(Finding(place, f"{what} and without an action that waits", expected))
    return findings
