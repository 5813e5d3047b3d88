"""Flows, and their executions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from app.domain.flow import Action, Activeflow, Flow, StoredFlow
from app.flow.api_actions import CheckedActions


class FlowPort(Protocol):
    """Flows: those of the flow folder, which the API only shows, and stored ones."""

    def check(self, actions: object, place: str) -> tuple[Action, ...]:
        """Return `actions` (a JSON array as a client sent it) as checked actions with ids.

        InvalidArgument names the first fault by its path from `place` (`actions`), InvalidActionType a type that is
        unknown (contract 8: INVALID_ACTION_TYPE).
        """
        ...

    def inspect(self, actions: object, place: str) -> CheckedActions:
        """Return what `check` returns, with the warnings about it: what refuses nothing."""
        ...

    async def find(self, customer_id: str, flow_id: str) -> Flow | None:
        """Return a flow of this customer that can be run: a file's, a stored or a temporary one."""
        ...

    def files(self, customer_id: str) -> Sequence[StoredFlow]:
        """Return the flows of the folder where they are this customer's (the first one's), else nothing.

        Their tm_create is when they were loaded, each at its own moment; `name_of_file` tells which file it is.
        """
        ...

    def name_of_file(self, flow_id: str) -> str | None:
        """Return the name of the file that a flow comes from (`demo.json`); None for a stored one."""
        ...

    def find_number(self, number: str) -> Flow | None:
        """Return the folder's flow that answers this very number, whosever it is."""
        ...


class ActiveflowPort(Protocol):
    """Executions of flows."""

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
        """Run a flow without a call (reference_type api); StateInvalid when `activeflow_id` ("" = new) exists."""
        ...

    async def stop(self, customer_id: str, activeflow_id: str) -> Activeflow:
        """End an execution, which hangs its call up; idempotent. NotFound."""
        ...
