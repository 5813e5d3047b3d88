"""A groupcall as JSON (contract 3.7)."""

from app.domain.customer import RingMethod
from app.domain.groupcall import Groupcall, GroupcallStatus
from app.domain.timestamps import format_timestamp
from app.wire.address import AddressBody, address_body
from app.wire.forms import Body, Id, Timestamp, UnsetTimestamp, timestamp_or_unset


class GroupcallBody(Body):
    """A groupcall. `tm_delete` is absent until it is deleted."""

    id: Id
    customer_id: Id
    owner_type: str
    owner_id: Id
    status: GroupcallStatus
    flow_id: Id
    source: AddressBody
    destinations: tuple[AddressBody, ...]
    master_call_id: Id
    master_groupcall_id: Id
    ring_method: RingMethod
    answer_method: str
    answer_call_id: Id
    call_ids: tuple[Id, ...]
    answer_groupcall_id: Id
    groupcall_ids: tuple[Id, ...]
    call_count: int
    groupcall_count: int
    dial_index: int
    tm_create: Timestamp
    tm_update: Timestamp
    tm_delete: UnsetTimestamp = None


def groupcall_body(groupcall: Groupcall) -> GroupcallBody:
    """Return the JSON body of a groupcall."""
    return GroupcallBody(
        id=groupcall.id,
        customer_id=groupcall.customer_id,
        owner_type=groupcall.owner_type,
        owner_id=groupcall.owner_id,
        status=groupcall.status,
        flow_id=groupcall.flow_id,
        source=address_body(groupcall.source),
        destinations=tuple(address_body(destination) for destination in groupcall.destinations),
        master_call_id=groupcall.master_call_id,
        master_groupcall_id=groupcall.master_groupcall_id,
        ring_method=groupcall.ring_method,
        answer_method=groupcall.answer_method,
        answer_call_id=groupcall.answer_call_id,
        call_ids=groupcall.call_ids,
        answer_groupcall_id=groupcall.answer_groupcall_id,
        groupcall_ids=groupcall.groupcall_ids,
        call_count=groupcall.call_count,
        groupcall_count=groupcall.groupcall_count,
        dial_index=groupcall.dial_index,
        tm_create=format_timestamp(groupcall.tm_create),
        tm_update=format_timestamp(groupcall.tm_update),
        tm_delete=timestamp_or_unset(groupcall.tm_delete),
    )
