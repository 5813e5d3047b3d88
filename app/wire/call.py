"""A call as JSON (contract 3.1, 3.4)."""

from pydantic import Field

from app.domain.call import Call, CallAction, CallDirection, CallStatus, CallType, HangupBy, HangupReason, MuteDirection
from app.domain.timestamps import format_timestamp
from app.wire.action import ActionBody
from app.wire.address import AddressBody, address_body
from app.wire.forms import Body, Id, Timestamp, UnsetTimestamp, timestamp_or_unset


class CallBody(Body):
    """A call. The `tm_*` of what has not happened are absent."""

    id: Id
    customer_id: Id
    owner_type: str
    owner_id: Id
    flow_id: Id
    activeflow_id: Id
    type: CallType
    master_call_id: Id
    chained_call_ids: tuple[Id, ...]
    recording_id: Id
    recording_ids: tuple[Id, ...]
    groupcall_id: Id
    source: AddressBody
    destination: AddressBody
    status: CallStatus
    action: ActionBody
    metadata: dict[str, object] = Field(default_factory=dict)
    direction: CallDirection
    mute_direction: MuteDirection
    hangup_by: HangupBy
    hangup_reason: HangupReason
    tm_progressing: UnsetTimestamp = None
    tm_ringing: UnsetTimestamp = None
    tm_hangup: UnsetTimestamp = None
    tm_create: Timestamp
    tm_update: Timestamp
    tm_delete: UnsetTimestamp = None


def call_body(call: Call) -> CallBody:
    """Return the JSON body of a call."""
    return CallBody(
        id=call.id,
        customer_id=call.customer_id,
        owner_type=call.owner_type,
        owner_id=call.owner_id,
        flow_id=call.flow_id,
        activeflow_id=call.activeflow_id,
        type=call.type,
        master_call_id=call.master_call_id,
        chained_call_ids=call.chained_call_ids,
        recording_id=call.recording_id,
        recording_ids=call.recording_ids,
        groupcall_id=call.groupcall_id,
        source=address_body(call.source),
        destination=address_body(call.destination),
        status=call.status,
        action=_call_action_body(call.action),
        direction=call.direction,
        mute_direction=call.mute_direction,
        hangup_by=call.hangup_by,
        hangup_reason=call.hangup_reason,
        tm_progressing=timestamp_or_unset(call.tm_progressing),
        tm_ringing=timestamp_or_unset(call.tm_ringing),
        tm_hangup=timestamp_or_unset(call.tm_hangup),
        tm_create=format_timestamp(call.tm_create),
        tm_update=format_timestamp(call.tm_update),
        tm_delete=timestamp_or_unset(call.tm_delete),
    )


def _call_action_body(action: CallAction) -> ActionBody:
    return ActionBody(
        id=action.id,
        next_id=action.next_id,
        type=action.type,
        option=dict(action.option),
        tm_execute=timestamp_or_unset(action.tm_execute),
    )
