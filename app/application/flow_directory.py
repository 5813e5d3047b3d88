"""Flows to go on with, for fetch and fetch_flow."""

from collections.abc import Mapping
from dataclasses import replace

from app.application.api_flows import ApiFlows
from app.domain.flow import Action, Flow
from app.flow.action_registry import ActionRegistry
from app.flow.nested_actions import fill_languages


class StoredFlows:
    """Checks and finds flows (FlowDirectory). Pushed actions have no flow's language, so each gets it as its own."""

    def __init__(self, flows: ApiFlows, registry: ActionRegistry) -> None:
        self._flows = flows
        self._registry = registry

    def check(self, actions: object, language: str) -> tuple[Action, ...]:
        """Return a JSON array as checked actions with ids; InvalidArgument names the first fault."""
        if isinstance(actions, list) and all(isinstance(each, Mapping) for each in actions):
            actions = fill_languages(actions, language, self._registry)
        return self._flows.check(actions, "actions")

    async def find(self, customer_id: str, flow_id: str) -> Flow | None:
        """Return the customer's flow, its language in all its actions; None when there is none."""
        flow = await self._flows.find(customer_id, flow_id)
        if flow is None or not flow.language:
            return flow
        return replace(flow, actions=tuple(self._fill(each, flow.language) for each in flow.actions))

    def _fill(self, action: Action, language: str) -> Action:
        filled = fill_languages([{"type": action.type, "option": action.option}], language, self._registry)
        option = filled[0]["option"]
        return replace(action, option=option) if isinstance(option, Mapping) else action
