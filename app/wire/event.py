"""An event as JSON: `{"type","data"}` as webhooks and resource topics carry it, or the bare resource."""

from dataclasses import dataclass
from typing import Any

from app.domain.call import Call
from app.domain.events import Event, Resource
from app.domain.flow import Activeflow
from app.domain.transcribe import Transcribe
from app.domain.transcript import Transcript
from app.wire.activeflow import activeflow_body
from app.wire.call import call_body
from app.wire.forms import Body
from app.wire.transcribe import transcribe_body
from app.wire.transcript import speech_body, transcript_body


@dataclass(frozen=True, slots=True)
class EventText:
    """The JSON texts of one event: `envelope` = `{"type","data"}`, `bare` = the resource alone."""

    envelope: str
    bare: str


def resource_body(resource: Resource) -> Body:
    """Return the JSON body of whatever an event is about."""
    if isinstance(resource, Call):
        return call_body(resource)
    if isinstance(resource, Activeflow):
        return activeflow_body(resource)
    if isinstance(resource, Transcribe):
        return transcribe_body(resource)
    if isinstance(resource, Transcript):
        return transcript_body(resource)
    return speech_body(resource)


def event_json(event: Event) -> dict[str, Any]:
    """Return the envelope as a JSON-ready object."""
    return {"type": event.type.value, "data": resource_body(event.data).model_dump(mode="json")}


def event_text(event: Event) -> EventText:
    """Return both JSON texts of an event."""
    bare = resource_body(event.data).model_dump_json()
    return EventText(envelope=f'{{"type":"{event.type.value}","data":{bare}}}', bare=bare)
