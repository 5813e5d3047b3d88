"""The long-lived things, once all are open, and the application as others see it."""

from dataclasses import dataclass
from pathlib import Path

from app.api.first_start import FirstCredentials
from app.application.speech import FlowSpeech
from app.application.telephony import Telephony
from app.call.live_calls import LiveCalls
from app.domain.events import Event
from app.domain.flow import Flow
from app.event_bus import EventBus
from app.flow.action_registry import ActionRegistry
from app.flow.library import FlowLibrary
from app.journal.journal import Journal
from app.media.rtp_ports import PortBudget
from app.media.rtp_receiver import RtpReceiver
from app.settings import Settings
from app.speech.model_library import ModelLibrary
from app.speech.prompt_cache import Prompts
from app.speech.recognition_pool import RecognitionPool
from app.store.store import Store
from app.transcribe.transcribes import Transcribes


@dataclass(frozen=True, slots=True)
class Parts:
    """What the service is wired from."""

    settings: Settings
    home: Path
    store: Store
    bus: EventBus
    journal: Journal
    first: FirstCredentials
    models: ModelLibrary
    flow_speech: FlowSpeech
    registry: ActionRegistry
    library: FlowLibrary
    prompts: Prompts
    pool: RecognitionPool
    receiver: RtpReceiver
    budget: PortBudget
    telephony: Telephony
    left_open: tuple[Event, ...]
    """The events of what an earlier run left open and this one has closed."""


@dataclass(frozen=True, slots=True)
class Application:
    """The running application, as the command line and tests see it."""

    http_port: int
    store: Store
    bus: EventBus
    live_calls: LiveCalls
    transcribes: Transcribes
    library: FlowLibrary
    first_credentials: FirstCredentials

    @property
    def flows(self) -> tuple[Flow, ...]:
        """The flows in force."""
        return self.library.flows
