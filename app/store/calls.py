"""Calls in the store."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, select

from app.domain.call import Address, AddressType, Call, CallAction, CallDirection, CallStatus, HangupBy, HangupReason
from app.domain.timestamps import format_timestamp, parse_timestamp
from app.store.resource_table import ResourceTable, Row
from app.store.schema import CALLS


class Calls(ResourceTable[Call]):
    """All calls, ended ones too."""

    table = CALLS
    word = "call"

    def to_row(self, item: Call) -> Row:
        """Return the columns of a call."""
        return {
            "id": item.id,
            "customer_id": item.customer_id,
            "direction": item.direction.value,
            "status": item.status.value,
            "source": _address_to_json(item.source),
            "destination": _address_to_json(item.destination),
            "flow_id": item.flow_id,
            "activeflow_id": item.activeflow_id,
            "action": _action_to_json(item.action),
            "hangup_by": item.hangup_by.value,
            "hangup_reason": item.hangup_reason.value,
            "tm_ringing": item.tm_ringing,
            "tm_progressing": item.tm_progressing,
            "tm_hangup": item.tm_hangup,
            "tm_create": item.tm_create,
            "tm_update": item.tm_update,
            "tm_delete": item.tm_delete,
        }

    def from_row(self, row: RowMapping) -> Call:
        """Return the call that the columns stand for."""
        return Call(
            id=row["id"],
            customer_id=row["customer_id"],
            direction=CallDirection(row["direction"]),
            status=CallStatus(row["status"]),
            source=_address_from_json(row["source"]),
            destination=_address_from_json(row["destination"]),
            flow_id=row["flow_id"],
            activeflow_id=row["activeflow_id"],
            action=_action_from_json(row["action"]),
            hangup_by=HangupBy(row["hangup_by"]),
            hangup_reason=HangupReason(row["hangup_reason"]),
            tm_ringing=row["tm_ringing"],
            tm_progressing=row["tm_progressing"],
            tm_hangup=row["tm_hangup"],
            tm_create=row["tm_create"],
            tm_update=row["tm_update"],
            tm_delete=row["tm_delete"],
        )

    async def list_live(self) -> tuple[Call, ...]:
        """Return the calls of all customers that have not ended, oldest first."""
        return await self._all(
            select(CALLS).where(CALLS.c.status != CallStatus.HANGUP.value).order_by(CALLS.c.tm_create)
        )


def _address_to_json(address: Address) -> Row:
    return {
        "type": address.type.value,
        "target": address.target,
        "target_name": address.target_name,
        "name": address.name,
        "detail": address.detail,
    }


def _address_from_json(stored: Mapping[str, Any]) -> Address:
    return Address(**{**stored, "type": AddressType(stored["type"])})


def _action_to_json(action: CallAction) -> Row:
    return {
        "id": action.id,
        "type": action.type,
        "next_id": action.next_id,
        "option": dict(action.option),
        "tm_execute": _moment_to_json(action.tm_execute),
    }


def _action_from_json(stored: Mapping[str, Any]) -> CallAction:
    executed = stored["tm_execute"]
    return CallAction(**{**stored, "tm_execute": None if executed is None else parse_timestamp(executed)})


def _moment_to_json(moment: datetime | None) -> str | None:
    return None if moment is None else format_timestamp(moment)
