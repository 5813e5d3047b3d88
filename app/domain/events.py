"""Events: facts in the past tense, under their wire names (contract 7.1)."""

from dataclasses import dataclass
from enum import StrEnum

from app.domain.call import Call
from app.domain.flow import Activeflow
from app.domain.transcribe import Transcribe
from app.domain.transcript import SpeechEvent, Transcript


class EventType(StrEnum):
    """Wire names; the resource is the part before the first underscore, speech events belong to `transcribe`."""

    CALL_CREATED = "call_created"
    CALL_RINGING = "call_ringing"
    CALL_PROGRESSING = "call_progressing"
    CALL_UPDATED = "call_updated"
    CALL_TERMINATING = "call_terminating"
    CALL_CANCELING = "call_canceling"
    CALL_HANGUP = "call_hangup"
    ACTIVEFLOW_CREATED = "activeflow_created"
    ACTIVEFLOW_UPDATED = "activeflow_updated"
    TRANSCRIBE_CREATED = "transcribe_created"
    TRANSCRIBE_PROGRESSING = "transcribe_progressing"
    TRANSCRIBE_DONE = "transcribe_done"
    TRANSCRIBE_SPEECH_STARTED = "transcribe_speech_started"
    TRANSCRIBE_SPEECH_INTERIM = "transcribe_speech_interim"
    TRANSCRIBE_SPEECH_ENDED = "transcribe_speech_ended"
    TRANSCRIPT_CREATED = "transcript_created"

    @property
    def resource(self) -> str:
        """The resource word of the topic."""
        return self.value.partition("_")[0]


Resource = Call | Activeflow | Transcribe | Transcript | SpeechEvent


@dataclass(frozen=True, slots=True)
class Event:
    """A fact: its type and the resource as it is now."""

    type: EventType
    data: Resource

    @property
    def customer_id(self) -> str:
        """Whose event it is."""
        return self.data.customer_id

    @property
    def resource_id(self) -> str:
        """The id at the end of the topic: the resource's own."""
        return self.data.id
