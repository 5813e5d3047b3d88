"""Flows to go on with, for fetch and fetch_flow."""

from collections.abc import Mapping

from app.application.api_flows import ApiFlows
from app.domain.flow import Action, Flow
from app.flow.action_registry import ActionRegistry
from app.flow.nested_actions import fill_languages, with_language


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
        return None if flow is None else with_language(flow, self._registry)
