"""Executions of flows for the API."""

from __future__ import annotations

from collections.abc import Mapping

from app.application.api_flows import ApiFlows
from app.application.flow_runner import Execution, FlowRunner
from app.domain.flow import Action, Activeflow
from app.domain.ids import ZERO_ID
from app.errors import (
    AlreadyExists,
    InvalidArgument,
    NotFound,
)
from app.store.store import Store


class ApiActiveflows:
    """Executions for the API."""

    def __init__(self, runner: FlowRunner, flows: ApiFlows, store: Store) -> None:
        self._runner = runner
        self._flows = flows
        self._store = store

    async def start(
        self,
        customer_id: str,
        *,
        flow_id: str,
        actions: tuple[Action, ...],
        variables: Mapping[str, str],
        webhook_uri: str,
        webhook_method: str,
        activeflow_id: str,
    ) -> Activeflow:
        """Run a flow without a call."""
        if activeflow_id and await self._store.activeflows.get_by_id(activeflow_id) is not None:
            raise AlreadyExists("id: there is an activeflow with this id already", field="id")
        if flow_id == ZERO_ID:
            flow = await self._flows.store_temporary(customer_id, actions)
        else:
            found = await self._flows.find(customer_id, flow_id)
            if found is None:
                raise InvalidArgument("flow_id", "there is no flow with this id")
            flow = found
        execution = Execution(
            customer_id,
            "api",
            ZERO_ID,
            supplied=variables,
            webhook_uri=webhook_uri,
            webhook_method=webhook_method,
            activeflow_id=activeflow_id,
        )
        return await self._runner.start(flow, execution)

    async def stop(self, customer_id: str, activeflow_id: str) -> Activeflow:
        """End an execution, which hangs its call up; idempotent."""
        stored = await self._store.activeflows.get(customer_id, activeflow_id)
        if stored is None or stored.tm_delete is not None:
            raise NotFound("activeflow", activeflow_id)
        if await self._runner.stop(activeflow_id):
            return await self._store.activeflows.get(customer_id, activeflow_id) or stored
        return stored
