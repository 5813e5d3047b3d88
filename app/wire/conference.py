"""A conference and its members' stays as JSON (contract 4.1, 4.2)."""

from app.domain.conference import Conference, Conferencecall, ConferencecallStatus, ConferenceStatus, ConferenceType
from app.domain.timestamps import format_timestamp
from app.wire.forms import Body, Id, Timestamp, timestamp_or_never


class ConferenceBody(Body):
    """A room. `timeout` in seconds, 0 = none."""

    id: Id
    customer_id: Id
    type: ConferenceType
    status: ConferenceStatus
    name: str
    detail: str
    data: dict[str, object]
    timeout: int
    pre_flow_id: Id
    post_flow_id: Id
    conferencecall_ids: tuple[Id, ...]
    recording_id: Id
    recording_ids: tuple[Id, ...]
    transcribe_id: Id
    transcribe_ids: tuple[Id, ...]
    direct_hash: str
    tm_end: Timestamp
    tm_create: Timestamp
    tm_update: Timestamp
    tm_delete: Timestamp


class ConferencecallBody(Body):
    """One call's stay in a conference."""

    id: Id
    customer_id: Id
    activeflow_id: Id
    conference_id: Id
    reference_type: str
    reference_id: Id
    status: ConferencecallStatus
    tm_create: Timestamp
    tm_update: Timestamp
    tm_delete: Timestamp


def conference_body(conference: Conference) -> ConferenceBody:
    """Return the JSON body of a conference."""
    return ConferenceBody(
        id=conference.id,
        customer_id=conference.customer_id,
        type=conference.type,
        status=conference.status,
        name=conference.name,
        detail=conference.detail,
        data=dict(conference.data),
        timeout=conference.timeout,
        pre_flow_id=conference.pre_flow_id,
        post_flow_id=conference.post_flow_id,
        conferencecall_ids=conference.conferencecall_ids,
        recording_id=conference.recording_id,
        recording_ids=conference.recording_ids,
        transcribe_id=conference.transcribe_id,
        transcribe_ids=conference.transcribe_ids,
        direct_hash=conference.direct_hash,
        tm_end=timestamp_or_never(conference.tm_end),
        tm_create=format_timestamp(conference.tm_create),
        tm_update=format_timestamp(conference.tm_update),
        tm_delete=timestamp_or_never(conference.tm_delete),
    )


def conferencecall_body(stay: Conferencecall) -> ConferencecallBody:
    """Return the JSON body of a call's stay in a conference."""
    return ConferencecallBody(
        id=stay.id,
        customer_id=stay.customer_id,
        activeflow_id=stay.activeflow_id,
        conference_id=stay.conference_id,
        reference_type=stay.reference_type,
        reference_id=stay.reference_id,
        status=stay.status,
        tm_create=format_timestamp(stay.tm_create),
        tm_update=format_timestamp(stay.tm_update),
        tm_delete=timestamp_or_never(stay.tm_delete),
    )
