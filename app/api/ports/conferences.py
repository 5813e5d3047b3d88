"""Where several calls come together: conferences and queues."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from app.domain.conference import Conference, Conferencecall, ConferenceType
from app.domain.queue import Queuecall
from app.domain.recording import RecordingRequest


@dataclass(frozen=True, slots=True)
class ConferenceOrder:
    """A conference to be made or changed; `id` "" = a new one. `type` cannot be changed."""

    name: str = ""
    detail: str = ""
    type: ConferenceType = ConferenceType.CONFERENCE
    timeout: int = 0
    data: Mapping[str, object] = field(default_factory=dict)
    pre_flow_id: str = ""
    post_flow_id: str = ""
    id: str = ""


class ConferencePort(Protocol):
    """The conferences. Each method takes one of this customer; NotFound when there is none."""

    async def create(self, customer_id: str, order: ConferenceOrder) -> Conference:
        """Open a room; StateInvalid when `order.id` exists."""
        ...

    async def update(self, customer_id: str, conference_id: str, order: ConferenceOrder) -> Conference:
        """Change everything but type and id."""
        ...

    async def delete(self, customer_id: str, conference_id: str) -> Conference:
        """Send everybody out and close the room; the conference, terminating or terminated."""
        ...

    async def kick(self, customer_id: str, conferencecall_id: str) -> Conferencecall:
        """Send one member out; one that has left is returned as it is."""
        ...

    async def regenerate_hash(self, customer_id: str, conference_id: str) -> Conference:
        """Give it a new direct_hash."""
        ...

    async def start_recording(self, customer_id: str, conference_id: str, request: RecordingRequest) -> Conference:
        """Record the mix; StateInvalid when it is recorded already."""
        ...

    async def stop_recording(self, customer_id: str, conference_id: str) -> Conference:
        """End the recording; StateInvalid when there is none."""
        ...

    async def start_transcribe(self, customer_id: str, conference_id: str, language: str) -> Conference:
        """Transcribe every member; as POST /transcribes."""
        ...

    async def stop_transcribe(self, customer_id: str, conference_id: str) -> Conference:
        """End the transcribe; StateInvalid when there is none."""
        ...


class QueuePort(Protocol):
    """Calls that wait in queues."""

    async def kick(self, stay: Queuecall) -> Queuecall:
        """Send a caller out of its queue, or end its talk with the agent; one that is over is returned as it is."""
        ...

    async def delete(self, stay: Queuecall) -> Queuecall:
        """End a stay where it lives, and delete it."""
        ...
