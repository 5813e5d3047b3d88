"""Activeflows in the store: the cursor of every execution."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import RowMapping, select

from app.domain.flow import Action, Activeflow, ActiveflowStatus
from app.store.resource_table import ResourceTable, Row
from app.store.schema import ACTIVEFLOWS


class Activeflows(ResourceTable[Activeflow]):
    """All executions of flows, ended ones too."""

    table = ACTIVEFLOWS
    word = "activeflow"

    def to_row(self, item: Activeflow) -> Row:
        """Return the columns of an activeflow."""
        return {
            "id": item.id,
            "customer_id": item.customer_id,
            "flow_id": item.flow_id,
            "status": item.status.value,
            "reference_type": item.reference_type,
            "reference_id": item.reference_id,
            "current_action": None if item.current_action is None else _action_to_json(item.current_action),
            "executed_actions": [_action_to_json(action) for action in item.executed_actions],
            "tm_create": item.tm_create,
            "tm_update": item.tm_update,
            "tm_delete": item.tm_delete,
        }

    def from_row(self, row: RowMapping) -> Activeflow:
        """Return the activeflow that the columns stand for."""
        current = row["current_action"]
        return Activeflow(
            id=row["id"],
            customer_id=row["customer_id"],
            flow_id=row["flow_id"],
            status=ActiveflowStatus(row["status"]),
            reference_type=row["reference_type"],
            reference_id=row["reference_id"],
            current_action=None if current is None else _action_from_json(current),
            executed_actions=tuple(_action_from_json(action) for action in row["executed_actions"]),
            tm_create=row["tm_create"],
            tm_update=row["tm_update"],
            tm_delete=row["tm_delete"],
        )

    async def list_running(self) -> tuple[Activeflow, ...]:
        """Return the executions of all customers that have not ended, oldest first."""
        running = ACTIVEFLOWS.c.status == ActiveflowStatus.RUNNING.value
        return await self._all(select(ACTIVEFLOWS).where(running).order_by(ACTIVEFLOWS.c.tm_create))


def _action_to_json(action: Action) -> Row:
    return {"id": action.id, "type": action.type, "option": dict(action.option), "next_id": action.next_id}


def _action_from_json(stored: Mapping[str, Any]) -> Action:
    return Action(**stored)
