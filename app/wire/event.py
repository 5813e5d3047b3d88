"""An event as JSON: `{"type","data"}` as webhooks and resource topics carry it, or the bare resource."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.domain.call import Call
from app.domain.conference import Conference, Conferencecall
from app.domain.customer import Agent, Customer
from app.domain.events import Event, EventRecord, Resource
from app.domain.flow import Activeflow, StoredFlow
from app.domain.groupcall import Groupcall
from app.domain.line import Extension, Number, Trunk
from app.domain.queue import Queue, Queuecall
from app.domain.recording import Recording
from app.domain.transcribe import Transcribe
from app.domain.transcript import SpeechEvent, Transcript
from app.journal.journal import RenderedEvent
from app.wire.activeflow import activeflow_body
from app.wire.call import call_body
from app.wire.conference import conference_body, conferencecall_body
from app.wire.customer import agent_body, customer_body
from app.wire.flow import flow_body
from app.wire.forms import Body
from app.wire.groupcall import groupcall_body
from app.wire.line import extension_body, number_body, trunk_body
from app.wire.queue import queue_body, queuecall_body
from app.wire.recording import recording_body
from app.wire.topics import topics_of
from app.wire.transcribe import transcribe_body
from app.wire.transcript import speech_body, transcript_body

_BODY_OF: Mapping[type, Callable[[Any], Body]] = {
    Call: call_body,
    Groupcall: groupcall_body,
    Activeflow: activeflow_body,
    StoredFlow: flow_body,
    Recording: recording_body,
    Conference: conference_body,
    Conferencecall: conferencecall_body,
    Transcribe: transcribe_body,
    Transcript: transcript_body,
    SpeechEvent: speech_body,
    Number: number_body,
    Extension: extension_body,
    Trunk: trunk_body,
    Agent: agent_body,
    Queue: queue_body,
    Queuecall: queuecall_body,
    Customer: customer_body,
}

_SECRET_OF: Mapping[type, str] = {Extension: "password", Trunk: "password", Customer: "webhook_secret"}
"""What is shown to who asks the API for the resource, and to nobody else."""


@dataclass(frozen=True, slots=True)
class EventText:
    """The JSON texts of one event: `envelope` = `{"type","data"}`, `bare` = the resource alone."""

    envelope: str
    bare: str


def resource_body(resource: Resource) -> Body:
    """Return the JSON body of whatever an event is about.

    Secrets are empty in it: events are stored, and webhooks carry them to other hosts.
    """
    body = _BODY_OF[type(resource)](resource)
    secret = _SECRET_OF.get(type(resource))
    return body.model_copy(update={secret: ""}) if secret is not None else body


def event_json(event: Event) -> dict[str, Any]:
    """Return the envelope as a JSON-ready object."""
    return {"type": event.type.value, "data": resource_body(event.data).model_dump(mode="json")}


def event_text(event: Event) -> EventText:
    """Return both JSON texts of an event."""
    bare = resource_body(event.data).model_dump_json()
    return EventText(f"{_head(event.type.value)}{bare}}}", bare)


def stored_event_text(record: EventRecord) -> EventText:
    """Return both JSON texts of a stored event: the same ones, character by character, that `event_text` gave."""
    return EventText(record.body, record.body[len(_head(record.type)) : -1])


def render_event(event: Event) -> RenderedEvent:
    """Return an event as the journal stores it."""
    topics = topics_of(event)
    return RenderedEvent(event_text(event).envelope, (*topics.by_resource, *topics.by_event_type))


def with_seq(text: str, seq: int) -> str:
    """Return the envelope or bare text with `,"seq":N` before its closing brace (our addition)."""
    return f'{text[:-1]},"seq":{seq}}}'


def _head(event_type: str) -> str:
    return f'{{"type":"{event_type}","data":'
