"""Events: facts in the past tense, under their wire names (contract 7.1)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.domain.call import Call
from app.domain.conference import Conference, Conferencecall
from app.domain.customer import Agent, Customer
from app.domain.flow import Activeflow, StoredFlow
from app.domain.groupcall import Groupcall
from app.domain.line import Extension, Number, Trunk
from app.domain.queue import Queue, Queuecall
from app.domain.recording import Recording
from app.domain.transcribe import Transcribe
from app.domain.transcript import SpeechEvent, Transcript


class EventType(StrEnum):
    """Wire names; the resource is the part before the first underscore, speech events belong to `transcribe`."""

    CALL_CREATED = "call_created"
    CALL_DIALING = "call_dialing"
    CALL_RINGING = "call_ringing"
    CALL_PROGRESSING = "call_progressing"
    CALL_UPDATED = "call_updated"
    CALL_TERMINATING = "call_terminating"
    CALL_CANCELING = "call_canceling"
    CALL_HANGUP = "call_hangup"
    CALL_DELETED = "call_deleted"
    GROUPCALL_CREATED = "groupcall_created"
    GROUPCALL_PROGRESSING = "groupcall_progressing"
    GROUPCALL_HANGUP = "groupcall_hangup"
    GROUPCALL_DELETED = "groupcall_deleted"
    ACTIVEFLOW_CREATED = "activeflow_created"
    ACTIVEFLOW_UPDATED = "activeflow_updated"
    ACTIVEFLOW_DELETED = "activeflow_deleted"
    FLOW_CREATED = "flow_created"
    FLOW_UPDATED = "flow_updated"
    FLOW_DELETED = "flow_deleted"
    RECORDING_STARTED = "recording_started"
    RECORDING_FINISHED = "recording_finished"
    RECORDING_DELETED = "recording_deleted"
    CONFERENCE_CREATED = "conference_created"
    CONFERENCE_UPDATED = "conference_updated"
    CONFERENCE_DELETED = "conference_deleted"
    CONFERENCECALL_JOINING = "conferencecall_joining"
    CONFERENCECALL_JOINED = "conferencecall_joined"
    CONFERENCECALL_LEAVING = "conferencecall_leaving"
    CONFERENCECALL_LEAVED = "conferencecall_leaved"
    TRANSCRIBE_CREATED = "transcribe_created"
    TRANSCRIBE_PROGRESSING = "transcribe_progressing"
    TRANSCRIBE_DONE = "transcribe_done"
    TRANSCRIBE_DELETED = "transcribe_deleted"
    TRANSCRIBE_SPEECH_STARTED = "transcribe_speech_started"
    TRANSCRIBE_SPEECH_INTERIM = "transcribe_speech_interim"
    TRANSCRIBE_SPEECH_ENDED = "transcribe_speech_ended"
    TRANSCRIPT_CREATED = "transcript_created"
    TRANSCRIPT_DELETED = "transcript_deleted"
    NUMBER_CREATED = "number_created"
    NUMBER_UPDATED = "number_updated"
    NUMBER_DELETED = "number_deleted"
    EXTENSION_CREATED = "extension_created"
    EXTENSION_UPDATED = "extension_updated"
    EXTENSION_DELETED = "extension_deleted"
    TRUNK_CREATED = "trunk_created"
    TRUNK_UPDATED = "trunk_updated"
    TRUNK_DELETED = "trunk_deleted"
    AGENT_CREATED = "agent_created"
    AGENT_UPDATED = "agent_updated"
    AGENT_DELETED = "agent_deleted"
    AGENT_STATUS_UPDATED = "agent_status_updated"
    QUEUE_CREATED = "queue_created"
    QUEUE_UPDATED = "queue_updated"
    QUEUE_DELETED = "queue_deleted"
    QUEUECALL_CREATED = "queuecall_created"
    QUEUECALL_WAITING = "queuecall_waiting"
    QUEUECALL_CONNECTING = "queuecall_connecting"
    QUEUECALL_SERVICED = "queuecall_serviced"
    QUEUECALL_DONE = "queuecall_done"
    QUEUECALL_ABANDONED = "queuecall_abandoned"
    QUEUECALL_DELETED = "queuecall_deleted"
    CUSTOMER_UPDATED = "customer_updated"

    @property
    def resource(self) -> str:
        """The resource word of the topic."""
        return self.value.partition("_")[0]


Resource = (
    Call
    | Groupcall
    | Activeflow
    | StoredFlow
    | Recording
    | Conference
    | Conferencecall
    | Transcribe
    | Transcript
    | SpeechEvent
    | Number
    | Extension
    | Trunk
    | Agent
    | Queue
    | Queuecall
    | Customer
)


@dataclass(frozen=True, slots=True)
class Event:
    """A fact: its type and the resource as it is now.

    `about` is the call, conference or recording that it belongs to, "" for the resource's own reference: webhooks
    keep the order of events of one call. `seq` is its place among the stored events of the instance, given when it
    is committed; an event that is not stored (speech events) carries that of the stored event before it.
    """

    type: EventType
    data: Resource
    about: str = ""
    seq: int = 0

    @property
    def customer_id(self) -> str:
        """Whose event it is."""
        return self.data.id if isinstance(self.data, Customer) else self.data.customer_id

    @property
    def resource_id(self) -> str:
        """The id at the end of the topic: the resource's own."""
        return self.data.id

    @property
    def order_key(self) -> str:
        """What shares its order of events: the call where there is one, else the resource itself."""
        if self.about:
            return self.about
        if isinstance(self.data, Activeflow | Transcribe | Recording | Conferencecall | Queuecall):
            return self.data.reference_id
        return self.data.id


@dataclass(frozen=True, slots=True)
class EventRecord:
    """A stored event, as replays and webhooks need it: `body` is its `{"type","data"}` text, topics are its names.

    `activeflow_id` is "" where the resource has none.
    """

    seq: int
    customer_id: str
    type: str
    body: str
    topics: tuple[str, ...]
    tm_create: datetime
